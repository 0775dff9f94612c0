package rules_test

import (
	"go/ast"
	"go/token"
	"strings"
)

func declarationRules() []rule {
	return []rule{{
		"every package has a package comment",
		"it is the first thing that a reader of the documentation sees: what the package is for",
		packagesWithoutComment,
	}, {
		"there is no init function",
		"an import must not do anything; main composes, in an order that can be read",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				for _, decl := range f.syntax.Decls {
					if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
						violations = append(violations, f.at(fn)+": func init")
					}
				}
			}
			return violations
		},
	}, {
		"package variables are errors, interface checks, embedded files and pools only",
		"any other is state that all services and tests of a process share; make it a constant, a field, or a function that returns it",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				for _, decl := range f.syntax.Decls {
					group, ok := decl.(*ast.GenDecl)
					if !ok || group.Tok != token.VAR {
						continue
					}
					for _, spec := range group.Specs {
						if v := spec.(*ast.ValueSpec); !f.embedded(group, v) && !f.harmless(v) {
							violations = append(violations, f.at(v)+": var "+v.Names[0].Name)
						}
					}
				}
			}
			return violations
		},
	}, {
		"only cmd and app.Main end the process",
		"os.Exit and log.Fatal run no deferred call and no stop hook; return an error. A test may do it in TestMain",
		processEnds,
	}}
}

func packagesWithoutComment(m *module) []string {
	type pkg struct{ dir, name string }
	first, commented := map[pkg]*file{}, map[pkg]bool{}
	var order []pkg
	for _, f := range m.files {
		p := pkg{f.dir, f.syntax.Name.Name}
		if f.test && strings.HasSuffix(p.name, "_test") {
			continue
		}
		if first[p] == nil {
			first[p] = f
			order = append(order, p)
		}
		text := f.syntax.Doc.Text()
		if strings.HasPrefix(text, "Package "+p.name+" ") || p.name == "main" && text != "" {
			commented[p] = true
		}
	}
	var violations []string
	for _, p := range order {
		if !commented[p] {
			violations = append(violations, first[p].path+": no file of package "+p.name+" says what it is for")
		}
	}
	return violations
}

func (f *file) embedded(group *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{group.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// harmless tells whether every variable of v is an error, a pool, or only a check that the compiler makes.
func (f *file) harmless(v *ast.ValueSpec) bool {
	for i, name := range v.Names {
		var value ast.Expr
		if i < len(v.Values) {
			value = v.Values[i]
		}
		if name.Name != "_" && !f.isPool(v.Type, value) && !f.isError(name.Name, v.Type, value) {
			return false
		}
	}
	return true
}

func (f *file) isPool(declared, value ast.Expr) bool {
	if address, ok := value.(*ast.UnaryExpr); ok {
		value = address.X
	}
	if literal, ok := value.(*ast.CompositeLit); ok {
		value = literal.Type
	}
	for _, e := range []ast.Expr{declared, value} {
		if name, ok := f.selects(e, among("sync")); ok && name == "Pool" {
			return true
		}
	}
	return false
}

func (f *file) isError(name string, declared, value ast.Expr) bool {
	if call, ok := value.(*ast.CallExpr); ok {
		if made, ok := f.selects(call.Fun, among("errors", "fmt")); ok && (made == "New" || made == "Errorf") {
			return true
		}
	}
	builtin, isIdent := declared.(*ast.Ident)
	ofErrorType := declared == nil && value != nil || isIdent && builtin.Name == "error"
	return ofErrorType && (strings.HasPrefix(name, "Err") || strings.HasPrefix(name, "err"))
}

func processEnds(m *module) []string {
	var violations []string
	for _, f := range m.files {
		if within(f.dir, "cmd") {
			continue
		}
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && (f.dir == "app" && fn.Name.Name == "Main" || f.test && fn.Name.Name == "TestMain") {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				if name, ok := f.selects(e, among("os")); ok && name == "Exit" {
					violations = append(violations, f.at(n)+": os.Exit")
				}
				if name, ok := f.selects(e, among("log")); ok && strings.HasPrefix(name, "Fatal") {
					violations = append(violations, f.at(n)+": log."+name)
				}
				return true
			})
		}
	}
	return violations
}

