//go:build unix

package filestore_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/internal/wait"
)

// missesSoon wants a miss at the latest when the store has looked at its directory, and never an error.
func missesSoon(t *testing.T, s *filestore.Store, key string) {
	t.Helper()
	begun := time.Now()
	wait.Until(t, func() bool {
		_, found, err := s.Get(t.Context(), key)
		if err != nil {
			t.Errorf("Get: %v", err)
		}
		return !found || err != nil || time.Since(begun) > 5*time.Second
	})
	wantMiss(t, s, key)
}

func TestAfterItsDirectoryWasRemovedAStoreSaysSoUntilThereIsOneAgain(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "dir")
	s := open(t, dir, nil)
	set(t, s, "k", oldValue)
	must(t, os.RemoveAll(dir))
	for range 2 {
		err := s.Set(t.Context(), "k", []byte(newValue), time.Hour)
		wantTrouble(t, err, "set", "k", syscall.ENOENT)
		if err != nil && !strings.Contains(err.Error(), dir) {
			t.Errorf("%q does not name %s", err, dir)
		}
	}
	wantTrouble(t, s.Ping(t.Context()), "ping", "", syscall.ENOENT)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made again: %v", err)
	}
	must(t, os.Mkdir(dir, 0o700))
	set(t, s, "k", newValue)
	wantValue(t, s, "k", newValue)
	wantValue(t, open(t, dir, nil), "k", newValue)
}

func TestWhatIsTakenAwayWhileStoresAreOpenIsAMissAndTheNextSetWorks(t *testing.T) {
	for _, tc := range []struct {
		name string
		take func(t *testing.T, dir string)
	}{
		{"larder.v1 is removed", func(t *testing.T, dir string) { t.Helper(); must(t, os.RemoveAll(filepath.Join(dir, "larder.v1"))) }},
		{"a shard is removed", func(t *testing.T, dir string) { t.Helper(); must(t, os.RemoveAll(fileDir(dir, "k"))) }},
		{"the directory is moved away and another put in its place", func(t *testing.T, dir string) {
			t.Helper()
			must(t, os.Rename(dir, dir+".away"))
			must(t, os.Mkdir(dir, 0o700))
		}},
	} {
		for _, first := range []string{"Set", "Get", "Delete"} {
			t.Run(tc.name+"/"+first+" first", func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "dir")
				a, b := open(t, dir, nil), open(t, dir, nil)
				set(t, a, "k", oldValue)
				read(t, a, "k", oldValue)
				read(t, b, "k", oldValue)
				tc.take(t, dir)
				switch first {
				case "Set":
					set(t, a, "k", newValue)
					wantValue(t, a, "k", newValue)
				case "Delete":
					must(t, a.Delete(t.Context(), "k"))
					wantMiss(t, a, "k")
					missesSoon(t, b, "k")
				case "Get":
					missesSoon(t, a, "k")
					missesSoon(t, b, "k")
				}
				set(t, a, "k", newValue)
				wait.Until(t, func() bool { v, _, _ := b.Get(t.Context(), "k"); return string(v) == newValue })
				// They are coherent again, also with what they have mapped.
				for range 3 {
					read(t, a, "k", newValue)
					read(t, b, "k", newValue)
					set(t, b, "k", oldValue)
					wantValue(t, a, "k", oldValue)
					read(t, b, "k", oldValue)
					set(t, a, "k", newValue)
					wantValue(t, b, "k", newValue)
				}
			})
		}
	}
}

// A cleaner of old files takes single ones.
func TestAnEntryWhoseFileWasRemovedIsAMissAfterADelete(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, nil), open(t, dir, nil)
	set(t, a, "k", oldValue)
	read(t, a, "k", oldValue)
	read(t, b, "k", oldValue)
	must(t, os.Remove(fileOf(dir, "k")))
	must(t, a.Delete(t.Context(), "k"))
	wantMiss(t, a, "k")
	wantMiss(t, b, "k")
}

func TestWhatHappensToTheGenerationsMakesNoGetFailAndNoValueStale(t *testing.T) {
	for _, tc := range []struct {
		name    string
		do      func(t *testing.T, path string)
		refuses bool // writes, until it is removed
	}{
		{name: "removed", do: func(t *testing.T, path string) { t.Helper(); must(t, os.Remove(path)) }},
		{name: "cut off", do: func(t *testing.T, path string) { t.Helper(); must(t, os.Truncate(path, 0)) }},
		{name: "replaced by a directory", refuses: true, do: func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		}},
		{name: "replaced by a symbolic link", refuses: true, do: func(t *testing.T, path string) {
			t.Helper()
			must(t, os.Remove(path))
			must(t, os.Symlink("/dev/zero", path))
		}},
		{name: "filled with other bytes", do: func(t *testing.T, path string) {
			t.Helper()
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt([]byte(strings.Repeat("\x8f\x02random", 16_384)), 0)
			must(t, err)
			must(t, f.Close())
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "larder.v1", "generations")
			a, b := open(t, dir, nil), open(t, dir, nil)
			set(t, a, "k", oldValue)
			read(t, a, "k", oldValue)
			read(t, b, "k", oldValue)
			tc.do(t, path)
			read(t, a, "k", oldValue)
			read(t, b, "k", oldValue)
			if tc.refuses {
				err := a.Set(t.Context(), "k", []byte(newValue), time.Hour)
				if err == nil || !strings.Contains(err.Error(), path) {
					t.Errorf("Set = %v, want an error that names %s", err, path)
				}
				read(t, a, "k", oldValue)
				read(t, b, "k", oldValue)
				if err := a.Delete(t.Context(), "k"); err == nil {
					t.Error("Delete gives no error")
				}
				wantMiss(t, a, "k")
				must(t, os.Remove(path))
				wantMiss(t, a, "k")
			}
			set(t, a, "k", newValue)
			wantValue(t, a, "k", newValue)
			wait.Until(t, func() bool { v, _, _ := b.Get(t.Context(), "k"); return string(v) == newValue })
			wait.Until(t, func() bool { // after a second at most b sees what a does, at once
				set(t, b, "probe", newValue)
				return true
			})
			read(t, b, "k", newValue)
			set(t, a, "k", oldValue)
			wantValue(t, b, "k", oldValue)
		})
	}
}
