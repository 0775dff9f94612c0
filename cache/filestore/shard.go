package filestore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/larder-go/larder/cache"
)

const (
	// layout is the directory that has all that is a store's, in the one that the user gave. It is the version of where files are.
	layout = "larder.v1"
	// shards is how many directories the entries are in. Writers of one of them wait for each other, and each that is in use takes a descriptor.
	shards = 64
)

// shard is one of the directories that entries are in, and its lock.
type shard struct {
	sys    *system
	shared *shared
	mapped *mappings
	root   string // the directory that the user gave
	number int
	name   string
	full   bool // sync directories that are made

	turn chan struct{} // holds a token while somebody in this process writes, or waits for other processes

	mu     sync.RWMutex // held for reading while dir is in use
	closed bool
	dir    int // -1 while it is not open
	id     fileID
}

// errNoShard: nothing has been stored in the shard yet.
var errNoShard = errors.New("no shard")

func newShard(s *Store, n int) *shard {
	return &shard{sys: &s.sys, shared: &s.shared, mapped: s.mapped, root: s.root, number: n, name: fmt.Sprintf("%02x", n), full: s.sync == SyncFull, turn: make(chan struct{}, 1), dir: -1}
}

// hash is the SHA-256 of a key.
type hash [sha256.Size]byte

func hashOf(key string) hash { return sha256.Sum256([]byte(key)) }

// shard is the number of the shard that has the key's entry.
func (h *hash) shard() int { return int(h[0] % shards) }

// word is the place of the key's generation.
func (h *hash) word() int { return h.shard()*perShard + int(h[1])%perShard }

// name is that of the entry's file.
func (h *hash) name() string { return hex.EncodeToString(h[:]) }

// place is where the entry of a key is.
type place struct {
	shard *shard
	hash  hash
	name  string // of its file
	key   string
}

func (s *Store) place(key string, h *hash) place {
	return place{shard: s.shards[h.shard()], hash: *h, name: h.name(), key: key}
}

func (s *Store) placeOf(key string) place {
	h := hashOf(key)
	return s.place(key, &h)
}

// enter makes the directory ready for use, until leave. One that is not there is made, or gives errNoShard.
func (sh *shard) enter(makeIt bool) error {
	for {
		sh.mu.RLock()
		if sh.closed {
			sh.mu.RUnlock()
			return cache.ErrClosed
		}
		if sh.dir >= 0 {
			return nil
		}
		sh.mu.RUnlock()
		if err := sh.open(makeIt); err != nil {
			return err
		}
	}
}

// tryEnter is enter where that takes no time.
func (sh *shard) tryEnter() bool {
	if !sh.mu.TryRLock() {
		return false
	}
	if sh.closed || sh.dir < 0 {
		sh.mu.RUnlock()
		return false
	}
	return true
}

func (sh *shard) leave() { sh.mu.RUnlock() }

// open opens the directory, from the user's downwards. No link is followed below that.
func (sh *shard) open(makeIt bool) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed || sh.dir >= 0 {
		return nil
	}
	base, err := openBase(sh.sys, sh.root, makeIt, sh.full)
	if err != nil {
		return err
	}
	defer func() { _ = sh.sys.close(base) }()
	dir, err := openBelow(sh.sys, base, sh.name, makeIt, sh.full)
	if err != nil {
		return atPath(filepath.Join(sh.root, layout, sh.name), err)
	}
	i, err := sh.sys.fstat(dir)
	if err != nil {
		_ = sh.sys.close(dir)
		return atPath(filepath.Join(sh.root, layout, sh.name), err)
	}
	sh.dir, sh.id = dir, i.id
	return nil
}

// openBase opens the directory that has the shards.
func openBase(sys *system, root string, makeIt, full bool) (int, error) {
	top, err := sys.openPath(root)
	if err != nil {
		return -1, atPath(root, err)
	}
	defer func() { _ = sys.close(top) }()
	base, err := openBelow(sys, top, layout, makeIt, full)
	return base, atPath(filepath.Join(root, layout), err)
}

