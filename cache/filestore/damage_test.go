//go:build unix

package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// damages are what may have become of an entry's file. Each gets the path and the bytes that were there.
func damages() map[string]func(path string, b []byte) error {
	write := func(path string, b []byte) error { return os.WriteFile(path, b, 0o600) }
	instead := func(path string, put func() error) error { return errors.Join(os.Remove(path), put()) }
	all := map[string]func(path string, b []byte) error{
		"empty":         func(path string, _ []byte) error { return write(path, nil) },
		"zeros":         func(path string, b []byte) error { return write(path, make([]byte, len(b))) },
		"one byte more": func(path string, b []byte) error { return write(path, append(bytes.Clone(b), 0)) },
		"twice":         func(path string, b []byte) error { return write(path, append(bytes.Clone(b), b...)) },
		"huge":          func(path string, _ []byte) error { return os.Truncate(path, 1<<40) },
		"foreign":       func(path string, _ []byte) error { return write(path, []byte("none of ours")) },
		"a directory":   func(path string, _ []byte) error { return instead(path, func() error { return os.Mkdir(path, 0o700) }) },
		"a named pipe": func(path string, _ []byte) error {
			return instead(path, func() error { return syscall.Mkfifo(path, 0o600) })
		},
		"a link to it": func(path string, _ []byte) error {
			return errors.Join(os.Rename(path, path+".was"), os.Symlink(path+".was", path))
		},
		"a link nowhere": func(path string, _ []byte) error {
			return instead(path, func() error { return os.Symlink("nowhere", path) })
		},
		"gone": func(path string, _ []byte) error { return os.Remove(path) },
	}
	for _, n := range []int{1, 7, 8, 20, 39, 40, 41} {
		all[fmt.Sprintf("cut after %d bytes", n)] = func(path string, _ []byte) error { return os.Truncate(path, int64(n)) }
	}
	all["cut by a byte"] = func(path string, b []byte) error { return os.Truncate(path, int64(len(b)-1)) }
	all["cut in half"] = func(path string, b []byte) error { return os.Truncate(path, int64(len(b)/2)) }
	return all
}

func TestWhatIsDamagedIsAMissForAll(t *testing.T) {
	for name, damage := range damages() {
		t.Run(name, func(t *testing.T) {
			for method, absent := range absences() {
				dir := t.TempDir()
				s := open(t, dir, &filestore.Options{Timeout: time.Minute})
				store(t, s, dir, 100, damage)
				if ok, err := absent(t, s); !ok || err != nil {
					t.Errorf("%s does not find it absent: %v", method, err)
				}
				if name != "a directory" {
					canBeStored(t, s)
				}
				must(t, s.Close())
			}
		})
	}
}

// What is mapped may be read as it was, if somebody has put another file in the place of its own; but nothing else.
func TestWhatIsDamagedWhileItIsMappedIsAMissOrWhole(t *testing.T) {
	for name, damage := range damages() {
		for _, size := range []int{100, 5000, 200_000} {
			t.Run(fmt.Sprint(name, ", of ", size, " bytes"), func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, dir, &filestore.Options{Timeout: time.Minute})
				value := store(t, s, dir, size, func(path string, b []byte) error {
					for range 3 {
						if _, found, err := s.Get(t.Context(), "key"); !found || err != nil {
							t.Fatalf("Get = %t, %v", found, err)
						}
					}
					return damage(path, b)
				})
				for range 3 {
					if v, found, err := s.Get(t.Context(), "key"); err != nil || found && !bytes.Equal(v, value) {
						t.Errorf("Get = %d bytes, %t, %v; want the value or a miss", len(v), found, err)
					}
					if _, err := s.Exists(t.Context(), "key"); err != nil {
						t.Errorf("Exists: %v", err)
					}
				}
				if name != "a directory" {
					canBeStored(t, s)
				}
			})
		}
	}
}

// store stores a value of so many bytes under "key", and damages its file.
func store(t *testing.T, s *filestore.Store, dir string, size int, damage func(path string, b []byte) error) (value []byte) {
	t.Helper()
	value = []byte(strings.Repeat("v", size))
	must(t, s.Set(t.Context(), "key", value, cache.Forever))
	b, err := os.ReadFile(fileOf(dir, "key"))
	must(t, err)
	must(t, damage(fileOf(dir, "key"), b))
	return value
}

