package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// fill puts so many entries on the server, key0 and so on.
func fill(t *testing.T, other *redis.Client, n int) {
	t.Helper()
	_, err := other.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(t.Context(), fmt.Sprint("cache:key", i), "value", time.Hour)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheBodyOfALoopOverKeysHasTheWholePoolToItself(t *testing.T) {
	server := redistest.Start(t)
	fill(t, redistest.Client(t, server.URL()), 1000)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true, PoolSize: 1})
	t.Cleanup(func() { _ = client.Close() })
	s, err := redisstore.New(client, &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	for key, err := range s.Keys(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 1000 {
		t.Errorf("the loop has seen %d keys; want 1000", n)
	}
	if stats := client.PoolStats(); stats.TotalConns != 1 {
		t.Errorf("the client has %d connections; want its 1", stats.TotalConns)
	}
}

func TestALoopOverKeysLeavesNoConnection(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	fill(t, other, 1000)
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	before := connections(t, other)
	loop := func(body func()) {
		defer func() { _ = recover() }()
		for _, err := range s.Keys(t.Context(), "") {
			if err != nil {
				t.Error(err)
			}
			if body == nil {
				return
			}
			body()
		}
	}
	for range 3 {
		loop(nil)
		loop(func() { panic("in the body") })
		loop(func() {})
	}
	wait.Until(t, func() bool { return connections(t, other) == before })
}

func connections(t *testing.T, other *redis.Client) int64 {
	t.Helper()
	list, err := other.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, b := range list {
		if b == '\n' {
			n++
		}
	}
	return n
}

func TestALoopOverKeysWhoseServerIsRestartedEndsWithAnError(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	fill(t, other, 1000)
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	restarted := false
	var last error
	for key, err := range s.Keys(t.Context(), "") {
		if last != nil {
			t.Error("something is yielded after the error")
		}
		if last = err; err != nil && key != "" {
			t.Errorf("the error is yielded with the key %q", key)
		}
		if !restarted {
			restarted = true
			server.Restart() // it is the same server, and it has other keys
			fill(t, other, 1000)
		}
	}
	if !errors.Is(last, cache.ErrUnavailable) {
		t.Errorf("Keys while the server was restarted ends with %v; want ErrUnavailable", last)
	}
}

func TestKeysDoesNotYieldWhatCountsAsAMiss(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	server.Freeze()
	if s.Delete(t.Context(), "key1") == nil || s.Clear(t.Context(), "@pages:") == nil {
		t.Fatal("a frozen server has done something")
	}
	thaw(t, server, s)
	fill(t, other, 3)
	other.Set(t.Context(), "cache:@pages:a", "value", time.Hour)
	if got, want := allKeys(t, s, ""), []string{"key0", "key2"}; !slices.Equal(got, want) {
		t.Errorf("Keys yields %q; want %q", got, want)
	}
}

func TestKeysEndsWithTheStore(t *testing.T) {
	server := redistest.Start(t)
	fill(t, redistest.Client(t, server.URL()), 1000)
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	var last error
	for _, err := range s.Keys(t.Context(), "") {
		last = err
		_ = s.Close()
	}
	if !errors.Is(last, cache.ErrClosed) {
		t.Errorf("Keys of a store that was closed ends with %v; want ErrClosed", last)
	}
	for _, err := range s.Keys(context.WithoutCancel(t.Context()), "") {
		if !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Keys of a closed store: %v; want ErrClosed", err)
		}
	}
}