// openBelow opens a directory in another, which is synced where the name must not be lost with the power: another process may have made it.
func openBelow(sys *system, parent int, name string, makeIt, full bool) (int, error) {
	dir, err := sys.openDir(parent, name)
	if errors.Is(err, errNoEntry) {
		if !makeIt {
			return -1, errNoShard
		}
		// Another process may be faster.
		if err = sys.makeDir(parent, name); err == nil || errors.Is(err, errExist) {
			dir, err = sys.openDir(parent, name)
		}
	}
	if err != nil {
		return -1, err
	}
	if full {
		if err := sys.sync(parent); err != nil {
			_ = sys.close(dir)
			return -1, err
		}
	}
	return dir, nil
}

// atPath names the directory that could not be opened.
func atPath(path string, err error) error {
	switch {
	case err == nil || errors.Is(err, errNoShard):
		return err
	case errors.Is(err, errNotDir) || errors.Is(err, errLink):
		return refused(fmt.Sprintf("%q is not a directory, or a symbolic link", path), err)
	}
	return refused(fmt.Sprintf("the directory %q cannot be used", path), err)
}

// wait waits until nobody else in this process has the shard, until pass.
func (sh *shard) wait(ctx context.Context) error {
	select {
	case sh.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (sh *shard) pass() { <-sh.turn }

// lock enters the directory and waits until no other process writes there, until unlock. It is the caller's turn.
func (sh *shard) lock(ctx context.Context, makeIt bool) error {
	for {
		if err := sh.enter(makeIt); err != nil {
			return err
		}
		err := sh.sys.lock(sh.dir)
		if err != nil {
			sh.leave()
			return refused("the lock cannot be had", err)
		}
		if err = ctx.Err(); err == nil && sh.current() {
			if err = sh.shared.renew(); err == nil {
				return nil
			}
		}
		_ = sh.sys.unlock(sh.dir)
		sh.leave()
		if err != nil {
			return err
		}
		if !sh.renew() {
			return errReplaced()
		}
	}
}

// errReplaced: the directory is not the one at its path any more, and somebody who uses it still waits for the files.
func errReplaced() error {
	return refused("the directory was replaced", errors.New("somebody still waits for the one before"))
}

// tryLock is wait and lock where nobody keeps the caller waiting, and nothing stands in the way.
func (sh *shard) tryLock(ctx context.Context) bool {
	select {
	case sh.turn <- struct{}{}:
	default:
		return false
	}
	if sh.tryEnter() {
		if sh.sys.tryLock(sh.dir) == nil {
			if ctx.Err() == nil && sh.current() && sh.shared.renew() == nil {
				return true
			}
			_ = sh.sys.unlock(sh.dir)
		}
		sh.leave()
	}
	sh.pass()
	return false
}

func (sh *shard) unlock() {
	_ = sh.sys.unlock(sh.dir)
	sh.leave()
}

// current tells whether the directory still is the one at its path: it may have been removed, or moved away.
func (sh *shard) current() bool {
	i, err := sh.sys.statPath(filepath.Join(sh.root, layout, sh.name))
	return err == nil && i.id == sh.id
}

// renew closes the directory, which is opened anew when it is needed, if it is not the one at its path.
func (sh *shard) renew() bool {
	if !sh.lockSoon() {
		return false
	}
	defer sh.mu.Unlock()
	if sh.dir < 0 {
		return true
	}
	i, err := sh.sys.statPath(filepath.Join(sh.root, layout, sh.name))
	if err == nil && i.id == sh.id {
		return true
	}
	_ = sh.sys.close(sh.dir)
	sh.dir = -1
	if err == nil || errors.Is(err, errNoEntry) {
		sh.mapped.forget(sh.number) // no writer finds these entries, to change their generation
	}
	return true
}

// lockSoon keeps users out as soon as those who are there have left. It gives up where one does not, who may wait for a file system that hangs.
func (sh *shard) lockSoon() bool {
	for range 1000 {
		if sh.mu.TryLock() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// close waits for those who use the directory.
func (sh *shard) close() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.closed = true
	if sh.dir >= 0 {
		_ = sh.sys.close(sh.dir)
		sh.dir = -1
	}
}
