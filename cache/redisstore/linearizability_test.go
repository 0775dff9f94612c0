package redisstore_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/lineartest"
	"github.com/larder-go/larder/internal/redistest"
)

func TestStoresOnOneServerAreLinearizable(t *testing.T) {
	lineartest.Check(t, lineartest.Config{Processes: processes(t, 2, redistest.Start(t).URL(), patience)})
}

// Of several processes each makes up for its own failures, and knows nothing of the others'.
func TestStoresAreLinearizableThough(t *testing.T) {
	for name, number := range map[string]int{"one process": 1, "two processes": 2} {
		t.Run("their server freezes under "+name, func(t *testing.T) {
			server := redistest.Start(t)
			lineartest.Check(t, lineartest.Config{
				Processes: processes(t, number, server.URL(), timeout),
				Histories: 6, // each costs two timeouts
				Break: func() func() {
					server.Freeze()
					return server.Thaw
				},
			})
		})
		t.Run("the server closes the connections of "+name, func(t *testing.T) {
			server := redistest.Start(t)
			admin := redistest.Client(t, server.URL())
			lineartest.Check(t, lineartest.Config{
				Processes: processes(t, number, server.URL(), patience),
				Histories: 40,
				Break: func() func() {
					if err := admin.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
						t.Errorf("close the connections: %v", err)
					}
					return func() {}
				},
			})
		})
		t.Run("answers are lost on the way to "+name, func(t *testing.T) {
			line := redistest.StartProxy(t, redistest.Start(t).Addr())
			cut := func() { line.CutReply(0) }
			lineartest.Check(t, lineartest.Config{
				Processes: processes(t, number, line.URL(), patience),
				Histories: 40,
				Break: func() func() {
					cut()
					return cut
				},
			})
		})
	}
}

// processes returns caches as so many processes have them that share a server.
func processes(t *testing.T, number int, url string, timeout time.Duration) []*cache.Cache {
	t.Helper()
	var all []*cache.Cache
	for range number {
		c, err := cache.New(open(t, url, &redisstore.Options{Timeout: timeout}),
			&cache.Options{Require: cache.CanAdd | cache.CanIncrement | cache.CanSwap | cache.CanRenew | cache.CanTouch})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		all = append(all, c)
	}
	return all
}
