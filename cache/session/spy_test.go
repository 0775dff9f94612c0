package session_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// full is a store with what sessions use of it.
type full interface {
	cache.Store
	cache.Batcher
	cache.Adder
	cache.Swapper
	cache.Scanner
	cache.Toucher
}

// spy counts the operations of a store, and lets something happen before each.
type spy struct {
	full

	mu     sync.Mutex
	calls  []string
	before func(ctx context.Context, op, key string) error // an error is the operation's; nil: nothing happens
}

func (s *spy) call(ctx context.Context, op, key string) error {
	s.mu.Lock()
	s.calls = append(s.calls, op)
	before := s.before
	s.mu.Unlock()
	if before != nil {
		return before(ctx, op, key)
	}
	return nil
}

// during runs f, and happens before each operation meanwhile, but for those that happens makes itself.
func (s *spy) during(happens func(n int, op, key string) error, f func()) {
	n, inside := 0, false
	s.mu.Lock()
	s.before = func(_ context.Context, op, key string) error {
		if inside {
			return nil
		}
		inside = true
		defer func() { inside = false }()
		n++
		return happens(n-1, op, key)
	}
	s.mu.Unlock()
	f()
	s.mu.Lock()
	s.before = nil
	s.mu.Unlock()
}

// asked returns what was asked of the store while f ran.
func (s *spy) asked(f func()) []string {
	s.mu.Lock()
	s.calls = nil
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *spy) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.call(ctx, "get", key); err != nil {
		return nil, false, err
	}
	return s.full.Get(ctx, key)
}

func (s *spy) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.call(ctx, "set", key); err != nil {
		return err
	}
	return s.full.Set(ctx, key, value, ttl)
}

func (s *spy) Delete(ctx context.Context, key string) error {
	if err := s.call(ctx, "delete", key); err != nil {
		return err
	}
	return s.full.Delete(ctx, key)
}

func (s *spy) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.call(ctx, "get many", keys[0]); err != nil {
		return nil, err
	}
	return s.full.GetMany(ctx, keys)
}

func (s *spy) DeleteMany(ctx context.Context, keys []string) error {
	if err := s.call(ctx, "delete many", keys[0]); err != nil {
		return err
	}
	return s.full.DeleteMany(ctx, keys)
}

func (s *spy) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := s.call(ctx, "add", key); err != nil {
		return false, err
	}
	return s.full.Add(ctx, key, value, ttl)
}

func (s *spy) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (bool, error) {
	if err := s.call(ctx, "swap", key); err != nil {
		return false, err
	}
	return s.full.CompareAndSwap(ctx, key, old, replacement, ttl)
}

func (s *spy) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	if err := s.call(ctx, "compare and delete", key); err != nil {
		return false, err
	}
	return s.full.CompareAndDelete(ctx, key, old)
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
