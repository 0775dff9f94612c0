package redisstore_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// idle makes the store have at least so many connections that nobody uses, and returns how many it has.
func idle(t *testing.T, s *redisstore.Store, proxy *redistest.Proxy, least int) int {
	t.Helper()
	proxy.Delay(2 * time.Millisecond) // so that nobody is done before the others have begun
	wait.Until(t, func() bool {
		var all sync.WaitGroup
		for range 4 * least {
			all.Go(func() { _, _, _ = s.Get(t.Context(), "key") })
		}
		all.Wait()
		return int(s.PoolStats().IdleConns) >= least
	})
	proxy.Pass()
	return int(s.PoolStats().TotalConns)
}

// A write on a connection that the server has closed fails, for nobody knows whether it was done. A read is tried again.
func TestARestartOfTheServerCostsAtMostAWriteForEveryConnectionAndNoRead(t *testing.T) {
	t.Parallel()
	for _, users := range []int{1, 8, 64} {
		t.Run(fmt.Sprint("with users: ", users), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.StartProxy(t, server.Addr())
			s := open(t, proxy.URL(), &redisstore.Options{Timeout: 10 * time.Second})
			for name, operation := range map[string]func(key string) error{
				"reads":  func(key string) error { _, _, err := s.Get(t.Context(), key); return err },
				"writes": func(key string) error { _, err := s.Add(t.Context(), key, nil, time.Hour); return err },
			} {
				connections := idle(t, s, proxy, 5)
				server.Restart()
				var failed atomic.Int64
				var all sync.WaitGroup
				for user := range users {
					all.Go(func() {
						for i := range 200 {
							if err := operation(fmt.Sprint(user, " ", i)); err != nil {
								failed.Add(1)
								if !errors.Is(err, cache.ErrUnavailable) {
									t.Errorf("%v; want ErrUnavailable", err)
								}
							}
						}
					})
				}
				all.Wait()
				most := connections
				if name == "reads" {
					most = 0
				}
				if n := int(failed.Load()); n > most {
					t.Errorf("%d %s have failed after a restart, with %d connections in the pool; want %d at most", n, name, connections, most)
				}
			}
			if st := s.BreakerStats(); st.Opened != 0 {
				t.Errorf("dead connections have opened the breaker %d times", st.Opened)
			}
		})
	}
}

func TestTimeoutsLeaveNoConnectionsBehind(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server.Addr())
	s := open(t, proxy.URL(), &redisstore.Options{Timeout: timeout / 2})
	// The pool, one for pings and one for each of its pages.
	most := 10*runtime.GOMAXPROCS(0) + 2
	for _, f := range flaws() {
		wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
		f.begin(proxy)
		for range 3 {
			var all sync.WaitGroup
			for i := range 2 * most {
				all.Go(func() { _ = s.Set(t.Context(), fmt.Sprint("key", i), nil, time.Hour) })
			}
			all.Wait()
		}
		wait.Until(t, func() bool { return proxy.Connections() <= most })
		proxy.Pass()
	}
	wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
	for i := range 2 * most { // nothing is left of what failed
		if _, _, err := s.Get(t.Context(), fmt.Sprint("key", i)); err != nil {
			t.Errorf("Get after the last fault: %v", err)
		}
	}
}
