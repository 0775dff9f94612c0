//go:build darwin || linux

package filestore_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// tree is what is below a directory: the mode of each path, and its bytes or where it leads.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		var b []byte
		switch {
		case i.Mode().IsRegular():
			b, err = os.ReadFile(path)
		case i.Mode()&fs.ModeSymlink != 0:
			var to string
			to, err = os.Readlink(path)
			b = []byte(to)
		}
		all[path] = fmt.Sprint(i.Mode(), " ", string(b))
		return err
	}))
	return all
}

func wantKept(t *testing.T, before, after map[string]string) {
	t.Helper()
	for path, was := range before {
		if is, there := after[path]; !there || is != was {
			t.Errorf("%s is %.60q, %t; want %.60q", path, is, there, was)
		}
	}
}

// use does all that a store does to its files, with keys of its own.
func use(t *testing.T, s *filestore.Store) {
	t.Helper()
	for i := range 200 { // in all shards, and more than there may be
		must(t, s.Set(t.Context(), fmt.Sprint("mine", i), make([]byte, 1000), time.Duration(1+i%2*int(time.Hour))))
		if i%7 == 0 {
			must(t, s.Delete(t.Context(), fmt.Sprint("mine", i)))
		}
	}
	for range 2 {
		_, err := s.DeleteExpired(t.Context())
		must(t, err)
	}
	keysOf(t, s)
	must(t, s.Clear(t.Context(), ""))
	must(t, s.Close())
}

func TestWhatIsNotTheStoresIsNeitherRemovedNorChanged(t *testing.T) {
	home := t.TempDir()
	put := func(name, text string, mode fs.FileMode) {
		path := filepath.Join(home, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), mode))
		must(t, os.Chmod(path, mode))
	}
	other := string(entry{version: 1, key: "other", value: []byte("v"), expires: 1}.bytes())
	hexadecimal := strings.Repeat("0123456789abcdef", 4)
	for i, name := range []string{
		"alice/.profile", "alice/thesis.tmp", "larder", "larder.v1.bak/00/" + hexadecimal, "larder.v2/00/" + hexadecimal, "generations",
		"larder.v1/notes", "larder.v1/generations.bak", "larder.v1/" + hexadecimal, "larder.v1/0123456789abcdef.tmp", "larder.v1/40/" + hexadecimal,
		"larder.v1/00/" + hexadecimal[1:], "larder.v1/00/" + hexadecimal + "0", "larder.v1/00/" + strings.ToUpper(hexadecimal), "larder.v1/00/.hidden",
		"larder.v1/00/notes.tmp", "larder.v1/00/0123456789abcde.tmp", "larder.v1/00/sub/" + hexadecimal, "larder.v1/1C/" + hexadecimal,
	} {
		put(name, other, 0o640|fs.FileMode(i%2)) // ours to the last byte, but not where ours are
		put(name+".empty", "", 0o600)
	}
	for _, name := range []string{"00/" + hexadecimal, "01/" + hexadecimal, "00/0123456789abcdef.tmp", "3f/fedcba9876543210.tmp"} {
		put("larder.v1/"+name, "none of ours", 0o604)
	}
	put("larder.v1/02/"+hexadecimal, other, 0o600) // of another key
	put("larder.v1/03/"+filepath.Base(fileOf("", "other")), other, 0o600)
	must(t, os.MkdirAll(filepath.Join(home, "larder.v1/04", hexadecimal, "sub"), 0o750))
	must(t, os.MkdirAll(filepath.Join(home, "larder.v1/05/0123456789abcdef.tmp"), 0o750))
	must(t, os.Symlink(filepath.Join(home, "alice"), filepath.Join(home, "larder.v1/05", hexadecimal)))
	before := tree(t, home)
	use(t, open(t, home, &filestore.Options{MaxBytes: 100 << 10}))
	wantKept(t, before, tree(t, home))
}

