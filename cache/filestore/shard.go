package filestore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
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
	path   string
	full   bool // sync directories that are made

	turn chan struct{} // holds a token while somebody in this process writes, or waits for other processes

	mu     sync.Mutex
	closed bool
	now    *directory // nil while it is not open
}

func newShard(s *Store, n int) *shard {
	return &shard{sys: &s.sys, shared: &s.shared, mapped: s.mapped, root: s.root, number: n, path: filepath.Join(s.root, layout, fmt.Sprintf("%02x", n)), full: s.sync == SyncFull, turn: make(chan struct{}, 1)}
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

// enter opens the directory for use, until leave. One that is not there is made, or gives errNoShard.
func (sh *shard) enter(makeIt bool) (*directory, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return nil, cache.ErrClosed
	}
	if sh.now == nil {
		d, err := openShard(sh.sys, sh.root, sh.path, makeIt, sh.full)
		if err != nil {
			return nil, err
		}
		d.shard = sh.number
		sh.now = d
	}
	sh.now.users.Add(1)
	return sh.now, nil
}

// tryEnter is enter where the directory is open.
func (sh *shard) tryEnter() (d *directory, open bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.now == nil {
		return nil, false
	}
	sh.now.users.Add(1)
	return sh.now, true
}

// renew has the next user open the directory anew, if d is not the one at its path. Those who use d go on with it, who may wait for a file system that hangs.
func (sh *shard) renew(d *directory) {
	current, err := d.current()
	if current {
		return
	}
	if sh.drop(d) && err == nil {
		d.replaced.Store(true)
		sh.mapped.forget(sh.number) // no writer finds these entries, to change their generation
	}
}

// drop takes d from those who come, and tells whether it was theirs.
func (sh *shard) drop(d *directory) bool {
	sh.mu.Lock()
	theirs := d != nil && sh.now == d
	if theirs {
		sh.now = nil
	}
	sh.mu.Unlock()
	if theirs {
		d.leave()
	}
	return theirs
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
func (sh *shard) lock(ctx context.Context, makeIt bool) (*directory, error) {
	for {
		d, err := sh.enter(makeIt)
		if err != nil {
			return nil, err
		}
		if err := sh.sys.lock(d.fd); err != nil {
			d.leave()
			return nil, refused("the lock cannot be had", err)
		}
		current := false
		if err = ctx.Err(); err == nil {
			if current, _ = d.current(); current {
				err = sh.shared.renew()
			}
		}
		if err == nil && current {
			return d, nil
		}
		_ = sh.sys.unlock(d.fd)
		if err == nil {
			sh.renew(d)
		}
		d.leave()
		if err != nil {
			return nil, err
		}
	}
}

// tryLock is wait and lock where nobody keeps the caller waiting, and nothing stands in the way.
func (sh *shard) tryLock(ctx context.Context) (d *directory, locked bool) {
	select {
	case sh.turn <- struct{}{}:
	default:
		return nil, false
	}
	if d, open := sh.tryEnter(); open {
		if sh.sys.tryLock(d.fd) == nil {
			if current, _ := d.current(); current && ctx.Err() == nil && sh.shared.renew() == nil {
				return d, true
			}
			_ = sh.sys.unlock(d.fd)
		}
		d.leave()
	}
	sh.pass()
	return nil, false
}

// close closes the directory with its last user.
func (sh *shard) close() {
	sh.mu.Lock()
	sh.closed = true
	d := sh.now
	sh.mu.Unlock()
	sh.drop(d)
}
