package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestBelowAClearThatCannotBeRepeated(t *testing.T) {
	server := redistest.Start(t, "--user", "u", "on", ">pw", "~*", "+@all", "-scan")
	other := redistest.Client(t, server.URL())
	s := open(t, with("redis://u:pw@%s")(server), &redisstore.Options{Timeout: patience})
	if err := s.Clear(t.Context(), "@pages:"); !errors.Is(err, redisstore.ErrPermission) {
		t.Fatalf("Clear without the permission: %v; want ErrPermission", err)
	}
	const key = "@pages:key"
	ctx := t.Context()
	for name, absent := range map[string]func() (there bool, err error){
		"Get":              func() (bool, error) { _, found, err := s.Get(ctx, key); return found, err },
		"GetAppend":        func() (bool, error) { v, found, err := s.GetAppend(ctx, nil, key); return found || v != nil, err },
		"Exists":           func() (bool, error) { return s.Exists(ctx, key) },
		"TTL":              func() (bool, error) { _, found, err := s.TTL(ctx, key); return found, err },
		"Touch":            func() (bool, error) { return s.Touch(ctx, key, time.Minute) },
		"Touch, Forever":   func() (bool, error) { return s.Touch(ctx, key, cache.Forever) },
		"GetAndRenew":      func() (bool, error) { _, found, err := s.GetAndRenew(ctx, key, time.Minute); return found, err },
		"CompareAndSwap":   func() (bool, error) { return s.CompareAndSwap(ctx, key, []byte("7"), nil, time.Minute) },
		"CompareAndDelete": func() (bool, error) { return s.CompareAndDelete(ctx, key, []byte("7")) },
		"GetMany": func() (bool, error) {
			items, err := s.GetMany(ctx, []string{key, "other"})
			if string(items["other"]) != "7" {
				err = errors.Join(err, errors.New("the entry of another namespace is not there"))
			}
			delete(items, "other")
			return len(items) > 0, err
		},
	} {
		t.Run(name+" sees no entry and changes none", func(t *testing.T) {
			for _, key := range []string{key, "other"} {
				other.Set(t.Context(), "cache:"+key, "7", time.Hour)
			}
			if there, err := absent(); there || err != nil {
				t.Errorf("%s = %t, %v; want nothing", name, there, err)
			}
			if v, ttl := other.Get(t.Context(), "cache:"+key).Val(), other.PTTL(t.Context(), "cache:"+key).Val(); v != "7" || ttl < 59*time.Minute {
				t.Errorf("%s has left %q, which lives %v; want what was there", name, v, ttl)
			}
		})
	}
	for name, atomic := range map[string]func() error{
		"Add":       func() error { _, err := s.Add(ctx, key, nil, time.Minute); return err },
		"Increment": func() error { _, err := s.Increment(ctx, key, 1, time.Minute); return err },
		"Take":      func() error { _, err := s.Take(ctx, key, hourly(5), 1); return err },
	} {
		t.Run(name+" does nothing and says why", func(t *testing.T) {
			err := atomic()
			if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "a clear that failed is being repeated") {
				t.Errorf("%s: %v; want ErrUnavailable for the clear", name, err)
			}
			if v := other.Get(t.Context(), "cache:"+key).Val(); v != "7" {
				t.Errorf("%s has left %q; want what was there", name, v)
			}
		})
	}
	t.Run("SetMany and DeleteMany work", func(t *testing.T) {
		if err := s.SetMany(ctx, map[string][]byte{key: []byte("new"), key + "2": nil}, time.Hour); err != nil {
			t.Error(err)
		}
		if v := other.Get(t.Context(), "cache:"+key).Val(); v != "new" {
			t.Errorf("SetMany has left %q", v)
		}
		if err := s.DeleteMany(ctx, []string{key, key + "2"}); err != nil {
			t.Error(err)
		}
		if n := other.Exists(t.Context(), "cache:"+key, "cache:"+key+"2").Val(); n != 0 {
			t.Errorf("DeleteMany has left %d entries", n)
		}
	})
}