func declarationExamples() []example {
	const (
		comment   = "every package has a package comment"
		noInit    = "there is no init function"
		variables = "package variables are errors, interface checks, embedded files and pools only"
		exit      = "only cmd and app.Main end the process"
	)
	return []example{
		{
			"none, one that names another package, one in a test", comment,
			map[string]string{
				"a/a.go": "package a\n", "a/b.go": "// A comment.\n\npackage a\n", "b/b.go": "// Package a is b.\npackage b\n",
				"c/c.go": "package c\n", "c/c_test.go": "// Package c_test is tests.\npackage c_test\n", "cmd/x/main.go": "package main\n",
			},
			[]string{"a/a.go: no file of package a says what it is for", "b/b.go: no file of package b says what it is for",
				"c/c.go: no file of package c says what it is for", "cmd/x/main.go: no file of package main says what it is for"},
		}, {
			"one file of each package has it", comment,
			map[string]string{
				"a/a.go": "package a\n", "a/doc.go": "// Package a is it.\npackage a\n", "a/a_test.go": "package a_test\n",
				"cmd/x/main.go": "// Command x runs.\npackage main\n",
			},
			nil,
		}, {
			"a package and a test have one", noInit,
			map[string]string{"a/a.go": "package a\nfunc init() {}\n", "a/a_test.go": "package a\nfunc init() {}\n"},
			[]string{"a/a.go:2: func init", "a/a_test.go:2: func init"},
		}, {
			"a method has the name", noInit,
			map[string]string{"a/a.go": "package a\ntype t int\nfunc (t) init() {}\n"},
			nil,
		}, {
			"a map, a count, an error's look-alike, one of two, one in a test", variables,
			map[string]string{
				"a/a.go":      "package a\nimport \"errors\"\nvar m = map[string]int{}\nvar (\n\tn int\n\terrCount int\n)\nvar errA, b = errors.New(\"a\"), 1\n",
				"a/a_test.go": "package a\nvar update bool\n",
			},
			[]string{"a/a.go:3: var m", "a/a.go:5: var n", "a/a.go:6: var errCount", "a/a.go:8: var errA", "a/a_test.go:2: var update"},
		}, {
			"errors, checks, embedded files, pools and what is in a function", variables,
			map[string]string{"a/a.go": `package a
import ("embed"; "errors"; "fmt"; "io"; "sync")
type t struct{}
func (t) Error() string { return "" }
var ErrA = errors.New("a")
var b = fmt.Errorf("b: %w", ErrA)
var errC error = t{}
var ErrD = t{}
var _ io.Writer = (*io.PipeWriter)(nil)
//go:embed *.txt
var files embed.FS
var (
	//go:embed a.txt
	text string
	p = sync.Pool{New: func() any { return nil }}
	q sync.Pool
	r = &sync.Pool{}
)
func f() { var n int; _ = n }
`},
			nil,
		}, {
			"a package, a test and another function of app do", exit,
			map[string]string{
				"a/a.go":      "package a\nimport (\"log\"; \"os\")\nfunc f() { os.Exit(1) }\nfunc g() { log.Fatalf(\"\") }\n",
				"a/a_test.go": "package a\nimport \"log\"\nfunc g() { defer log.Fatal() }\n",
				"app/a.go":    "package app\nimport \"os\"\nfunc run() { f := os.Exit; f(1) }\n",
			},
			[]string{"a/a.go:3: os.Exit", "a/a.go:4: log.Fatalf", "a/a_test.go:3: log.Fatal", "app/a.go:3: os.Exit"},
		}, {
			"cmd, app.Main and TestMain do, a logger of ours has the method", exit,
			map[string]string{
				"cmd/x/main.go": "package main\nimport \"os\"\nfunc main() { os.Exit(1) }\n",
				"app/a.go":      "package app\nimport \"os\"\nfunc Main() int { go func() { os.Exit(1) }(); return 0 }\n",
				"a/a_test.go":   "package a\nimport \"os\"\nfunc TestMain() { os.Exit(1) }\n",
				"a/a.go":        "package a\nfunc f(log interface{ Fatal() }) { log.Fatal() }\n",
			},
			nil,
		},
	}
}
