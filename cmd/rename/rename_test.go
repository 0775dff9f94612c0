package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRename(t *testing.T) {
	const goMod = "module example.com/old/larder\n\ngo 1.26\n"
	tests := []struct {
		name   string
		module string // example.com/me/svc where empty
		file   string
		before string
		after  string
	}{
		{
			name: "go.mod gets the path and keeps the rest",
			file: "go.mod",
			before: "// A service.\nmodule example.com/old/larder\n\ngo 1.26\n\n" +
				"require example.com/old/larderette v1.0.0 // indirect\n",
			after: "// A service.\nmodule example.com/me/svc\n\ngo 1.26\n\n" +
				"require example.com/old/larderette v1.0.0 // indirect\n",
		},
		{
			name: "a nested module goes on requiring this one",
			file: "internal/bench/go.mod",
			before: "module example.com/old/larder/internal/bench\n\ngo 1.26\n\n" +
				"require example.com/old/larder v0.0.0 // the one above\n\n" +
				"require (\n\texample.com/old/other v1.0.0\n)\n\n" +
				"replace example.com/old/larder => ../..\n",
			after: "module example.com/me/svc/internal/bench\n\ngo 1.26\n\n" +
				"require example.com/me/svc v0.0.0 // the one above\n\n" +
				"require (\n\texample.com/old/other v1.0.0\n)\n\n" +
				"replace example.com/me/svc => ../..\n",
		},
		{
			name: "imports of the module's packages are renamed, whatever they are called here",
			file: "a.go",
			before: "package a\n\nimport (\n\t_ \"example.com/old/larder\"\n\t\"example.com/old/larder/cache\"\n" +
				"\tsub \"example.com/old/larder/cache/sub\"\n)\n\nvar _ = cache.New(sub.X)\n",
			after: "package a\n\nimport (\n\t_ \"example.com/me/svc\"\n\t\"example.com/me/svc/cache\"\n" +
				"\tsub \"example.com/me/svc/cache/sub\"\n)\n\nvar _ = cache.New(sub.X)\n",
		},
		{
			name:   "imports are sorted again",
			file:   "a.go",
			before: "package a\n\nimport (\n\t_ \"example.com/old/larder/cache\"\n\t_ \"example.com/old/zebra\"\n)\n",
			module: "example.com/z/svc",
			after:  "package a\n\nimport (\n\t_ \"example.com/old/zebra\"\n\t_ \"example.com/z/svc/cache\"\n)\n",
		},
		{
			name:   "a module whose path only begins the same is another's",
			file:   "a.go",
			before: "package a\n\nimport _ \"example.com/old/larder2/cache\"\n",
			after:  "package a\n\nimport _ \"example.com/old/larder2/cache\"\n",
		},
		{
			name:   "strings and comments of Go code that mention the path stay",
			file:   "a.go",
			before: "// Package a came from example.com/old/larder.\npackage a\n\nconst origin = \"example.com/old/larder\"\n",
			after:  "// Package a came from example.com/old/larder.\npackage a\n\nconst origin = \"example.com/old/larder\"\n",
		},
		{
			name:   "the default of APP_NAME is the last element of the path",
			file:   "settings/settings.go",
			before: "package settings\n\ntype Settings struct {\n\tName string `env:\"NAME\" envDefault:\"larder\" help:\"Like larder.\"`\n}\n",
			after:  "package settings\n\ntype Settings struct {\n\tName string `env:\"NAME\" envDefault:\"svc\" help:\"Like larder.\"`\n}\n",
		},
		{
			name:   "the default of another variable stays, also where it is the old name",
			file:   "a.go",
			before: "package a\n\ntype T struct {\n\tDatabase string `env:\"DATABASE\" envDefault:\"larder\"`\n}\n",
			after:  "package a\n\ntype T struct {\n\tDatabase string `env:\"DATABASE\" envDefault:\"larder\"`\n}\n",
		},
		{
			name:   "a default of APP_NAME that its user chose stays",
			file:   "a.go",
			before: "package a\n\ntype T struct {\n\tName string `env:\"NAME\" envDefault:\"shop\"`\n}\n",
			after:  "package a\n\ntype T struct {\n\tName string `env:\"NAME\" envDefault:\"shop\"`\n}\n",
		},
		{
			name:   "a file without anything of ours is not even formatted",
			file:   "a.go",
			before: "package a\nvar   x int\n",
			after:  "package a\nvar   x int\n",
		},
		{
			name:   "what tests compare with stays",
			file:   "a/testdata/a.go",
			before: "package a\n\nimport _ \"example.com/old/larder\"\n",
			after:  "package a\n\nimport _ \"example.com/old/larder\"\n",
		},
		{
			name:   "what a run of the service left stays",
			file:   "data/a.yml",
			before: "example.com/old/larder",
			after:  "example.com/old/larder",
		},
		{
			name:   "the README's title names the service, in any case",
			file:   "README.md",
			before: "# The Larder service\n\nLarder is\n\n# Larder\n",
			after:  "# The svc service\n\nLarder is\n\n# Larder\n",
		},
		{
			name:   "a title that holds the name in a longer word stays",
			file:   "README.md",
			before: "# Larders\n",
			after:  "# Larders\n",
		},
		{
			name:   "the title of another document stays",
			file:   "internal/docs/adr/0001-larder.md",
			before: "# Larder\n",
			after:  "# Larder\n",
		},
		{
			name:   ".env.example and documents name the service in APP_NAME",
			file:   "docs.md",
			before: "# APP_NAME=larder\n\tAPP_NAME=larder\nAPP_NAME=larder2\nAPP_OTHER=larder\n",
			after:  "# APP_NAME=svc\n\tAPP_NAME=svc\nAPP_NAME=larder2\nAPP_OTHER=larder\n",
		},
		{
			name:   "texts name the module and its packages by their new path",
			file:   "README.md",
			before: "`import \"example.com/old/larder/cache\"`, module example.com/old/larder.\n",
			after:  "`import \"example.com/me/svc/cache\"`, module example.com/me/svc.\n",
		},
		{
			name:   "configuration does too",
			file:   ".golangci.yml",
			before: "local-prefixes: [example.com/old/larder]\n",
			after:  "local-prefixes: [example.com/me/svc]\n",
		},
		{
			name: "URLs and versions in texts tell where the code came from, and stay",
			file: "README.md",
			before: "https://example.com/old/larder, gonew example.com/old/larder@latest,\n" +
				"git@host:example.com/old/larder.git, my.example.com/old/larder-x\n",
			after: "https://example.com/old/larder, gonew example.com/old/larder@latest,\n" +
				"git@host:example.com/old/larder.git, my.example.com/old/larder-x\n",
		},
		{
			name:   "a major version is no part of the service's name",
			file:   "README.md",
			module: "example.com/me/svc/v2",
			before: "# Larder\n\nexample.com/old/larder/cache\n",
			after:  "# svc\n\nexample.com/me/svc/v2/cache\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, map[string]string{"go.mod": goMod, test.file: test.before})
			module := test.module
			if module == "" {
				module = "example.com/me/svc"
			}
			rename(t, root, module)
			if diff := cmp.Diff(test.after, contents(t, root)[test.file]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.file, diff)
			}
		})
	}
}

