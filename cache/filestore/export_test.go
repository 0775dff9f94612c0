package filestore

import (
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// System is what a test may change of a store's system calls.
type System = system

// Direct are the system calls themselves.
func Direct() System { return direct() }

// Patient returns o with a timeout that no busy machine comes to, unless it has one. A nil o is the default options.
func Patient(o *Options) *Options {
	patient := Options{}
	if o != nil {
		patient = *o
	}
	if patient.Timeout == 0 {
		patient.Timeout = time.Minute
	}
	return &patient
}

// Wait waits, after Close, for what a file system that hung has kept.
func (s *Store) Wait() {
	<-s.sweeper.ended
	s.users.Wait()
}

// OpenWith is Open with other system calls.
func OpenWith(sys System, dir string, o *Options) (*Store, error) { return openWith(sys, dir, o) }

// A Gate lets system calls through while it is open.
type Gate struct {
	mu     sync.Mutex
	closed chan struct{} // nil while it is open

	waiting atomic.Int64
}

// Waiting is how many calls wait for it to open.
func (g *Gate) Waiting() int { return int(g.waiting.Load()) }

// Shut makes the calls wait until restore is called.
func (g *Gate) Shut() (restore func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	closed := make(chan struct{})
	g.closed = closed
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.closed = nil
		close(closed)
	}
}

func (g *Gate) pass() {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed != nil {
		g.waiting.Add(1)
		<-closed
		g.waiting.Add(-1)
	}
}

// Through returns the system calls on files behind the gate: all but those that a store makes of files that are mapped already.
func (g *Gate) Through(sys System) System {
	s := sys
	s.statPath = func(path string) (info, error) { g.pass(); return sys.statPath(path) }
	s.openPath = func(path string) (int, error) { g.pass(); return sys.openPath(path) }
	s.openDir = func(dir int, name string) (int, error) { g.pass(); return sys.openDir(dir, name) }
	s.lock = func(dir int) error { g.pass(); return sys.lock(dir) }
	s.open = func(dir int, name string) (int, error) { g.pass(); return sys.open(dir, name) }
	s.create = func(dir int, name string) (int, error) { g.pass(); return sys.create(dir, name) }
	s.rename = func(dir int, from, to string) error { g.pass(); return sys.rename(dir, from, to) }
	s.unlink = func(dir int, name string) error { g.pass(); return sys.unlink(dir, name) }
	s.list = func(dir int) ([]string, error) { g.pass(); return sys.list(dir) }
	return s
}

// QuickDir is a directory in memory where there is one: a disk takes minutes for very many files.
func QuickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "larder-filestore") //nolint:usetesting // which is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
