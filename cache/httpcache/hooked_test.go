package httpcache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// operation is one of a store's that is about to be done.
type operation struct {
	ctx  context.Context //nolint:containedctx // the operation's own
	name string
	key  string
}

// hooked is a memory store with somebody who is asked before each operation, and may delay it, fail it or panic.
type hooked struct {
	*memstore.Store

	mu   sync.Mutex
	hook func(o operation) error
}

func hook(t testing.TB) *hooked {
	t.Helper()
	m, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &hooked{Store: m}
}

// on makes f the one who is asked; nil is nobody.
func (s *hooked) on(f func(o operation) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

func (s *hooked) ask(ctx context.Context, name, key string) error {
	s.mu.Lock()
	f := s.hook
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(operation{ctx, name, key})
}

// sevenMethods is s without what a store need not have.
func (s *hooked) sevenMethods() cache.Store { return struct{ cache.Store }{s} }

func (s *hooked) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.ask(ctx, "Get", key); err != nil {
		return nil, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *hooked) GetAppend(ctx context.Context, dst []byte, key string) ([]byte, bool, error) {
	if err := s.ask(ctx, "Get", key); err != nil {
		return dst, false, err
	}
	return s.Store.GetAppend(ctx, dst, key)
}

func (s *hooked) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.ask(ctx, "GetMany", ""); err != nil {
		return nil, err
	}
	return s.Store.GetMany(ctx, keys)
}

func (s *hooked) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.ask(ctx, "Set", key); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, value, ttl)
}

func (s *hooked) Delete(ctx context.Context, key string) error {
	if err := s.ask(ctx, "Delete", key); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key)
}

func (s *hooked) Exists(ctx context.Context, key string) (bool, error) {
	if err := s.ask(ctx, "Exists", key); err != nil {
		return false, err
	}
	return s.Store.Exists(ctx, key)
}

func (s *hooked) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := s.ask(ctx, "Add", key); err != nil {
		return false, err
	}
	return s.Store.Add(ctx, key, value, ttl)
}

func (s *hooked) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (bool, error) {
	if err := s.ask(ctx, "CompareAndSwap", key); err != nil {
		return false, err
	}
	return s.Store.CompareAndSwap(ctx, key, old, replacement, ttl)
}

func (s *hooked) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	if err := s.ask(ctx, "CompareAndDelete", key); err != nil {
		return false, err
	}
	return s.Store.CompareAndDelete(ctx, key, old)
}

func (s *hooked) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := s.ask(ctx, "Touch", key); err != nil {
		return false, err
	}
	return s.Store.Touch(ctx, key, ttl)
}

// small is a memory store that is soon full.
func small(t testing.TB, entries int, bytes int64) *memstore.Store {
	t.Helper()
	m, err := memstore.New(&memstore.Options{MaxEntries: entries, MaxBytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
