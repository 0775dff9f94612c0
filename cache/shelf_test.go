package cache_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
)

// shelf is the plainest store that keeps the contract: a map under a lock. Its users choose what of it a cache gets to see.
type shelf struct {
	mu      sync.Mutex
	entries map[string]placed
	closed  bool

	beforeSwap func() // runs before every comparison, without the lock
}

type placed struct {
	value  string
	expiry time.Time // zero for a permanent one
}

func newShelf() *shelf { return &shelf{entries: map[string]placed{}} }

// swapping is the shelf with Swapper alone.
func (s *shelf) swapping() cache.Store {
	return struct {
		cache.Store
		cache.Swapper
	}{s, s}
}

// addingAndSwapping is the shelf with Adder and Swapper.
func (s *shelf) addingAndSwapping() cache.Store {
	return struct {
		cache.Store
		cache.Adder
		cache.Swapper
	}{s, s, s}
}

func TestAShelfKeepsTheContract(t *testing.T) {
	cachetest.Run(t, cachetest.Config{New: func(*testing.T) cache.Store { return newShelf().addingAndSwapping() }})
}

// find returns what has not expired. The caller holds the lock.
func (s *shelf) find(key string) (placed, bool) {
	e, found := s.entries[key]
	return e, found && (e.expiry.IsZero() || time.Now().Before(e.expiry))
}

// place stores; with KeepTTL it keeps the expiry of old. The caller holds the lock.
func (s *shelf) place(key string, value []byte, ttl time.Duration, old placed) {
	e := placed{string(value), old.expiry}
	switch ttl {
	case cache.KeepTTL:
	case cache.Forever:
		e.expiry = time.Time{}
	default:
		e.expiry = time.Now().Add(ttl)
	}
	s.entries[key] = e
}

// put stores as another user of the store would.
func (s *shelf) put(key, value string, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.place(key, []byte(value), ttl, placed{})
}

func (s *shelf) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
}

// remaining is the lifetime that an entry has left: Forever, or 0 where there is none.
func (s *shelf) remaining(key string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.find(key)
	switch {
	case !found:
		return 0
	case e.expiry.IsZero():
		return cache.Forever
	}
	return time.Until(e.expiry)
}

// locked runs do with the lock held, if the context and the shelf allow.
func (s *shelf) locked(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return cache.ErrClosed
	}
	return do()
}

func (s *shelf) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = s.locked(ctx, func() error {
		var e placed
		if e, found = s.find(key); found {
			value = []byte(e.value)
		}
		return nil
	})
	return value, found, err
}

func (s *shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.locked(ctx, func() error {
		old, found := s.find(key)
		if ttl == cache.KeepTTL && !found {
			return cache.ErrNotFound
		}
		s.place(key, value, ttl, old)
		return nil
	})
}

func (s *shelf) Delete(ctx context.Context, key string) error {
	return s.locked(ctx, func() error { delete(s.entries, key); return nil })
}

func (s *shelf) Exists(ctx context.Context, key string) (found bool, err error) {
	err = s.locked(ctx, func() error { _, found = s.find(key); return nil })
	return found, err
}

func (s *shelf) Clear(ctx context.Context, prefix string) error {
	return s.locked(ctx, func() error {
		for key := range s.entries {
			if strings.HasPrefix(key, prefix) {
				delete(s.entries, key)
			}
		}
		return nil
	})
}

func (s *shelf) Ping(ctx context.Context) error {
	return s.locked(ctx, func() error { return nil })
}

func (s *shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.entries = true, nil
	return nil
}

func (s *shelf) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	err = s.locked(ctx, func() error {
		if _, found := s.find(key); !found {
			s.place(key, value, ttl, placed{})
			stored = true
		}
		return nil
	})
	return stored, err
}

func (s *shelf) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	return s.compare(ctx, key, old, func(e placed) { s.place(key, value, ttl, e) })
}

func (s *shelf) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	return s.compare(ctx, key, old, func(placed) { delete(s.entries, key) })
}

func (s *shelf) compare(ctx context.Context, key string, old []byte, then func(placed)) (equal bool, err error) {
	if s.beforeSwap != nil {
		s.beforeSwap()
	}
	err = s.locked(ctx, func() error {
		e, found := s.find(key)
		if equal = found && e.value == string(old); equal {
			then(e)
		}
		return nil
	})
	return equal, err
}
