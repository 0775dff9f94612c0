package filestore

import (
	"sync/atomic"
	"testing"
	"time"
)

// calls counts the system calls of a store.
type calls struct {
	all, mapped, unmapped, read, longest atomic.Int64
}

// counted returns the system calls, which c counts.
func (c *calls) counted() system {
	sys := direct()
	s := sys
	s.statPath = func(path string) (info, error) { c.all.Add(1); return sys.statPath(path) }
	s.openPath = func(path string) (int, error) { c.all.Add(1); return sys.openPath(path) }
	s.openDir = func(dir int, name string) (int, error) { c.all.Add(1); return sys.openDir(dir, name) }
	s.lock = func(dir int) error { c.all.Add(1); return sys.lock(dir) }
	s.stat = func(dir int, name string) (info, error) { c.all.Add(1); return sys.stat(dir, name) }
	s.open = func(dir int, name string) (int, error) { c.all.Add(1); return sys.open(dir, name) }
	s.fstat = func(file int) (info, error) { c.all.Add(1); return sys.fstat(file) }
	s.read = func(file int, b []byte, at int64) (int, error) {
		c.all.Add(1)
		n, err := sys.read(file, b, at)
		c.read.Add(int64(n))
		c.longest.Store(max(c.longest.Load(), int64(n)))
		return n, err
	}
	s.mmap = func(file, size int) ([]byte, error) { c.mapped.Add(1); return sys.mmap(file, size) }
	s.unmap = func(b []byte) error {
		if len(b) != generationBytes {
			c.unmapped.Add(1)
		}
		return sys.unmap(b)
	}
	return s
}

func openCounted(t *testing.T, dir string, o *Options) (*Store, *calls) {
	t.Helper()
	c := new(calls)
	s, err := openWith(c.counted(), dir, Patient(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, c
}

func set(t *testing.T, s *Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func want(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); err != nil || !found || string(v) != value {
		t.Errorf("Get(%q) = %.40q, %t, %v; want %.40q", key, v, found, err, value)
	}
}

func wantMiss(t *testing.T, s *Store, key string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); err != nil || found {
		t.Errorf("Get(%q) = %.40q, %t, %v; want a miss", key, v, found, err)
	}
}

// keys are those that a store yields.
func keys(t *testing.T, s *Store) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for key, err := range s.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[key] = true
	}
	return all
}
