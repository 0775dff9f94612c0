package tierstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

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

// onServer is for a server that others may use too: every store has a prefix of its own, and leaves nothing behind.
func onServer(t *testing.T, url string, other redis.UniversalClient, timeout time.Duration) cachetest.Config {
	t.Helper()
	var last string
	// There is no Reopen: another process sees a change a moment later, which the kit does not wait for. The tests of coherence do.
	return cachetest.Config{
		New: func(t *testing.T) cache.Store {
			last = "test." + rand.Text()
			prefix := last + ":"
			t.Cleanup(func() { clean(t, url, prefix, timeout) })
			return tracked(t, url, &redisstore.Options{KeyPrefix: prefix, Timeout: timeout})
		},
		Advance: func(d time.Duration) {
			end := time.Now().Add(d)
			wait.Until(t, func() bool { return !time.Now().Before(end) })
		},
		Plant: func(key string, value []byte) error {
			key = last + "2:" + key
			t.Cleanup(func() { other.Del(context.WithoutCancel(t.Context()), key) })
			err := other.SetArgs(t.Context(), key, value, redis.SetArgs{Mode: "NX"}).Err()
			if errors.Is(err, redis.Nil) {
				return fmt.Errorf("%q is there", key)
			}
			return err
		},
	}
}

// clean removes what a store that is closed has left. Its own goroutines would be counted among those that the store leaves.
func clean(t *testing.T, url, prefix string, timeout time.Duration) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	s, err := redisstore.Open(ctx, url, &redisstore.Options{KeyPrefix: prefix, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Clear(ctx, ""), s.Close()); err != nil {
		t.Errorf("clean up: %v", err)
	}
}

func TestTheUsersOfOneProcessSeeEveryKeyLinearizable(t *testing.T) {
	t.Run("by themselves", func(t *testing.T) {
		lineartest.Check(t, lineartest.Config{Processes: process(t, redistest.Start(t).URL(), patience)})
	})
	t.Run("while their server freezes", func(t *testing.T) {
		server := redistest.Start(t)
		lineartest.Check(t, lineartest.Config{
			Processes: process(t, server.URL(), 250*time.Millisecond),
			Histories: 6, // each costs two timeouts
			Break: func() func() {
				server.Freeze()
				return server.Thaw
			},
		})
	})
	t.Run("while the server closes their connections", func(t *testing.T) {
		server := redistest.Start(t)
		admin := redistest.Client(t, server.URL())
		lineartest.Check(t, lineartest.Config{
			Processes: process(t, server.URL(), patience),
			Histories: 40,
			Break: func() func() {
				for _, kind := range []string{"normal", "pubsub"} {
					if err := admin.ClientKillByFilter(t.Context(), "TYPE", kind, "SKIPME", "yes").Err(); err != nil {
						t.Errorf("close the connections: %v", err)
					}
				}
				return func() {}
			},
		})
	})
}

func process(t *testing.T, url string, timeout time.Duration) []*cache.Cache {
	t.Helper()
	c, err := cache.New(tracked(t, url, &redisstore.Options{Timeout: timeout}),
		&cache.Options{Require: cache.CanAdd | cache.CanIncrement | cache.CanSwap | cache.CanRenew | cache.CanTouch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return []*cache.Cache{c}
}

// tracked returns a store whose server tells it of changes.
func tracked(t testing.TB, url string, o *redisstore.Options) *tierstore.Store {
	t.Helper()
	s, told := open(t, url, o)
	if err := <-told; err != nil {
		t.Fatalf("track: %v", err)
	}
	return s
}

// open returns a store and what OnTracking is told.
func open(t testing.TB, url string, o *redisstore.Options) (*tierstore.Store, <-chan error) {
	t.Helper()
	near, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	far, err := redisstore.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 100)
	s, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, told
}