func TestRenameAgain(t *testing.T) {
	files := map[string]string{
		"go.mod":       "module example.com/old/larder\n\ngo 1.26\n",
		"README.md":    "# Larder\n\nexample.com/old/larder\n",
		".env.example": "# APP_NAME=larder\n",
		"main.go":      "package main\n\nimport _ \"example.com/old/larder/cache\"\n",
	}
	t.Run("with the same path it changes nothing", func(t *testing.T) {
		root := tree(t, files)
		rename(t, root, "example.com/me/svc")
		once := contents(t, root)
		rename(t, root, "example.com/me/svc")
		if diff := cmp.Diff(once, contents(t, root)); diff != "" {
			t.Errorf("after the second time (-once +twice):\n%s", diff)
		}
	})
	t.Run("with another path it leaves nothing of the first", func(t *testing.T) {
		root, direct := tree(t, files), tree(t, files)
		rename(t, root, "example.com/me/svc/v2")
		rename(t, root, "example.com/you/shop")
		rename(t, direct, "example.com/you/shop")
		if diff := cmp.Diff(contents(t, direct), contents(t, root)); diff != "" {
			t.Errorf("(-renamed once +renamed twice):\n%s", diff)
		}
	})
	t.Run("with the path that gonew gave it changes the name that gonew left", func(t *testing.T) {
		root := tree(t, map[string]string{
			"go.mod":       "module example.com/me/svc\n\ngo 1.26\n",
			"README.md":    "# Larder\n",
			".env.example": "APP_NAME=larder\n",
		})
		rename(t, root, "example.com/me/svc")
		want := map[string]string{
			"go.mod":       "module example.com/me/svc\n\ngo 1.26\n",
			"README.md":    "# svc\n",
			".env.example": "APP_NAME=svc\n",
		}
		if diff := cmp.Diff(want, contents(t, root)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestARenameThatWasCutShortCanBeRunAgain(t *testing.T) {
	files := map[string]string{
		".env.example": "APP_NAME=larder\n",
		"go.mod":       "module example.com/old/larder\n",
		"settings.go":  "package settings\n\ntype T struct {\n\tName string `env:\"NAME\" envDefault:\"larder\"`\n}\n",
		"z.md":         "example.com/old/larder\n",
	}
	root, whole := tree(t, files), tree(t, files)
	r, err := newRenaming(root, "example.com/me/svc")
	if err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(root, "settings.go")
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(obstacle, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.apply(); err == nil {
		t.Fatal("writing to a directory succeeded")
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(obstacle, []byte(files["settings.go"]), 0o644); err != nil {
		t.Fatal(err)
	}
	rename(t, root, "example.com/me/svc")
	rename(t, whole, "example.com/me/svc")
	if diff := cmp.Diff(contents(t, whole), contents(t, root)); diff != "" {
		t.Errorf("(-at once +in two attempts):\n%s", diff)
	}
}

func TestRenameKeepsTheModeOfFiles(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": "module example.com/old/larder\n", "x.go": "package x\n\nimport _ \"example.com/old/larder/y\"\n"})
	file := filepath.Join(root, "x.go")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	rename(t, root, "example.com/me/svc")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
}

func TestRefusals(t *testing.T) {
	goMod := "module example.com/old/larder\n\nrequire example.com/lib/pq v1.0.0\n"
	tests := []struct {
		name    string
		files   map[string]string
		args    []string
		code    int
		problem string
	}{
		{"no module path", map[string]string{"go.mod": goMod}, nil, 2, "usage: task rename MODULE="},
		{"an empty module path", map[string]string{"go.mod": goMod}, []string{""}, 2, "usage: task rename MODULE="},
		{"two module paths", map[string]string{"go.mod": goMod}, []string{"example.com/a", "example.com/b"}, 2, "usage: task rename MODULE="},
		{"a path without a domain", map[string]string{"go.mod": goMod}, []string{"svc"}, 1, `malformed module path "svc": missing dot in first path element`},
		{"a URL", map[string]string{"go.mod": goMod}, []string{"https://example.com/svc"}, 1, `malformed module path "https://example.com/svc"`},
		{"a path that leaves the module", map[string]string{"go.mod": goMod}, []string{"example.com/../svc"}, 1, "malformed module path"},
		{"the path of a dependency", map[string]string{"go.mod": goMod}, []string{"example.com/lib/pq"}, 1, "the dependency example.com/lib/pq is there"},
		{"a path above a dependency", map[string]string{"go.mod": goMod}, []string{"example.com/lib"}, 1, "the dependency example.com/lib/pq is there"},
		{"a directory without go.mod", map[string]string{"main.go": "package main\n"}, []string{"example.com/me/svc"}, 1, "not at the root of a module"},
		{"a go.mod without a module", map[string]string{"go.mod": "go 1.26\n"}, []string{"example.com/me/svc"}, 1, "no module path"},
		{
			"a Go file that does not parse",
			map[string]string{"go.mod": goMod, "a.go": "package a\n\nimport _ \"example.com/old/larder/b\"\n", "z.go": "pakcage z\n"},
			[]string{"example.com/me/svc"}, 1, "z.go:1:1",
		},
	}
	for _, test := range tests {
		t.Run(test.name+" is refused, and nothing is written", func(t *testing.T) {
			root := tree(t, test.files)
			var out, problems bytes.Buffer
			if code := run(root, test.args, &out, &problems); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(problems.String(), test.problem) {
				t.Errorf("problem %q, want %q", &problems, test.problem)
			}
			if out.Len() > 0 {
				t.Errorf("output %q, want none", &out)
			}
			if diff := cmp.Diff(test.files, contents(t, root)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
		})
	}
}

func TestTheReportTellsWhatChanged(t *testing.T) {
	root := tree(t, map[string]string{"go.mod": "module example.com/old/larder\n", "README.md": "# Larder\n", "other.md": "nothing\n"})
	var out bytes.Buffer
	if code := run(root, []string{"example.com/me/svc"}, &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	want := "module example.com/old/larder is now example.com/me/svc, and the service larder is svc: 2 files changed\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func FuzzRewritePaths(f *testing.F) {
	f.Add("import example.com/old/larder/cache", "example.com/me/svc")
	f.Add("example.com/old/larder.example.com/old/larder", "example.com/old/larder/v2")
	f.Add("https://example.com/old/larder example.com/old/larder.", "example.com/x")
	f.Fuzz(func(t *testing.T, text, module string) {
		same := renaming{oldPath: "example.com/old/larder", newPath: "example.com/old/larder"}
		if got := same.rewritePaths(text); got != text {
			t.Errorf("renamed to itself, %q is %q", text, got)
		}
		marked := renaming{oldPath: "example.com/old/larder", newPath: "\x00"}
		renamed := strings.Count(marked.rewritePaths(text), "\x00") - strings.Count(text, "\x00")
		other := renaming{oldPath: "example.com/old/larder", newPath: module}
		if got, want := len(other.rewritePaths(text)), len(text)+renamed*(len(module)-len(same.oldPath)); got != want {
			t.Errorf("%q renamed %d times is %d bytes long, want %d", text, renamed, got, want)
		}
	})
}

// tree returns a new directory with files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// contents returns the files of a directory that tree made.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rename runs the command and fails the test if the command does.
func rename(t *testing.T, root, module string) {
	t.Helper()
	var problems bytes.Buffer
	if code := run(root, []string{module}, io.Discard, &problems); code != 0 {
		t.Fatalf("renaming to %s: exit code %d: %s", module, code, &problems)
	}
}
