package memstore

import (
	"container/heap"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// sweepLimit is how many expired entries one operation removes at most. Two keep ahead of any load, for an operation adds
// one entry at most.
const sweepLimit = 2

// clearBatch is how many entries Clear looks at before it lets others in.
const clearBatch = 1024

// Store is a [cache.Store] in memory. All methods are safe for concurrent use.
type Store struct {
	maxEntries int
	maxBytes   int64
	now        func() time.Duration // monotonic, since the store was made

	mu        sync.RWMutex
	entries   map[string]*entry // nil once closed
	order     order
	bytes     int64
	serial    uint64
	evictions int64
}

var (
	_ cache.Store   = (*Store)(nil)
	_ cache.Adder   = (*Store)(nil)
	_ cache.Statter = (*Store)(nil)
)

// New returns an empty store. A nil o is the default options.
func New(o *Options) (*Store, error) {
	start := time.Now()
	return newAt(o, func() time.Duration { return time.Since(start) })
}

func newAt(o *Options, now func() time.Duration) (*Store, error) {
	maxEntries, maxBytes, err := o.limits()
	if err != nil {
		return nil, err
	}
	return &Store{maxEntries: maxEntries, maxBytes: maxBytes, now: now, entries: make(map[string]*entry)}, nil
}

// Get returns a copy of the value under key.
func (s *Store) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, opError("get", key, err)
	}
	stored, found, err := s.peek(key)
	if !found || err != nil {
		return nil, false, opError("get", key, err)
	}
	return clone(stored), true, nil
}

// peek returns the stored slice itself. Set replaces the slice and never writes into it, so it may be copied without the
// lock: 64 MiB would hold it for long.
func (s *Store) peek(key string) (stored []byte, found bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return nil, false, cache.ErrClosed
	}
	e := s.entries[key]
	if e == nil || e.expired(s.now()) {
		return nil, false, nil
	}
	return e.value, true, nil
}

// Exists tells whether there is an entry under key that has not expired.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, opError("exists", key, err)
	}
	_, found, err := s.peek(key)
	return found, opError("exists", key, err)
}

// Set stores a copy of value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return opError("set", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return opError("set", key, cache.ErrClosed)
	}
	now := s.now()
	s.sweep(now)
	expires := expiry(now, ttl)
	if ttl == cache.KeepTTL {
		e := s.entries[key]
		if e == nil || e.expired(now) {
			return opError("set", key, cache.ErrNotFound)
		}
		expires = e.expires
	}
	return opError("set", key, s.put(now, key, value, expires))
}

// Add stores a copy of value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, opError("add", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return false, opError("add", key, cache.ErrClosed)
	}
	now := s.now()
	s.sweep(now)
	if e := s.entries[key]; e != nil && !e.expired(now) {
		return false, nil
	}
	if err := s.put(now, key, value, expiry(now, ttl)); err != nil {
		return false, opError("add", key, err)
	}
	return true, nil
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return opError("delete", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return opError("delete", key, cache.ErrClosed)
	}
	if e := s.entries[key]; e != nil {
		s.remove(e)
	}
	s.sweep(s.now())
	return nil
}

// Clear removes every entry whose key has the prefix. Others go on between its batches.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	if err := ctx.Err(); err != nil {
		return opError("clear", prefix, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return opError("clear", prefix, cache.ErrClosed)
	}
	seen := 0
	// A range over a map yields every entry that was there at its start and has not been removed, whatever is stored
	// meanwhile (Go specification, "For statements with range clause"); so the lock may change hands within it.
	for key, e := range s.entries {
		if strings.HasPrefix(key, prefix) {
			s.remove(e)
		}
		if seen++; seen%clearBatch != 0 {
			continue
		}
		s.mu.Unlock()
		err := ctx.Err()
		s.mu.Lock()
		if err == nil && s.entries == nil {
			err = cache.ErrClosed
		}
		if err != nil {
			return opError("clear", prefix, err)
		}
	}
	return nil
}

// Ping tells whether the store is open.
func (s *Store) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return opError("ping", "", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return opError("ping", "", cache.ErrClosed)
	}
	return nil
}

// Stats returns the store's figures; expired entries count until they are removed.
func (s *Store) Stats(ctx context.Context) (cache.Stats, error) {
	if err := ctx.Err(); err != nil {
		return cache.Stats{}, opError("stats", "", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return cache.Stats{}, opError("stats", "", cache.ErrClosed)
	}
	return cache.Stats{Entries: int64(len(s.entries)), Bytes: s.bytes, Evictions: s.evictions}, nil
}

// Close gives the memory back. It is idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.order, s.bytes = nil, nil, 0
	return nil
}

// put stores a copy of value, after it made room for it. An error changes nothing.
func (s *Store) put(now time.Duration, key string, value []byte, expires time.Duration) error {
	need := size(key, value)
	if s.maxBytes > 0 && need > s.maxBytes {
		return fmt.Errorf("%w: it takes %d bytes with its key and bookkeeping; allowed: up to %d", cache.ErrTooLarge, need, s.maxBytes)
	}
	e := s.entries[key]
	if e == nil {
		s.makeRoom(now, need, 1)
		e = &entry{key: strings.Clone(key)} // the caller's may be a piece of a whole request
		s.entries[e.key] = e
	} else {
		// Out of the order while room is made, so that it cannot be its own victim.
		heap.Remove(&s.order, e.place)
		s.bytes -= e.size()
		s.makeRoom(now, need, 0)
	}
	s.serial++
	e.value, e.expires, e.serial = clone(value), expires, s.serial
	s.bytes += need
	heap.Push(&s.order, e)
	return nil
}

// makeRoom evicts until there is room for need bytes and so many more entries.
func (s *Store) makeRoom(now time.Duration, need int64, entries int) {
	for len(s.order) > 0 && (len(s.entries)+entries > s.maxEntries || s.maxBytes > 0 && s.bytes+need > s.maxBytes) {
		victim := s.order[0]
		if !victim.expired(now) {
			s.evictions++
		}
		s.remove(victim)
	}
}

// sweep removes a few expired entries, so that memory comes back though nobody reads them.
func (s *Store) sweep(now time.Duration) {
	for range sweepLimit {
		if len(s.order) == 0 || !s.order[0].expired(now) {
			return
		}
		s.remove(s.order[0])
	}
}

func (s *Store) remove(e *entry) {
	heap.Remove(&s.order, e.place)
	delete(s.entries, e.key)
	s.bytes -= e.size()
}

// clone returns a copy that is never nil.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

func opError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Key: key, Err: err}
}
