package rules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestTheRootIsWhatTheRepositoryHoldsWithAndWithoutGit(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "app/app.go", "data/cache/entry", "a.test", ".env.example", ".gitignore"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("/data/\n*.test\n.env.*\n!.env.example\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{".env.example", ".gitignore", "app", "go.mod"}
	if got := rootNames(t, dir); !slices.Equal(got, want) {
		t.Errorf("the root of a directory is %q, want %q", got, want)
	}
	_ = exec.Command("git", "-C", dir, "init").Run() // where there is no git, the listing must do without
	got := slices.DeleteFunc(rootNames(t, dir), func(name string) bool { return name == ".git" })
	if !slices.Equal(got, want) {
		t.Errorf("the root of a checkout is %q, want %q", got, want)
	}
}

func TestThisModuleIsReadWhole(t *testing.T) {
	m := thisModule(t)
	for _, want := range []string{"internal/rules/doc.go", "lifecycle/lifecycle.go"} {
		if !slices.ContainsFunc(m.files, func(f *file) bool { return f.path == want }) {
			t.Errorf("%s was not read", want)
		}
	}
}
