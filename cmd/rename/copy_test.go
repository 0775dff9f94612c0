package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// inCopy is set, to anything, for the tests of a copy of this tree: those that test a copy must not begin again there.
const inCopy = "APP_TEST_IN_COPY"

func TestARenamedCopyBuildsAndPassesItsTests(t *testing.T) {
	if os.Getenv(inCopy) != "" {
		t.Log("this is the copy")
		return
	}
	root := copyOfModule(t)
	old := modulePath(t, root)
	rename(t, root, "example.com/me/svc")
	checkOwned(t, root, old)
	command(t, root, "go", "build", "./...")
	command(t, root, "go", "vet", "./...")
	command(t, root, "go", "test", "./...")
}

// The copy is made by gonew itself, from a module proxy in a directory.
func TestACopyByGonewBuilds(t *testing.T) {
	if os.Getenv(inCopy) != "" {
		t.Log("this is the copy")
		return
	}
	source, version := copyOfModule(t), "v0.0.1"
	old := modulePath(t, source)
	escaped, err := module.EscapePath(old)
	if err != nil {
		t.Fatal(err)
	}
	proxy, tools, root := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "svc")
	versions := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := zip.CreateFromDir(&archive, module.Version{Path: old, Version: version}, source); err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for extension, content := range map[string][]byte{
		".info": []byte(`{"Version":"` + version + `"}`),
		".mod":  goMod,
		".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, version+extension), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command(t, tools, "env", "GOBIN="+tools, "go", "install", "golang.org/x/tools/cmd/gonew@v0.52.0")

	command(t, tools, "env", "GOPROXY=file://"+filepath.ToSlash(proxy), "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+t.TempDir(),
		filepath.Join(tools, "gonew"), old+"@"+version, "example.com/me/svc", root)
	if got := modulePath(t, root); got != "example.com/me/svc" {
		t.Fatalf("gonew made the module %q", got)
	}
	// The name is left to this command.
	rename(t, root, "example.com/me/svc")
	checkOwned(t, root, old)
	command(t, root, "go", "build", "./...")
	command(t, root, "go", "vet", "./...")
}

// checkOwned fails the test if the renamed module in root imports anything of the old one, is not formatted, or goes by
// the old name where it names itself.
func checkOwned(t *testing.T, root, old string) {
	t.Helper()
	if got := modulePath(t, root); got != "example.com/me/svc" {
		t.Errorf("the module's path is %q", got)
	}
	for imported := range strings.FieldsSeq(command(t, root, "go", "list", "-test", "-deps", "./...")) {
		if within(imported, old) {
			t.Errorf("%s is still imported", imported)
		}
	}
	if unformatted := command(t, root, "gofmt", "-l", "."); unformatted != "" {
		t.Errorf("not formatted:\n%s", unformatted)
	}
	for name, want := range map[string]string{"README.md": "# svc", ".env.example": "APP_NAME=svc\n"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(content), want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}

// copyOfModule returns a new directory with what a zip of this module has: no nested module and no repository. What git
// ignores stays out too.
func copyOfModule(t *testing.T) string {
	t.Helper()
	source, target := filepath.Join("..", ".."), t.TempDir()
	checked, err := zip.CheckDir(source)
	if err != nil {
		t.Fatal(err) // A file that no zip could have, such as two whose names differ in case only.
	}
	for _, file := range checked.Valid {
		name, err := filepath.Rel(source, file)
		if err != nil {
			t.Fatal(err)
		}
		if top := filepath.ToSlash(name); top == ".env" || within(top, "bin") || within(top, "data") {
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
		if err := os.WriteFile(to, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return target
}

// modulePath returns the path of the module in root.
func modulePath(t *testing.T, root string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	return modfile.ModulePath(content)
}

// command runs a command in a copy in root, behind the tests that run beside it and may measure time, and returns its
// standard output.
func command(t *testing.T, root, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "nice", append([]string{name}, args...)...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), inCopy+"=1", "GOWORK=off")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, output, &problems)
	}
	return string(output)
}
