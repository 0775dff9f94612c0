package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/larder-go/larder/cache/filestore"
)

// A fileStore keeps entries in files below a directory of its own, seen in the same way as all the others. Its get and set may be called by several goroutines at once.
type fileStore interface {
	// get returns the value in memory that is the caller's.
	get(ctx context.Context, key string) ([]byte, error)
	// set returns when the entry is as durable as the store was opened for.
	set(ctx context.Context, key string, value []byte) error
	// fill stores the value under many new keys, as fast as the library can.
	fill(ctx context.Context, keys []string, value []byte) error
	clear(ctx context.Context) error
	close() error
}

// durability is what a write has waited for once it has returned.
type durability int

const (
	durableNone  durability = iota // for nothing: it survives the process, and not the machine
	durableBytes                   // until the disk has the value, not for its name
	durableFull                    // until the disk has both
)

// A fileLibrary is a contender of the file comparisons.
type fileLibrary struct {
	name string
	open func(dir string, d durability) (fileStore, error)
}

const (
	nameFilestore = "filestore"
	nameBbolt     = "bbolt"
	nameBadger    = "badger"
	nameFiles     = "os"
)

func fileLibraries() []fileLibrary {
	return []fileLibrary{{nameFilestore, openFilestore}, {nameBbolt, openBbolt}, {nameBadger, openBadger}, {nameFiles, openFiles}}
}

// errFileMiss: an entry is not there that was stored.
var errFileMiss = errors.New("a miss")

// larderStore is the store with the lifetime that all entries have. Nothing is to be measured that came to nothing, so it may take its time.
type larderStore struct{ store *filestore.Store }

func openFilestore(dir string, d durability) (fileStore, error) {
	s, err := filestore.Open(dir, &filestore.Options{Sync: filestore.Sync(d), Timeout: time.Minute})
	return larderStore{s}, err
}

func (s larderStore) get(ctx context.Context, key string) ([]byte, error) {
	value, found, err := s.store.Get(ctx, key)
	if err == nil && !found {
		err = errFileMiss
	}
	return value, err
}

func (s larderStore) set(ctx context.Context, key string, value []byte) error {
	return s.store.Set(ctx, key, value, lifetime)
}

// fill writes in several goroutines, since each waits for the file system.
func (s larderStore) fill(ctx context.Context, keys []string, value []byte) error {
	return together(len(keys), func(n int) error { return s.set(ctx, keys[n], value) })
}

func (s larderStore) clear(ctx context.Context) error { return s.store.Clear(ctx, "") }

func (s larderStore) close() error { return s.store.Close() }

// together calls f for each number below n, in several goroutines, until it fails.
func together(n int, f func(n int) error) error {
	const goroutines = 8
	var (
		workers sync.WaitGroup
		next    atomic.Int64
		failed  [goroutines]error
	)
	for g := range goroutines {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if failed[g] = f(int(i)); failed[g] != nil {
					next.Add(int64(n))
				}
			}
		})
	}
	workers.Wait()
	return errors.Join(slices.DeleteFunc(failed[:], func(err error) bool { return err == nil })...)
}

// filesStore is a file for each entry, named by its key, by nothing but the standard library. A write that is not durable at all, or of which only the bytes are, changes the file
// itself; one that is replaces it.
type filesStore struct {
	dir     string
	durable durability
}

func openFiles(dir string, d durability) (fileStore, error) {
	return filesStore{dir, d}, os.MkdirAll(dir, 0o700)
}

func (s filesStore) get(_ context.Context, key string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.dir, key))
}

func (s filesStore) set(_ context.Context, key string, value []byte) error {
	path := filepath.Join(s.dir, key)
	switch s.durable {
	case durableNone:
		return os.WriteFile(path, value, 0o600)
	case durableBytes:
		return writeSynced(path, value)
	}
	if err := writeSynced(path+".tmp", value); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func writeSynced(path string, value []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(value)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (s filesStore) fill(ctx context.Context, keys []string, value []byte) error {
	return together(len(keys), func(n int) error { return errors.Join(ctx.Err(), s.set(ctx, keys[n], value)) })
}

func (s filesStore) clear(context.Context) error {
	return errors.Join(os.RemoveAll(s.dir), os.MkdirAll(s.dir, 0o700))
}

func (s filesStore) close() error { return nil }

// keyBytes are the bytes of a key for a library that only looks at them: its user would have them so, and need not pay for a copy.
func keyBytes(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }

// filled opens a store that has the entries. It was closed in between, so that none of them is only in memory.
func (l fileLibrary) filled(ctx context.Context, dir string, d durability, keys []string, value []byte) (fileStore, error) {
	s, err := l.open(dir, durableNone)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	if err := errors.Join(s.fill(ctx, keys, value), s.close()); err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	if s, err = l.open(dir, d); err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	return s, nil
}
