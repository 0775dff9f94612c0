package rules_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// module is the source that rules look at: every Go file of a module, without nested modules and testdata.
type module struct {
	path  string   // as go.mod has it
	root  []string // the names in the root that are part of the repository
	files []*file
}

type file struct {
	path    string // slashed, from the root
	dir     string // "." for the root
	test    bool   // a _test.go file
	lines   int
	syntax  *ast.File
	set     *token.FileSet
	imports map[string]string // import paths by the name that the file uses
}

// at returns the place of n in f, as "path:line".
func (f *file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(n.Pos()).Line)
}

// selects tells whether e is a name of an imported package for which is holds, as in time.Sleep, and returns the name.
func (f *file) selects(e ast.Node, is func(importPath string) bool) (string, bool) {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok || f.imports[x.Name] == "" || !is(f.imports[x.Name]) {
		return "", false
	}
	return selector.Sel.Name, true
}

func (f *file) importsPath(importPath string) bool {
	for _, p := range f.imports {
		if p == importPath {
			return true
		}
	}
	return false
}

// within tells whether the slashed path p is parent or lies below it.
func within(p, parent string) bool { return p == parent || strings.HasPrefix(p, parent+"/") }

// own returns importPath from the module's root, and whether it lies in the module.
func (m *module) own(importPath string) (string, bool) {
	if importPath == m.path {
		return ".", true
	}
	return strings.CutPrefix(importPath, m.path+"/")
}

// thisModule reads the module that this test is part of.
func thisModule(t *testing.T) *module {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this package")
		}
		dir = filepath.Dir(dir)
	}
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := &module{path: modfile.ModulePath(goMod), root: rootNames(t, dir)}
	if m.path == "" {
		t.Fatal("go.mod names no module")
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			ignored := d.Name() == "testdata" || d.Name() == "vendor" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
			if name != dir && (ignored || exists(filepath.Join(name, "go.mod"))) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		m.add(t, filepath.ToSlash(rel), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parsed returns the module example.com/m made of the given files, whose names are its root too.
func parsed(t *testing.T, files map[string]string) *module {
	t.Helper()
	m := &module{path: "example.com/m"}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if path.Ext(name) == ".go" {
			m.add(t, name, []byte(text))
		}
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(m.root, top) {
			m.root = append(m.root, top)
		}
	}
	return m
}

func (m *module) add(t *testing.T, name string, text []byte) {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	f := &file{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		lines: bytes.Count(text, []byte("\n")), syntax: syntax, set: set, imports: map[string]string{},
	}
	for _, spec := range syntax.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		f.imports[localName(spec, importPath)] = importPath
	}
	m.files = append(m.files, f)
}

// localName is the name by which a file refers to an import. Where none is written it is what the path suggests.
func localName(spec *ast.ImportSpec, importPath string) string {
	if spec.Name == nil {
		major := regexp.MustCompile(`/v[0-9]+$`)
		return path.Base(major.ReplaceAllString(importPath, ""))
	}
	if spec.Name.Name == "_" || spec.Name.Name == "." { // there may be several
		return spec.Name.Name + importPath
	}
	return spec.Name.Name
}

// rootNames lists what belongs to the repository in its root directory dir: what git tracks or would track, or, outside
// of a checkout, what lies there and matches no line of .gitignore. Dotfiles are always listed there, ignored or not.
func rootNames(t *testing.T, dir string) []string {
	t.Helper()
	if names := gitNames(dir); names != nil {
		return names
	}
	ignored, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for line := range strings.Lines(string(ignored)) {
		pattern := strings.Trim(strings.TrimSpace(line), "/")
		names = slices.DeleteFunc(names, func(name string) bool {
			matched, _ := path.Match(pattern, name) // what is no pattern matches nothing
			return matched && !strings.HasPrefix(name, ".")
		})
	}
	return names
}

// gitNames is nil where dir is not the root of a checkout, or where there is no git.
func gitNames(dir string) []string {
	if !exists(filepath.Join(dir, ".git")) {
		return nil
	}
	listed, err := exec.Command("git", "-C", dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(string(listed), "\x00") {
		name, _, _ = strings.Cut(name, "/")
		if name != "" && exists(filepath.Join(dir, name)) { // a deleted file is listed until that is committed
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
