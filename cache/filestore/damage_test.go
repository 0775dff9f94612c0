//go:build darwin || linux

package filestore_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/larder-go/larder/cache"
)

// damage is what may become of an entry's file.
type damage struct {
	do      func(path string, b []byte) error // b is what was there
	mayStay bool                              // what is mapped is as it was, and may be read
}

func damages(t *testing.T) map[string]damage {
	t.Helper()
	inPlace := func(change func(b []byte) []byte) damage {
		return damage{func(path string, b []byte) error { return overwrite(path, change(bytes.Clone(b))) }, false}
	}
	instead := func(put func(path string) error) damage {
		return damage{func(path string, _ []byte) error { return errors.Join(os.Remove(path), put(path)) }, true}
	}
	all := map[string]damage{
		"empty":              inPlace(func([]byte) []byte { return nil }),
		"zeros":              inPlace(func(b []byte) []byte { return make([]byte, len(b)) }),
		"foreign":            inPlace(func([]byte) []byte { return []byte("none of ours") }),
		"a flip in its head": inPlace(func(b []byte) []byte { b[20] ^= 4; return b }),
		"a flip at its end":  inPlace(func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b }),
		"zeros at its end":   inPlace(func(b []byte) []byte { clear(b[len(b)-50:]); return b }),
		"another key's": inPlace(func(b []byte) []byte {
			e := entry{version: 1, key: strings.Repeat("x", int(b[10])), expires: never, created: 1}
			e.value = b[40+len(e.key):]
			return e.bytes()
		}),
		"one byte more":      {func(path string, b []byte) error { return os.WriteFile(path, append(bytes.Clone(b), 0), 0o600) }, true},
		"twice":              {func(path string, b []byte) error { return os.WriteFile(path, append(bytes.Clone(b), b...), 0o600) }, true},
		"a terabyte":         {func(path string, _ []byte) error { return os.Truncate(path, 1<<40) }, true},
		"a terabyte of none": instead(func(path string) error { return errors.Join(overwrite(path, nil), os.Truncate(path, 1<<40)) }),
		"gone":               instead(func(string) error { return nil }),
		"a directory":        instead(func(path string) error { return os.MkdirAll(filepath.Join(path, "user"), 0o700) }),
		"a named pipe":       instead(func(path string) error { return unix.Mkfifo(path, 0o600) }),
		"a socket": instead(func(path string) error {
			// The name of a socket has 100 bytes at most.
			short := filepath.Join(os.TempDir(), rand.Text())
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			return errors.Join(l.Close(), os.Rename(short, path))
		}),
		"a link nowhere": instead(func(path string) error { return os.Symlink("nowhere", path) }),
		"a link to it": {func(path string, _ []byte) error {
			return errors.Join(os.Rename(path, path+".was"), os.Symlink(path+".was", path))
		}, true},
		"another name of a foreign file": instead(func(path string) error {
			return errors.Join(os.WriteFile(path+".foreign", []byte("none of ours"), 0o600), os.Link(path+".foreign", path))
		}),
	}
	if os.Geteuid() == 0 {
		all["a device"] = instead(func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o600, 1<<8|5) }) // /dev/zero
	} else {
		t.Log("not run: a device in the place of an entry, which only root can make")
		all["one that may not be read"] = damage{func(path string, _ []byte) error { return os.Chmod(path, 0) }, true}
	}
	for _, n := range []int64{1, 7, 8, 9, 39, 40, 4095, 4096, 4097, 100_000} {
		all[fmt.Sprintf("cut after %d bytes", n)] = damage{func(path string, b []byte) error { return os.Truncate(path, min(n, int64(len(b)-1))) }, false}
	}
	return all
}

// overwrite changes the file itself, so what is mapped changes too.
func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Truncate(int64(len(b))), f.Close())
}

