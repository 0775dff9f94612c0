package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// openAt returns a store whose clock stands still, and its hand.
func openAt(t *testing.T, o *memstore.Options) (*memstore.Store, *time.Duration) {
	t.Helper()
	now := new(time.Duration)
	s, err := memstore.NewAt(o, func() time.Duration { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return s, now
}

// asked is a context that calls f with 1, 2, 3 … whenever it is asked whether it is done. The store does so before each batch.
type asked struct {
	context.Context
	f func(n int)
	n *int
}

func whenAsked(ctx context.Context, f func(n int)) context.Context { return asked{ctx, f, new(int)} }

func (a asked) Err() error {
	*a.n++
	a.f(*a.n)
	return a.Context.Err()
}

func open(t *testing.T, o *memstore.Options) *memstore.Store {
	t.Helper()
	s, err := memstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t *testing.T, s *memstore.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func want(t *testing.T, s *memstore.Store, key, value string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); err != nil || !found || string(v) != value {
		t.Errorf("Get(%q) = %q, %t, %v; want %q", key, v, found, err, value)
	}
}

func wantMiss(t *testing.T, s *memstore.Store, key string) {
	t.Helper()
	if v, found, err := s.Get(t.Context(), key); err != nil || found {
		t.Errorf("Get(%q) = %q, %t, %v; want a miss", key, v, found, err)
	}
}

func stats(t *testing.T, s *memstore.Store) cache.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// fill sets n entries with the lifetime ttl.
func fill(t *testing.T, s *memstore.Store, prefix string, n int, ttl time.Duration) {
	t.Helper()
	for i := range n {
		set(t, s, fmt.Sprint(prefix, i), "value", ttl)
	}
}

func wantOp(t *testing.T, err error, op string, is error) {
	t.Helper()
	if e, ok := errors.AsType[*cache.OpError](err); !ok || e.Op != op || !errors.Is(err, is) || e.Err != is {
		t.Errorf("%v; want %q and %v", err, op, is)
	}
}
