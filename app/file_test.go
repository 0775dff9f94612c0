package app_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
)

// onFiles is the environment of a service whose entries are in dir. Its disk may be busy.
func onFiles(dir string, env ...string) []string {
	return append([]string{"APP_CACHE_BACKEND=file", "APP_CACHE_FILE_PATH=" + dir, "APP_CACHE_TIMEOUT=20s"}, env...)
}

func TestEntriesInFilesOutlastTheService(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "is", "made")
	for _, sync := range []string{"none", "file", "full"} {
		t.Run(sync, func(t *testing.T) {
			t.Run("before", func(t *testing.T) {
				a := apptest.New(t, app.New(load(t, onFiles(dir, "APP_CACHE_FILE_SYNC="+sync)...)).Cache())
				set(t, a.Cache(), sync)
				set(t, named(t, a.Registry(), "sessions"), sync)
			})
			a := apptest.New(t, app.New(load(t, onFiles(dir)...)).Cache())
			if !has(t, a.Cache(), sync) || !has(t, named(t, a.Registry(), "sessions"), sync) {
				t.Error("an entry is gone after the restart")
			}
		})
	}
}

func TestServicesOnOneDirectoryShareTheirEntries(t *testing.T) {
	dir := t.TempDir()
	one := apptest.New(t, app.New(load(t, onFiles(dir)...)).Cache())
	other := apptest.New(t, app.New(load(t, onFiles(dir)...)).Cache())
	set(t, one.Cache(), "k")
	if !has(t, other.Cache(), "k") {
		t.Error("the other service does not have the entry")
	}
}

func TestNamedCachesInFilesHaveDirectoriesOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	a := apptest.New(t, app.New(load(t, onFiles(dir)...)).Cache())
	all := map[string]*cache.Cache{"": a.Cache()}
	for _, name := range []string{"pages", "Pages", "PAGES"} {
		all[name] = named(t, a.Registry(), name)
	}
	for cleared := range all {
		for _, c := range all {
			set(t, c, "k")
		}
		if err := all[cleared].Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, c := range all {
			if got, want := has(t, c, "k"), name != cleared; got != want {
				t.Errorf("the cache %q has its entry after Clear of %q: %t; want %t", name, cleared, got, want)
			}
		}
	}
	want := []string{"larder.named", "larder.named/=P=A=G=E=S", "larder.named/=Pages", "larder.named/pages", "larder.v1"}
	if diff := cmp.Diff(want, directories(t, dir)); diff != "" {
		t.Error(diff) // nor do two differ in capitals only
	}
}

// directories are those below dir, but for what is inside of a store's own.
func directories(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() || path == "." || err != nil {
			return err
		}
		if inner := filepath.Base(path) == "larder.v1"; !inner {
			found = append(found, path)
			return nil
		}
		if filepath.Dir(path) == "." {
			found = append(found, path)
		}
		return fs.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestANameOfItsOwnCanBeInFiles(t *testing.T) {
	dir := t.TempDir()
	a := apptest.New(t, app.New(load(t, "APP_STORES=sessions=file", "APP_CACHE_FILE_PATH="+dir)).Cache())
	set(t, named(t, a.Registry(), "sessions"), "k")
	set(t, a.Cache(), "k")
	if diff := cmp.Diff([]string{"larder.named", "larder.named/sessions"}, directories(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestTheBytesOfFilesAreLimited(t *testing.T) {
	a := apptest.New(t, app.New(load(t, onFiles(t.TempDir(), "APP_CACHE_FILE_MAX_BYTES=100000")...)).Cache())
	for i := range 100 {
		set(t, a.Cache(), strings.Repeat("k", 1+i))
	}
	wait.Until(t, func() bool {
		held := 0
		for _, err := range a.Cache().Keys(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			held++
		}
		return held > 0 && held <= 100000/4096
	})
}

func TestADirectoryThatWasRemovedMakesTheServiceUnready(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	a := apptest.New(t, app.New(load(t, onFiles(dir, "APP_HEALTH_DETAILS=true", "APP_HEALTH_INTERVAL=50ms")...)).Cache())
	set(t, a.Cache(), "k")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool {
		w := a.Get("/ready")
		return w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), dir)
	})
	if err := a.Cache().Set(t.Context(), "k", []byte("k"), cache.Forever); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("Set in a directory that was removed: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool { return a.Get("/ready").Code == http.StatusOK })
	set(t, a.Cache(), "k")
}
