package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestMain(m *testing.M) {
	logging.Disable() // what the client says of the servers that the tests break
	if name := os.Getenv(instanceVariable); name != "" {
		if err := serveQuestions(name, os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		return
	}
	// A client that could not dial sleeps before it sees that it was closed, for a second.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patience is what a test allows an operation: long on a machine that is busy, short enough to wait for a frozen server.
const patience = time.Second

func TestStoreKeepsTheContract(t *testing.T) {
	url := redistest.URL(t)
	cachetest.Run(t, onServer(t, url, redistest.Client(t, url), 30*time.Second))
}

func TestStoreKeepsTheContractWhileItsServerIsFrozen(t *testing.T) {
	t.Parallel() // it waits for most of its time
	server := redistest.Start(t)
	c := onServer(t, server.URL(), redistest.Client(t, server.URL()), patience)
	c.Break = func() func() {
		server.Freeze()
		return server.Thaw
	}
	cachetest.Run(t, c)
}

// onServer is for a server that others may use too: every store has a prefix of its own, and leaves nothing behind. other is a client of the same server.
func onServer(t *testing.T, url string, other redis.Cmdable, timeout time.Duration) cachetest.Config {
	var last string
	another := func(t *testing.T) cache.Store {
		return open(t, url, &redisstore.Options{KeyPrefix: last + ":", Timeout: timeout})
	}
	return cachetest.Config{
		New: func(t *testing.T) cache.Store {
			last = "test." + rand.Text()
			cleaner := another(t)
			t.Cleanup(func() {
				if err := cleaner.Clear(context.WithoutCancel(t.Context()), ""); err != nil {
					t.Errorf("clean up: %v", err)
				}
			})
			return another(t)
		},
		Reopen: another,
		Advance: func(d time.Duration) {
			end := time.Now().Add(d)
			wait.Until(t, func() bool { return !time.Now().Before(end) })
		},
		// Next to the prefix, where a careless Clear would find it.
		Plant: func(key string, value []byte) error { return plant(t, other)(last+"2:"+key, value) },
	}
}

// onFake is a store without what the fake server cannot: SCAN with a pattern that is not UTF-8 ends it, its TIME stands still, and to its INCRBY
// "+1" is a number. Everything on a real server is tested above.
type onFake struct {
	cache.Store
	cache.Batcher
	cache.Adder
	cache.Swapper
	cache.Renewer
	cache.Toucher
	cache.Sweeper
	cache.Appender
}

func TestStoreKeepsTheContractOnAFakeClock(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	n := 0
	cachetest.Run(t, cachetest.Config{
		New: func(t *testing.T) cache.Store {
			n++
			s, err := redisstore.New(client, &redisstore.Options{KeyPrefix: fmt.Sprintf("test.%d:", n), Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return onFake{s, s, s, s, s, s, s, s}
		},
		Advance: server.FastForward,
		Plant:   plant(t, client),
		Break: func() func() {
			server.SetError("LOADING the data is being loaded")
			return func() { server.SetError("") }
		},
	})
}

func plant(t *testing.T, c redis.Cmdable) func(string, []byte) error {
	return func(key string, value []byte) error {
		t.Cleanup(func() { c.Del(context.WithoutCancel(t.Context()), key) })
		err := c.SetArgs(t.Context(), key, value, redis.SetArgs{Mode: "NX"}).Err()
		if errors.Is(err, redis.Nil) {
			return fmt.Errorf("%q is there", key)
		}
		return err
	}
}

func TestKeysInRedisAreThePrefixTheNamespaceAndTheKey(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	c := over(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	for _, step := range []struct {
		c    *cache.Cache
		key  string
		want string
	}{
		{c, "user:1", "cache:user:1"},
		{c.Namespace("sessions"), "abc", "cache:@sessions:abc"},
		{c, "@odd", "cache:@@odd"},
		{c.Namespace("a").Namespace("b"), "@k", "cache:@a:@b:@@k"},
	} {
		if err := step.c.Set(t.Context(), step.key, []byte("value"), 1500*time.Microsecond+time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := other.Get(t.Context(), step.want).Val(); got != "value" {
			t.Errorf("%q holds %q; want the value of %q", step.want, got, step.key)
		}
		if ttl := other.PTTL(t.Context(), step.want).Val(); ttl <= time.Hour-time.Minute || ttl > time.Hour+2*time.Millisecond {
			t.Errorf("%q lives %v; want an hour", step.want, ttl)
		}
	}
	if err := c.Set(t.Context(), "permanent", nil, cache.Forever); err != nil {
		t.Fatal(err)
	}
	if ttl := other.PTTL(t.Context(), "cache:permanent").Val(); ttl != -1 {
		t.Errorf("a permanent entry lives %v; want no expiry", ttl)
	}
}

func TestGetAppendReturnsWhatItWasGivenWhereThereIsNoEntry(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	dst := []byte("dst")
	if v, found, err := s.GetAppend(t.Context(), dst, "absent"); string(v) != "dst" || found || err != nil {
		t.Errorf("GetAppend of an absent key = %q, %t, %v; want dst", v, found, err)
	}
	server.Kill()
	if v, found, err := s.GetAppend(t.Context(), dst, "absent"); string(v) != "dst" || found || !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("GetAppend on a dead server = %q, %t, %v; want dst, and ErrUnavailable", v, found, err)
	}
}

func TestClearTakesThePrefixLiterally(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	for _, prefix := range []string{"app:", "a*:", "a?:", "a[bc]:", `a\:`, "{a}:", "a b:", "ä:"} {
		foreign := []string{"app2:k", "appx", "ab:k", "abc:k", "a:k", "ac:k", "aa:k"}
		for _, key := range foreign {
			other.Set(t.Context(), key, "foreign", 0)
		}
		s := open(t, server.URL(), &redisstore.Options{KeyPrefix: prefix})
		if err := s.Set(t.Context(), "key", nil, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.Clear(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if n := other.Exists(t.Context(), prefix+"key").Val(); n != 0 {
			t.Errorf("Clear with the prefix %q left its own key", prefix)
		}
		if n := other.Exists(t.Context(), foreign...).Val(); n != int64(len(foreign)) {
			t.Errorf("Clear with the prefix %q left %d of %d foreign keys", prefix, n, len(foreign))
		}
		_ = s.Close()
	}
}

func TestClearStopsWithItsContextAndIsMadeUpFor(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	for i := range 3000 {
		if err := s.Set(t.Context(), fmt.Sprint("key", i), nil, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Microsecond)
	defer cancel()
	if err := s.Clear(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Clear within 300 µs: %v; want context.DeadlineExceeded", err)
	}
	if _, found, err := s.Get(t.Context(), "key2999"); found || err != nil {
		t.Errorf("Get after a Clear that was cut short: %t, %v; want a miss", found, err)
	}
}

func TestNewRefuses(t *testing.T) {
	able := &redis.Options{ContextTimeoutEnabled: true}
	for _, tc := range []struct {
		name   string
		client redis.UniversalClient
		o      *redisstore.Options
		want   string
	}{
		{"a nil client", nil, nil, "the client is nil"},
		{"a client that ignores deadlines", redis.NewClient(&redis.Options{}), nil, "ContextTimeoutEnabled"},
		{"a client without deadlines", redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, ReadTimeout: -2}), nil, "ReadTimeout and WriteTimeout"},
		{"a client of a type it cannot clear", redis.NewRing(&redis.RingOptions{}), nil, "*redis.Ring is not supported"},
		{"a prefix without its colon", redis.NewClient(able), &redisstore.Options{KeyPrefix: "app"}, `"app" does not end in ':'`},
		{"a negative timeout", redis.NewClient(able), &redisstore.Options{Timeout: -1}, "the timeout is -1ns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.client != nil {
				defer tc.client.Close()
			}
			_, err := redisstore.New(tc.client, tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v; want %q", err, tc.want)
			}
		})
	}
}

func TestCloseLeavesTheCallersClientOpen(t *testing.T) {
	client := redistest.Client(t, redistest.Start(t).URL())
	s, err := redisstore.New(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the client after Close of the store: %v", err)
	}
}

func open(t *testing.T, url string, o *redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func over(t *testing.T, s cache.Store) *cache.Cache {
	t.Helper()
	c, err := cache.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
