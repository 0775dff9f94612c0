package items_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/zip"
)

// What the README tells a new user to do first, in a copy. The copy has no internal/items and so not this test.
func TestDeletingTheExampleLeavesAServiceThatBuildsAndPassesItsTests(t *testing.T) {
	if os.Getenv("APP_TEST_IN_COPY") != "" {
		t.Log("not run in a copy of the tree: it would make another")
		return
	}
	root := copyWithout(t, "internal/items/")
	main := filepath.Join(root, "cmd", "server", "main.go")
	program, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	deleted := 0
	for line := range strings.Lines(string(program)) {
		if strings.Contains(line, "/internal/items") && strings.Contains(line, `"`) || strings.Contains(line, "items.Routes") {
			deleted++
			continue
		}
		kept = append(kept, line)
	}
	if deleted != 2 {
		t.Fatalf("main.go has %d lines that name the example; the README says two", deleted)
	}
	rest := []byte(strings.Join(kept, ""))
	if formatted, err := format.Source(rest); err != nil || !bytes.Equal(formatted, rest) {
		t.Errorf("what is left of main.go is not formatted (%v):\n%s", err, rest)
	}
	if err := os.WriteFile(main, rest, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"build", "./..."}, {"vet", "./..."}, {"test", "./..."}} {
		run := exec.CommandContext(t.Context(), "go", args...)
		run.Dir = root
		run.Env = append(os.Environ(), "APP_TEST_IN_COPY=1")
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// copyWithout copies the files that a module zip of this tree has, less those below a directory.
func copyWithout(t *testing.T, dir string) string {
	t.Helper()
	source, target := filepath.Join("..", ".."), t.TempDir()
	files, err := zip.CheckDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files.Valid {
		name, err := filepath.Rel(source, file)
		if err != nil {
			t.Fatal(err)
		}
		slash := filepath.ToSlash(name)
		if strings.HasPrefix(slash, dir) || strings.HasPrefix(slash, "bin/") || strings.HasPrefix(slash, "data/") || slash == ".env" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(target, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return target
}