func TestNoLinkLeadsOutOfTheStore(t *testing.T) {
	outside := func(t *testing.T) (dir string) {
		t.Helper()
		dir = t.TempDir()
		putFile(t, dir, "key", entry{version: 1, key: "key", value: []byte("outside"), expires: never}.bytes())
		must(t, os.WriteFile(filepath.Join(dir, "larder.v1/generations"), []byte("short"), 0o600))
		return dir
	}
	shard := filepath.Base(filepath.Dir(fileOf("", "key")))
	for name, tc := range map[string]struct {
		at, to       string // below the store's directory and that outside
		opens, works bool
	}{
		"in the place of larder.v1":    {"larder.v1", "larder.v1", false, false},
		"in the place of generations":  {"larder.v1/generations", "larder.v1/generations", false, false},
		"in the place of a shard":      {"larder.v1/" + shard, "larder.v1/" + shard, true, false},
		"in the place of an entry":     {fileOf("", "key"), fileOf("", "key"), true, true},
		"in its place, to nowhere":     {fileOf("", "key"), "nowhere", true, true},
		"in the place of a whole disk": {"larder.v1", "/", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, there := t.TempDir(), outside(t)
			link := filepath.Join(dir, tc.at)
			must(t, os.MkdirAll(filepath.Dir(link), 0o700))
			must(t, os.Symlink(filepath.Join(there, tc.to), link))
			before := tree(t, there)
			s, err := filestore.Open(dir, &filestore.Options{Timeout: time.Minute})
			if opened := err == nil; opened != tc.opens || !opened && !strings.Contains(err.Error(), link) {
				t.Fatalf("Open: %v; want it to open: %t, or else an error that names %s", err, tc.opens, link)
			}
			if tc.opens {
				for range 3 {
					v, found, err := s.Get(t.Context(), "key")
					if found || (err == nil) != tc.works || err != nil && !strings.Contains(err.Error(), link) {
						t.Errorf("Get = %q, %t, %v; want none, or an error that names %s", v, found, err, link)
					}
				}
				must2 := func(err error) {
					if tc.works {
						must(t, err)
					}
				}
				must2(s.Delete(t.Context(), "key"))
				_, err = s.DeleteExpired(t.Context())
				must2(err)
				must2(s.Clear(t.Context(), ""))
				if to, err := os.Readlink(link); err != nil {
					t.Errorf("the link leads to %q, %v", to, err)
				}
				must2(s.Set(t.Context(), "key", []byte("new"), cache.Forever))
				if tc.works {
					wantBytes(t, s, "key", []byte("new"))
				}
				must(t, s.Close())
			}
			if after := tree(t, there); !maps.Equal(before, after) {
				t.Errorf("outside there are %v; want %v", after, before)
			}
		})
	}
}

func TestAFileInThePlaceOfADirectoryIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "larder.v1")
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	if _, err := filestore.Open(dir, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v; want an error that names %s", err, path)
	}
	must(t, os.Remove(path))
	s := open(t, dir, nil)
	path = filepath.Dir(fileOf(dir, "key"))
	must(t, os.WriteFile(path, []byte("mine"), 0o600))
	if err := s.Set(t.Context(), "key", nil, cache.Forever); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Set = %v; want an error that names %s", err, path)
	}
	if b, err := os.ReadFile(path); !bytes.Equal(b, []byte("mine")) || err != nil {
		t.Errorf("the file has %q, %v", b, err)
	}
}

// A umask takes away what it takes away of the owner's, too; nothing is ever given to others.
func TestFilesAreTheirOwnersAloneAndNoKeyIsInAPath(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		t.Run(fmt.Sprintf("umask %03o", mask), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			old := unix.Umask(mask)
			defer unix.Umask(old)
			s := open(t, dir, nil)
			for i := range 100 {
				must(t, s.Set(t.Context(), fmt.Sprint("../distinctive/", i), []byte("v"), cache.Forever))
			}
			must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				must(t, err)
				i, err := d.Info()
				must(t, err)
				if want := map[bool]fs.FileMode{true: fs.ModeDir | 0o700, false: 0o600}[d.IsDir()]; i.Mode() != want {
					t.Errorf("the mode of %s is %v; want %v", path, i.Mode(), want)
				}
				if strings.Contains(path, "distinctive") {
					t.Errorf("a key is in the path %s", path)
				}
				return nil
			}))
		})
	}
}
