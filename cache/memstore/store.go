package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// batch is how many entries an operation on many handles before it lets others in. Removing that many from a million takes about a
// millisecond, for which all others wait.
const batch = 256

// Store is a [cache.Store] in memory with every capability. All methods are safe for concurrent use.
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
	_ cache.Store    = (*Store)(nil)
	_ cache.Appender = (*Store)(nil)
	_ cache.Statter  = (*Store)(nil)
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
	stored, found, err := s.peek(ctx, key)
	if !found || err != nil {
		return nil, false, opError("get", key, err)
	}
	return clone(stored), true, nil
}

// GetAppend appends the value under key to dst. It does not allocate where dst has room.
func (s *Store) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	stored, found, err := s.peek(ctx, key)
	if !found || err != nil {
		return dst, false, opError("get", key, err)
	}
	return append(dst, stored...), true, nil
}

// Exists tells whether there is an entry under key that has not expired.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	_, found, err := s.peek(ctx, key)
	return found, opError("exists", key, err)
}

// peek returns the stored slice itself. A write replaces the slice and never writes into it, so it may be copied without
// the lock: 64 MiB would hold it for long.
func (s *Store) peek(ctx context.Context, key string) (stored []byte, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
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

// Set stores a copy of value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	now, err := s.enter(ctx, 1)
	if err != nil {
		return opError("set", key, err)
	}
	defer s.mu.Unlock()
	if ttl != cache.KeepTTL {
		return opError("set", key, s.put(now, key, value, expiry(now, ttl)))
	}
	e := s.live(now, key)
	if e == nil {
		return opError("set", key, cache.ErrNotFound)
	}
	return opError("set", key, s.put(now, key, value, e.expires))
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if _, err := s.enter(ctx, 1); err != nil {
		return opError("delete", key, err)
	}
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		s.remove(e)
	}
	return nil
}

// Ping tells whether the store is open.
func (s *Store) Ping(ctx context.Context) error {
	return opError("ping", "", s.ready(ctx))
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

// ready tells why no operation may begin.
func (s *Store) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return cache.ErrClosed
	}
	return nil
}

// enter begins a write of so many keys. It returns the time with the store locked, or an error with the store unlocked.
func (s *Store) enter(ctx context.Context, keys int) (now time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	if s.entries == nil {
		s.mu.Unlock()
		return 0, cache.ErrClosed
	}
	now = s.now()
	s.sweep(now, sweepLimit*keys)
	return now, nil
}

// live returns the entry under key; nil if there is none that has not expired.
func (s *Store) live(now time.Duration, key string) *entry {
	if e := s.entries[key]; e != nil && !e.expired(now) {
		return e
	}
	return nil
}

// clone returns a copy that is never nil.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

func opError(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Key: key, Err: err}
}
