package redisstore_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/redistest"
)

func TestStoresOnOneServerAreLinearizable(t *testing.T) {
	server := redistest.Start(t)
	one := able(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	other := able(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	lineartest.Check(t, lineartest.Config{Processes: []*cache.Cache{one, other}})
}

func TestStoreIsLinearizableThoughItsServerFreezes(t *testing.T) {
	server := redistest.Start(t)
	c := able(t, open(t, server.URL(), &redisstore.Options{Timeout: timeout}))
	lineartest.Check(t, lineartest.Config{Processes: []*cache.Cache{c}, Histories: 8, Break: func() func() {
		server.Freeze()
		return server.Thaw
	}})
}

func TestStoreIsLinearizableThoughItsConnectionsAreClosed(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	c := able(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	lineartest.Check(t, lineartest.Config{Processes: []*cache.Cache{c}, Histories: 60, Break: func() func() {
		if err := other.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Errorf("close the connections: %v", err)
		}
		return func() {}
	}})
}

func TestStoreIsLinearizableThoughItsAnswersAreLost(t *testing.T) {
	line := startCutter(t, redistest.Start(t).Addr())
	c := able(t, open(t, "redis://"+line.addr, &redisstore.Options{Timeout: patience}))
	cut := func() { line.cut(0) }
	lineartest.Check(t, lineartest.Config{Processes: []*cache.Cache{c}, Histories: 60, Break: func() func() {
		cut()
		return cut
	}})
}

// able is over for a store that can do everything that is checked.
func able(t *testing.T, s cache.Store) *cache.Cache {
	t.Helper()
	c, err := cache.New(s, &cache.Options{Require: cache.CanAdd | cache.CanIncrement | cache.CanSwap | cache.CanRenew | cache.CanTouch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
