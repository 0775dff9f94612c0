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

// Shelf is a whole backend: the seven methods over a map, and Add because it is easy. It is unbounded and forgets expired entries only
// when it meets them, which the contract allows and a service would not want.
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

// enter locks the shelf for an operation, or says why there is none: first the context, then Close.
func (s *Shelf) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.items == nil {
		s.mu.Unlock()
		return nil, cache.ErrClosed
	}
	return s.mu.Unlock, nil
}

// find returns the item under key unless it has expired: then it is absent for everybody.
func (s *Shelf) find(key string) (item, bool) {
	it, found := s.items[key]
	if found && !it.expires.IsZero() && !time.Now().Before(it.expires) {
		delete(s.items, key)
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
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	it, found := s.find(key)
	return bytes.Clone(it.value), found, nil
}

// Set has three kinds of lifetime to tell apart; cache.Cache has dealt with all others.
func (s *Shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if ttl != cache.KeepTTL {
		s.put(key, value, ttl)
		return nil
	}
	it, found := s.find(key)
	if !found {
		return cache.ErrNotFound
	}
	s.items[key] = item{value: append([]byte{}, value...), expires: it.expires}
	return nil
}

// Delete of an absent key is no error.
func (s *Shelf) Delete(ctx context.Context, key string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	delete(s.items, key)
	return nil
}

// Exists asks whether, not what.
func (s *Shelf) Exists(ctx context.Context, key string) (bool, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_, found := s.find(key)
	return found, nil
}

// Clear goes by the bytes of the prefix; an empty one is everything.
func (s *Shelf) Clear(ctx context.Context, prefix string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	maps.DeleteFunc(s.items, func(key string, _ item) bool { return strings.HasPrefix(key, prefix) })
	return nil
}

// Ping has nobody to ask.
func (s *Shelf) Ping(ctx context.Context) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	leave()
	return nil
}

// Close is idempotent.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = nil
	return nil
}

// Add makes it a cache.Adder: Add works, and so does Set with cache.KeepTTL where there is no entry.
func (s *Shelf) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if _, found := s.find(key); found {
		return false, nil
	}
	s.put(key, value, ttl)
	return true, nil
}

// A whole backend, proved. In a test it is cachetest.Run instead, which says what it did not run for want of a hook.
func Example() {
	err := cachetest.Check(context.Background(), func() (cache.Store, error) { return NewShelf(), nil })
	fmt.Println("violations:", err)
	// Output: violations: <nil>
}
