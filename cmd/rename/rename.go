package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// A renaming is a change of the module's path and of the service's name, and what it does to the files.
type renaming struct {
	root             string
	oldPath, newPath string
	oldName, newName string
	changes          []change // in the order in which they are written
}

// A change is the new content of a file.
type change struct {
	name    string // relative to the root, with slashes
	content []byte
}

// newRenaming reads the module in root and computes every change, and writes nothing. The error says why the module cannot
// have the path, or which file stands in the way.
func newRenaming(root, newPath string) (*renaming, error) {
	if err := module.CheckPath(newPath); err != nil {
		return nil, err // It names the path.
	}
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("not at the root of a module: %w", err)
	}
	mod, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		return nil, err
	}
	if mod.Module == nil {
		return nil, errors.New("go.mod: no module path")
	}
	for _, dependency := range mod.Require {
		// An import of it could no longer be told from an import of ours.
		if within(dependency.Mod.Path, newPath) {
			return nil, fmt.Errorf("module path %q: the dependency %s is there", newPath, dependency.Mod.Path)
		}
	}
	oldName, err := currentName(root, mod.Module.Mod.Path)
	if err != nil {
		return nil, err
	}
	r := &renaming{root: root, oldPath: mod.Module.Mod.Path, newPath: newPath, oldName: oldName, newName: serviceName(newPath)}
	if err := r.collect(); err != nil {
		return nil, err
	}
	return r, nil
}

// currentName returns what the service is called now: the default of APP_NAME as .env.example has it, which gonew leaves
// as it was, or else what the module's path says.
func currentName(root, modulePath string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, ".env.example"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if name, found := strings.CutPrefix(strings.TrimLeft(line, "# "), "APP_NAME="); found {
			return strings.TrimSpace(name), nil
		}
	}
	return serviceName(modulePath), nil
}

// serviceName returns the last element of a module's path, without the major version.
func serviceName(modulePath string) string {
	prefix, _, ok := module.SplitPathVersion(modulePath)
	if !ok {
		prefix = modulePath
	}
	return path.Base(prefix)
}

// collect computes the changes of all the files but those that git, Go, or a run of the service left, and testdata, which is
// compared with and not compiled.
func (r *renaming) collect() error {
	var last []change
	err := filepath.WalkDir(r.root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(r.root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			switch {
			case name == ".git", name == "bin", name == "data", name == "vendor", path.Base(name) == "testdata":
				return fs.SkipDir
			}
			return nil
		}
		rewrite := r.rewriter(name)
		if rewrite == nil || !entry.Type().IsRegular() {
			return nil
		}
		before, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		after, err := rewrite(name, before)
		if err != nil {
			return err
		}
		switch {
		case bytes.Equal(before, after):
		case name == "go.mod" || name == ".env.example":
			last = append(last, change{name, after})
		default:
			r.changes = append(r.changes, change{name, after})
		}
		return nil
	})
	// These tell the old path and name: a rename that was cut short can be run again as long as they are unchanged.
	r.changes = append(r.changes, last...)
	return err
}

// rewriter returns what rewrites a file of this name, or nil where nothing does.
func (r *renaming) rewriter(name string) func(name string, content []byte) ([]byte, error) {
	switch path.Ext(name) {
	case ".go":
		return r.rewriteGo
	case ".mod":
		if path.Base(name) == "go.mod" {
			return r.rewriteMod
		}
	case ".md", ".yml", ".yaml", ".example":
		return r.rewriteText
	}
	return nil
}

// apply writes the changes.
func (r *renaming) apply() error {
	for _, c := range r.changes {
		file := filepath.Join(r.root, filepath.FromSlash(c.name))
		if err := os.WriteFile(file, c.content, 0o644); err != nil { // A file that is there keeps its mode.
			return err
		}
	}
	return nil
}

// importPath returns the new import path of a package or module of ours, and whether it is ours.
func (r *renaming) importPath(old string) (string, bool) {
	if !within(old, r.oldPath) {
		return old, false
	}
	return r.newPath + strings.TrimPrefix(old, r.oldPath), true
}

// within tells whether a path is parent or below it.
func within(p, parent string) bool {
	return p == parent || strings.HasPrefix(p, parent+"/")
}