func TestWhatIsDamagedIsAMissToEveryMethod(t *testing.T) {
	for _, mapped := range []bool{false, true} {
		for _, size := range []int{100, 5000, 200_000} {
			if !mapped && size > 100 {
				continue
			}
			for name, d := range damages(t) {
				t.Run(fmt.Sprintf("%s, of %d bytes, mapped %t", name, size, mapped), func(t *testing.T) {
					dir := t.TempDir()
					s := open(t, dir, nil)
					value := bytes.Repeat([]byte("v"), size)
					for method := range finders() {
						must(t, s.Set(t.Context(), method, value, cache.Forever))
						for range 3 {
							if mapped {
								wantBytes(t, s, method, value)
							}
						}
						b, err := os.ReadFile(fileOf(dir, method))
						must(t, err)
						must(t, d.do(fileOf(dir, method), b))
					}
					for method, find := range finders() {
						found, err := find(t, s, method, value)
						if name == "a directory" && err != nil && strings.Contains(err.Error(), "cannot be put in its place") {
							continue
						}
						if err != nil || found && !(mapped && d.mayStay) {
							t.Errorf("%s: found is %t, %v; want a miss", method, found, err)
						}
					}
					if _, err := s.DeleteExpired(t.Context()); err != nil {
						t.Error(err)
					}
					keysOf(t, s)
					for method := range finders() {
						err := s.Set(t.Context(), method, []byte("new"), cache.Forever)
						if name == "a directory" {
							if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "cannot be put in its place") {
								t.Errorf("Set = %v; want that a directory is in its place", err)
							}
							must(t, s.Delete(t.Context(), method))
							continue
						}
						must(t, err)
						wantBytes(t, s, method, []byte("new"))
						must(t, s.Delete(t.Context(), method))
						wantMiss(t, s, method)
					}
					must(t, s.Clear(t.Context(), ""))
				})
			}
		}
	}
}

func TestEveryFlippedBitAndEveryLengthIsAMiss(t *testing.T) {
	for _, mapped := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir, nil)
		path := fileOf(dir, "key")
		try := func(what string, at int, change func(b []byte) []byte) {
			must(t, s.Set(t.Context(), "key", []byte("value"), cache.Forever))
			for range 3 {
				if mapped {
					wantBytes(t, s, "key", []byte("value"))
				}
			}
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, overwrite(path, change(b)))
			found, err := s.Exists(t.Context(), "key")
			if v, again, getErr := s.Get(t.Context(), "key"); found || again || err != nil || getErr != nil {
				t.Errorf("%s %d, mapped %t: Exists = %t, %v, Get = %q, %t, %v; want a miss", what, at, mapped, found, err, v, again, getErr)
			}
		}
		for bit := range 8 * (40 + len("key") + len("value")) {
			try("bit", bit, func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
		}
		for n := range 40 + len("key") + len("value") {
			try("length", n, func(b []byte) []byte { return b[:n] })
		}
	}
}

// The system gives a reader whose page is gone a SIGBUS, in the midst of a copy or a sum.
func TestReadersOfAFileThatIsCutShortOrOverwrittenGetAValueOrAMiss(t *testing.T) {
	for _, size := range []int{100, 5000, 200_000} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, nil)
			path := fileOf(dir, "key")
			var readers sync.WaitGroup
			done := make(chan struct{})
			for range 4 {
				readers.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						v, found, err := s.GetAppend(t.Context(), []byte("dst "), "key")
						if err != nil || found && !written(bytes.TrimPrefix(v, []byte("dst ")), size) {
							t.Errorf("GetAppend = %.20q (%d bytes), %t, %v", v, len(v), found, err)
							return
						}
						if _, err := s.Exists(t.Context(), "key"); err != nil {
							t.Errorf("Exists: %v", err)
							return
						}
					}
				})
			}
			for i := range 90 {
				value := bytes.Repeat(binary.LittleEndian.AppendUint32(nil, uint32(i+1)), size/4)
				must(t, s.Set(t.Context(), "key", value, cache.Forever))
				for range 3 {
					_, _, err := s.Get(t.Context(), "key")
					must(t, err)
				}
				var err error
				switch i % 6 {
				case 0:
					err = os.Truncate(path, 0)
				case 1:
					err = os.Truncate(path, 4096)
				case 2:
					err = os.Truncate(path, int64(size/2))
				case 3:
					err = overwrite(path, make([]byte, size+43))
				case 4:
					err = errors.Join(os.Truncate(path, 10), os.Truncate(path, int64(size+43)))
				case 5:
					err = os.Truncate(path, int64(size+42))
				}
				if err != nil && !errors.Is(err, os.ErrNotExist) { // it may have been removed
					t.Error(err)
				}
			}
			close(done)
			readers.Wait()
		})
	}
}

// written tells whether v is one of the values that were stored.
func written(v []byte, size int) bool {
	return len(v) == size && binary.LittleEndian.Uint32(v) > 0 && bytes.Equal(v, bytes.Repeat(v[:4], size/4))
}
