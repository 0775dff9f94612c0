package cachetest_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
)

// Shelf is a whole backend: the seven methods over a map, and Add because it is easy. It is unbounded and
// never gives expired entries back, which the contract allows and a service would not want.
type Shelf struct {
	mu    sync.Mutex
	items map[string]item // nil once closed
}

type item struct {
	value   []byte
	expires time.Time // zero: never
}

// NewShelf returns an empty shelf.
func NewShelf() *Shelf { return &Shelf{items: make(map[string]item)} }

// do runs f under the lock, unless there is a reason not to: first the context, then Close.
func (s *Shelf) do(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		return cache.ErrClosed
	}
	f()
	return nil
}

// find returns the item under key unless it has expired: then it is absent for everybody.
func (s *Shelf) find(key string) (item, bool) {
	it, found := s.items[key]
	if found && !it.expires.IsZero() && !time.Now().Before(it.expires) {
		return item{}, false
	}
	return it, found
}

// put stores a copy of value: the caller's slice stays the caller's. It is never nil, so that an empty value is not a miss.
func (s *Shelf) put(key string, value []byte, ttl time.Duration) {
	it := item{value: append([]byte{}, value...)}
	if ttl != cache.Forever {
		it.expires = time.Now().Add(ttl)
	}
	s.items[key] = it
}

// Get returns a copy of the value.
func (s *Shelf) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = s.do(ctx, func() {
		it, ok := s.find(key)
		value, found = bytes.Clone(it.value), ok
	})
	return value, found, err
}

// Exists asks whether, not what.
func (s *Shelf) Exists(ctx context.Context, key string) (found bool, err error) {
	err = s.do(ctx, func() { _, found = s.find(key) })
	return found, err
}

// Set has three kinds of lifetime to tell apart; cache.Cache has dealt with all others.
func (s *Shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	absent := false
	err := s.do(ctx, func() {
		old, found := s.find(key)
		switch {
		case ttl != cache.KeepTTL:
			s.put(key, value, ttl)
		case found:
			s.items[key] = item{value: append([]byte{}, value...), expires: old.expires}
		default:
			absent = true
		}
	})
	if absent {
		return cache.ErrNotFound
	}
	return err
}

// Add makes it a cache.Adder: Add works, and so does Set with cache.KeepTTL where there is no entry.
func (s *Shelf) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	err = s.do(ctx, func() {
		if _, found := s.find(key); !found {
			s.put(key, value, ttl)
			stored = true
		}
	})
	return stored, err
}

// Delete of an absent key is no error.
func (s *Shelf) Delete(ctx context.Context, key string) error {
	return s.do(ctx, func() { delete(s.items, key) })
}

// Clear goes by the bytes of the prefix; an empty one is everything.
func (s *Shelf) Clear(ctx context.Context, prefix string) error {
	return s.do(ctx, func() {
		maps.DeleteFunc(s.items, func(key string, _ item) bool { return strings.HasPrefix(key, prefix) })
	})
}

// Ping has nobody to ask.
func (s *Shelf) Ping(ctx context.Context) error { return s.do(ctx, func() {}) }

// Close is idempotent.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = nil
	return nil
}

// A whole backend, proved. In a test it is cachetest.Run instead, which says what it did not run for want of a hook.
func Example() {
	err := cachetest.Check(context.Background(), func() (cache.Store, error) { return NewShelf(), nil })
	fmt.Println("violations:", err)
	// Output: violations: <nil>
}
