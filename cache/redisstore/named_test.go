package redisstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

func named(t *testing.T, s *redisstore.Store, name string) *redisstore.Store {
	t.Helper()
	n, err := s.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestANamedStoreHasAPrefixOfItsOwn(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	for _, tc := range []struct{ prefix, name, want string }{
		{"", "sessions", "cache.sessions:key"},
		{"app:", "rate_limit", "app.rate_limit:key"},
		{"a:b:", "X-9", "a:b.X-9:key"},
		{":", "n", ".n:key"},
	} {
		s := open(t, server.URL(), &redisstore.Options{KeyPrefix: tc.prefix})
		if err := named(t, s, tc.name).Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := other.Exists(t.Context(), tc.want).Val(); n != 1 {
			t.Errorf("%q of %q does not store under %q but under %q", tc.name, tc.prefix, tc.want, other.Keys(t.Context(), "*").Val())
		}
	}
	s := open(t, server.URL(), nil)
	if err := named(t, named(t, s, "a"), "b").Set(t.Context(), "key", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := other.Exists(t.Context(), "cache.a.b:key").Val(); n != 1 {
		t.Error("a named store of a named store does not store below it")
	}
}

func TestNamedStoresSeeAndClearOnlyTheirOwn(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), nil)
	stores := map[string]*redisstore.Store{"the owner": s, "sessions": named(t, s, "sessions"), "sessions2": named(t, s, "sessions2")}
	for name, store := range stores {
		if err := store.Set(t.Context(), "key", []byte(name), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for name, store := range stores {
		if v, found, err := store.Get(t.Context(), "key"); string(v) != name || !found || err != nil {
			t.Errorf("%s has %q, %t, %v; want its own", name, v, found, err)
		}
		if keys := allKeys(t, store, ""); !slices.Equal(keys, []string{"key"}) {
			t.Errorf("%s has the keys %q; want its own", name, keys)
		}
	}
	for _, cleared := range []string{"the owner", "sessions"} {
		if err := stores[cleared].Clear(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		for name, store := range stores {
			found, err := store.Exists(t.Context(), "key")
			if want := name != cleared; found != want || err != nil {
				t.Errorf("after Clear of %s there is an entry in %s: %t, %v; want %t", cleared, name, found, err, want)
			}
		}
		if err := stores[cleared].Set(t.Context(), "key", nil, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func TestANamedStoreEndsWithItsOwnerAndNotTheOtherWayRound(t *testing.T) {
	server := redistest.Start(t)
	s, err := redisstore.Open(t.Context(), server.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	one, other := named(t, s, "one"), named(t, s, "other")
	below := named(t, one, "below")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	for name, store := range map[string]*redisstore.Store{"the named store": one, "one of its own": below} {
		if _, _, err := store.Get(t.Context(), "key"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Get of %s that was closed: %v; want ErrClosed", name, err)
		}
	}
	for name, store := range map[string]*redisstore.Store{"the owner": s, "another": other} {
		if _, _, err := store.Get(t.Context(), "key"); err != nil {
			t.Errorf("Get of %s after a named store was closed: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.Get(t.Context(), "key"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Get of a named store whose owner was closed: %v; want ErrClosed", err)
	}
	if err := other.Close(); err != nil {
		t.Errorf("Close of a named store whose owner was closed: %v", err)
	}
	if _, err := s.Named("late"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Named of a closed store: %v; want ErrClosed", err)
	}
}

func TestWhatANamedStoreClearsInTheBackgroundEndsWithItsOwner(t *testing.T) {
	server := redistest.Start(t)
	s, err := redisstore.Open(t.Context(), server.URL(), &redisstore.Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	n := named(t, s, "sessions")
	server.Freeze()
	if err := n.Clear(t.Context(), ""); err == nil {
		t.Fatal("Clear on a frozen server succeeded")
	}
	_, _ = n.Exists(t.Context(), "key") // starts it
	if err := s.Close(); err != nil {   // TestMain finds a goroutine that it has left
		t.Error(err)
	}
}

func TestFailuresOfANamedStoreAreItsOwn(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), nil)
	n := named(t, s, "sessions")
	server.Kill()
	if err := n.Delete(t.Context(), "key"); err == nil {
		t.Fatal("Delete on a dead server succeeded")
	}
	for name, tc := range map[string]struct {
		store *redisstore.Store
		want  int64
	}{"the named store": {n, 1}, "its owner": {s, 0}} {
		if stats, err := tc.store.Stats(t.Context()); stats.Pending != tc.want || err != nil {
			t.Errorf("%s remembers %d failures, %v; want %d", name, stats.Pending, err, tc.want)
		}
	}
}

func TestNamedRefuses(t *testing.T) {
	s := open(t, "redis://localhost", nil)
	for _, name := range []string{"", strings.Repeat("n", 65), "a.b", "a:b", "a b", "ä", "a*", "@a", "a\x00"} {
		if _, err := s.Named(name); err == nil || !strings.Contains(err.Error(), "allowed: 1 to 64 of A-Z") {
			t.Errorf("Named(%q): %v; want an error that says what is allowed", name, err)
		}
	}
	if _, err := s.Named(strings.Repeat("n", 64)); err != nil {
		t.Error(err)
	}
}

// allKeys returns the keys below prefix in order.
func allKeys(t *testing.T, s cache.Scanner, prefix string) []string {
	t.Helper()
	var keys []string
	for key, err := range s.Keys(context.WithoutCancel(t.Context()), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
