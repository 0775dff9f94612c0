package filestore

import (
	"slices"
	"sync"
)

// Faults makes system calls fail.
type Faults struct {
	mu      sync.Mutex
	call    string
	err     error
	written []int // the files that were made and not closed yet
}

// Refuse makes a system call give err until restore is called. It is named as its field of system is, but
//
//	sync, syncDir     sync of a file that is written, and of a directory
//	write, writeRest  write, and write after one that took half
//	writeNothing      write takes nothing, and has no error
//	openDir           openPath too
func (f *Faults) Refuse(call string, err error) (restore func()) {
	f.set(call, err)
	return func() { f.set("", nil) }
}

func (f *Faults) set(call string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call, f.err = call, err
}

func (f *Faults) of(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.call != call {
		return nil
	}
	return f.err
}

func (f *Faults) isWritten(file int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.written, file)
}

// Through returns the system calls, of which one fails at a time.
func (f *Faults) Through(sys System) System {
	s := sys
	s.openPath = func(path string) (int, error) {
		return failOr(f, "openDir", func() (int, error) { return sys.openPath(path) })
	}
	s.openDir = func(dir int, name string) (int, error) {
		return failOr(f, "openDir", func() (int, error) { return sys.openDir(dir, name) })
	}
	s.makeDir = func(dir int, name string) error {
		return f.or("makeDir", func() error { return sys.makeDir(dir, name) })
	}
	s.list = func(dir int) ([]string, error) {
		return failOr(f, "list", func() ([]string, error) { return sys.list(dir) })
	}
	s.lock = func(dir int) error { return f.or("lock", func() error { return sys.lock(dir) }) }
	s.tryLock = func(dir int) error { return f.or("lock", func() error { return sys.tryLock(dir) }) }
	s.open = func(dir int, name string) (int, error) {
		return failOr(f, "open", func() (int, error) { return sys.open(dir, name) })
	}
	s.create = func(dir int, name string) (int, error) {
		return failOr(f, "create", func() (int, error) {
			file, err := sys.create(dir, name)
			if err == nil {
				f.mu.Lock()
				f.written = append(f.written, file)
				f.mu.Unlock()
			}
			return file, err
		})
	}
	s.write = func(file int, b []byte) (int, error) {
		if f.of("writeNothing") != nil {
			return 0, nil //nolint:nilerr // that is the trouble: nothing is written, and nothing said
		}
		if err := f.of("writeRest"); err != nil {
			f.set("write", err)
			return sys.write(file, b[:len(b)/2])
		}
		return failOr(f, "write", func() (int, error) { return sys.write(file, b) })
	}
	s.sync = func(file int) error {
		if f.isWritten(file) {
			return f.or("sync", func() error { return sys.sync(file) })
		}
		return f.or("syncDir", func() error { return sys.sync(file) })
	}
	s.close = func(file int) error {
		var refused error
		if f.isWritten(file) {
			f.mu.Lock()
			f.written = slices.DeleteFunc(f.written, func(w int) bool { return w == file })
			f.mu.Unlock()
			refused = f.of("close")
		}
		if err := sys.close(file); refused == nil { // it is closed in either case
			return err
		}
		return refused
	}
	s.rename = func(dir int, from, to string) error {
		return f.or("rename", func() error { return sys.rename(dir, from, to) })
	}
	s.unlink = func(dir int, name string) error {
		if isTemporary(name) {
			return sys.unlink(dir, name)
		}
		return f.or("unlink", func() error { return sys.unlink(dir, name) })
	}
	return s
}

func (f *Faults) or(call string, do func() error) error {
	if err := f.of(call); err != nil {
		return err
	}
	return do()
}

func failOr[T any](f *Faults, call string, do func() (T, error)) (T, error) {
	var none T
	if err := f.of(call); err != nil {
		return none, err
	}
	return do()
}
