package filestore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/internal/lineartest"
)

func TestProcessesOnOneDirectoryAreOneStore(t *testing.T) {
	here := func(t *testing.T, dir string) cache.Store {
		return open(t, dir, &filestore.Options{Timeout: 10 * time.Second})
	}
	elsewhere := func(t *testing.T, dir string) cache.Store { return openElsewhere(t, dir) }
	for _, tc := range []struct {
		name          string
		first, second func(t *testing.T, dir string) cache.Store
	}{
		{"opened here, then elsewhere", here, elsewhere},
		{"opened elsewhere, then here", elsewhere, here},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var dir string
			cachetest.Run(t, cachetest.Config{
				New: func(t *testing.T) cache.Store {
					dir = filestore.QuickDir(t)
					return tc.first(t, dir)
				},
				Reopen:  func(t *testing.T) cache.Store { return tc.second(t, dir) },
				Advance: func(d time.Duration) { letPass(t, d) },
				Plant:   func(key string, value []byte) error { return plant(dir, key, value) },
			})
		})
	}
}

func TestProcessesOnOneDirectoryAreLinearizable(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config lineartest.Config
	}{
		{"on several keys", lineartest.Config{}},
		{"where all want the same key", lineartest.Config{Keys: 1, Histories: 20}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filestore.QuickDir(t)
			for _, s := range []cache.Store{
				open(t, dir, &filestore.Options{Timeout: 10 * time.Second}), openElsewhere(t, dir), openElsewhere(t, dir),
			} {
				c, err := cache.New(s, nil)
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

// The store in another process is worth as much as what is told of it.
func TestAnErrorOfAnotherProcessIsWhatItWasThere(t *testing.T) {
	s := openElsewhere(t, t.TempDir())
	if err := s.Set(t.Context(), "key", []byte("no number"), cache.Forever); err != nil {
		t.Fatal(err)
	}
	_, err := s.Increment(t.Context(), "key", 1, cache.Forever)
	named, ok := errors.AsType[*cache.OpError](err)
	if !ok || named.Op != "increment" || named.Key != "key" || !errors.Is(err, cache.ErrNotInteger) || errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Increment of what is no number: %v; want ErrNotInteger of an OpError", err)
	}
}