func canBeStored(t *testing.T, s *filestore.Store) {
	t.Helper()
	must(t, s.Set(t.Context(), "key", []byte("new"), cache.Forever))
	if v, found, err := s.Get(t.Context(), "key"); string(v) != "new" || !found || err != nil {
		t.Errorf("Get after a Set = %q, %t, %v", v, found, err)
	}
}

// absences are how each method tells that there is no entry.
func absences() map[string]func(t *testing.T, s *filestore.Store) (bool, error) {
	limits := []cache.Limit{{Requests: 10, Period: time.Hour}}
	return map[string]func(t *testing.T, s *filestore.Store) (bool, error){
		"Get": func(t *testing.T, s *filestore.Store) (bool, error) {
			_, found, err := s.Get(t.Context(), "key")
			return !found, err
		},
		"Exists": func(t *testing.T, s *filestore.Store) (bool, error) {
			found, err := s.Exists(t.Context(), "key")
			return !found, err
		},
		"TTL": func(t *testing.T, s *filestore.Store) (bool, error) {
			_, found, err := s.TTL(t.Context(), "key")
			return !found, err
		},
		"GetMany": func(t *testing.T, s *filestore.Store) (bool, error) {
			items, err := s.GetMany(t.Context(), []string{"key"})
			return len(items) == 0, err
		},
		"Touch": func(t *testing.T, s *filestore.Store) (bool, error) {
			found, err := s.Touch(t.Context(), "key", time.Hour)
			return !found, err
		},
		"GetAndRenew": func(t *testing.T, s *filestore.Store) (bool, error) {
			_, found, err := s.GetAndRenew(t.Context(), "key", time.Hour)
			return !found, err
		},
		"CompareAndDelete": func(t *testing.T, s *filestore.Store) (bool, error) {
			deleted, err := s.CompareAndDelete(t.Context(), "key", []byte("v"))
			return !deleted, err
		},
		"Keys after DeleteExpired": func(t *testing.T, s *filestore.Store) (bool, error) {
			if _, err := s.DeleteExpired(t.Context()); err != nil {
				return false, err
			}
			for _, err := range s.Keys(t.Context(), "") {
				return false, err
			}
			return true, nil
		},
		"Keys after Delete": func(t *testing.T, s *filestore.Store) (bool, error) {
			if err := s.Delete(t.Context(), "key"); err != nil {
				return false, err
			}
			for _, err := range s.Keys(t.Context(), "") {
				return false, err
			}
			return true, nil
		},
		"Get after Clear": func(t *testing.T, s *filestore.Store) (bool, error) {
			if err := s.Clear(t.Context(), ""); err != nil {
				return false, err
			}
			_, found, err := s.Get(t.Context(), "key")
			return !found, err
		},
		"Take": func(t *testing.T, s *filestore.Store) (bool, error) {
			d, err := s.Take(t.Context(), "key", limits, 0)
			return d.Remaining == 10, err
		},
	}
}

func TestEveryFlippedBitIsAMiss(t *testing.T) {
	for _, mapped := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, &filestore.Options{Timeout: time.Minute})
		must(t, s.Set(t.Context(), "key", []byte("value"), cache.Forever))
		path := fileOf(dir, "key")
		b, err := os.ReadFile(path)
		must(t, err)
		for bit := range 8 * len(b) {
			must(t, overwrite(path, b)) // in place: what is mapped stays mapped
			for range 3 {
				if v, found, err := s.Get(t.Context(), "key"); mapped && (string(v) != "value" || !found || err != nil) {
					t.Fatalf("Get of what is whole = %q, %t, %v", v, found, err)
				}
				if !mapped {
					break
				}
			}
			flipped := bytes.Clone(b)
			flipped[bit/8] ^= 1 << (bit % 8)
			must(t, overwrite(path, flipped))
			if v, found, err := s.Get(t.Context(), "key"); found || err != nil {
				t.Fatalf("bit %d: Get = %q, %t, %v; want a miss", bit, v, found, err)
			}
			if _, err := os.Stat(path); err != nil { // it was removed, as damaged
				must(t, os.WriteFile(path, b, 0o600))
			}
		}
	}
}

func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Close())
}