func TestABatchThatFailsIsRememberedWhole(t *testing.T) {
	const n = 2500 // three round trips
	for name, batch := range map[string]func(ctx context.Context, s *redisstore.Store) error{
		"SetMany": func(ctx context.Context, s *redisstore.Store) error {
			items := map[string][]byte{}
			for i := range n {
				items[fmt.Sprint("key", i)] = nil
			}
			return s.SetMany(ctx, items, time.Hour)
		},
		"DeleteMany": func(ctx context.Context, s *redisstore.Store) error {
			var keys []string
			for i := range n {
				keys = append(keys, fmt.Sprint("key", i))
			}
			return s.DeleteMany(ctx, keys)
		},
	} {
		pending := func(t *testing.T, s *redisstore.Store, want int64) {
			t.Helper()
			if stats, err := s.Stats(t.Context()); stats.Pending != want || err != nil {
				t.Errorf("%d keys are remembered, %v; want %d", stats.Pending, err, want)
			}
		}
		t.Run(name+" of a server that is down", func(t *testing.T) {
			server := redistest.Start(t)
			s := open(t, server.URL(), nil)
			server.Kill()
			err := batch(t.Context(), s)
			if want := fmt.Sprintf("cache: %s of %d keys: ", map[string]string{"SetMany": "set many", "DeleteMany": "delete many"}[name], n); !errors.Is(err, cache.ErrUnavailable) || err.Error()[:len(want)] != want {
				t.Errorf("%s: %v; want ErrUnavailable, beginning with %q", name, err, want)
			}
			pending(t, s, n)
		})
		t.Run(name+" whose context ends after the first round trip", func(t *testing.T) {
			server := redistest.Start(t)
			s, counter := counted(t, server.URL())
			ctx := &endsAfter{Context: t.Context(), trips: counter, from: counter.n.Load()}
			if err := batch(ctx, s); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want context.Canceled", name, err)
			}
			pending(t, s, n-1000)
		})
		t.Run(name+" whose context was done before", func(t *testing.T) {
			s := open(t, redistest.Start(t).URL(), nil)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := batch(ctx, s); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v; want context.Canceled", name, err)
			}
			pending(t, s, 0)
		})
	}
}

// endsAfter is a context that is cancelled after one round trip.
type endsAfter struct {
	context.Context
	trips *trips
	from  int64
}

func (c *endsAfter) Err() error {
	if c.trips.n.Load() > c.from {
		return context.Canceled
	}
	return nil
}

func TestSetManyStoresWhatIsNotTooLarge(t *testing.T) {
	s := open(t, redistest.Start(t).URL(), &redisstore.Options{Timeout: 10 * time.Second})
	err := s.SetMany(t.Context(), map[string][]byte{"a": []byte("a"), "big": make([]byte, cache.MaxValueLen+1), "c": nil}, time.Hour)
	if !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("SetMany: %v; want ErrTooLarge", err)
	}
	items, err := s.GetMany(t.Context(), []string{"a", "big", "c", "a"})
	if err != nil || len(items) != 2 || string(items["a"]) != "a" || items["c"] == nil {
		t.Errorf("GetMany = %q, %v; want the two that fit", items, err)
	}
	if stats, _ := s.Stats(t.Context()); stats.Pending != 0 {
		t.Errorf("%d keys are remembered; want none", stats.Pending)
	}
}

func TestAFailedAtomicIsNotRemembered(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), nil)
	server.Kill()
	for _, w := range writes() {
		if w.pending > 0 {
			continue
		}
		if err := w.run(t.Context(), s); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s on a dead server: %v; want ErrUnavailable", w.name, err)
		}
	}
	if stats, _ := s.Stats(t.Context()); stats != (cache.Stats{Entries: -1, Bytes: -1, Evictions: -1}) {
		t.Errorf("Stats = %+v; want nothing pending, and nothing else known", stats)
	}
}

func TestABatchDeletesWhatFailedBeforeItUsesIt(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	keys := []string{"key1", "key2", "key3"}
	server.Freeze()
	if s.DeleteMany(t.Context(), keys[:2]) == nil {
		t.Fatal("DeleteMany on a frozen server succeeded")
	}
	thaw(t, server, s)
	_, err := other.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Set(t.Context(), "cache:"+key, "old", 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	items, err := s.GetMany(t.Context(), keys)
	if err != nil || len(items) != 1 || string(items["key3"]) != "old" {
		t.Errorf("GetMany = %q, %v; want only what no failed write has touched", items, err)
	}
	if stats, _ := s.Stats(t.Context()); stats.Pending != 0 {
		t.Errorf("%d keys are remembered; want none any more", stats.Pending)
	}
}

func TestWhatABatchStoresAfterAFailureStays(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	server.Freeze()
	if s.Delete(t.Context(), "key1") == nil || s.Set(t.Context(), "key2", []byte("old"), time.Hour) == nil || s.Clear(t.Context(), "@pages:") == nil {
		t.Fatal("a frozen server has done something")
	}
	thaw(t, server, s)
	items := map[string][]byte{"key1": []byte("new"), "key2": []byte("new"), "@pages:key": []byte("new")}
	if err := s.SetMany(t.Context(), items, time.Hour); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetMany(t.Context(), keysOf(items))
	if err != nil || len(got) != len(items) {
		t.Errorf("GetMany = %q, %v; want all that SetMany stored", got, err)
	}
}

// thaw lets the server go on, and waits until the store has noticed.
func thaw(t *testing.T, server *redistest.Server, s *redisstore.Store) {
	t.Helper()
	server.Thaw()
	wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
}
