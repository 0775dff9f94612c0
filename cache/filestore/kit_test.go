package filestore_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/wait"
)

func open(t testing.TB, dir string, o *filestore.Options) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, filestore.Patient(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// fileOf is the path of the entry of key, as FORMAT.md has it.
func fileOf(dir, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(dir, "larder.v1", fmt.Sprintf("%02x", sum[0]&0x3f), hex.EncodeToString(sum[:]))
}

// plant makes a file that is no entry's where that of key belongs.
func plant(dir, key string, value []byte) error {
	path := fileOf(dir, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(value); err != nil {
		return err
	}
	return f.Close()
}

func letPass(t testing.TB, d time.Duration) {
	t.Helper()
	over := time.Now().Add(d)
	wait.Until(t, func() bool { return time.Now().After(over) })
}

func TestStore(t *testing.T) {
	var mu sync.Mutex // subtests may be parallel one day
	var dir string
	var gates []*filestore.Gate
	// While it is broken the file system does not answer.
	through := func(t *testing.T) cache.Store {
		t.Helper()
		gate := new(filestore.Gate)
		s, err := filestore.OpenWith(gate.Through(filestore.Direct()), dir, &filestore.Options{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, gate)
		return s
	}
	cachetest.Run(t, cachetest.Config{
		New: func(t *testing.T) cache.Store {
			mu.Lock()
			defer mu.Unlock()
			dir, gates = t.TempDir(), nil
			return through(t)
		},
		Reopen: func(t *testing.T) cache.Store {
			mu.Lock()
			defer mu.Unlock()
			return through(t)
		},
		Advance: func(d time.Duration) { letPass(t, d) },
		Break: func() func() {
			mu.Lock()
			defer mu.Unlock()
			var restores []func()
			for _, g := range gates {
				restores = append(restores, g.Shut())
			}
			return func() {
				for _, restore := range restores {
					restore()
				}
			}
		},
		Plant: func(key string, value []byte) error {
			mu.Lock()
			defer mu.Unlock()
			return plant(dir, key, value)
		},
	})
}

func TestStoreIsLinearizable(t *testing.T) {
	for _, tc := range []struct {
		name   string
		stores int
		config lineartest.Config
	}{
		{"on several keys", 1, lineartest.Config{}},
		{"where all want the same key", 1, lineartest.Config{Keys: 1, Histories: 20, Operations: 100}},
		{"by two stores on one directory", 2, lineartest.Config{Histories: 30}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			for range tc.stores {
				c, err := cache.New(open(t, dir, &filestore.Options{Timeout: 10 * time.Second}), nil) // for the disk of a busy machine
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				tc.config.Processes = append(tc.config.Processes, c)
			}
			lineartest.Check(t, tc.config)
		})
	}
}
