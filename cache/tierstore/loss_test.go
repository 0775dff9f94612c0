package tierstore_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// bound is how old a read may be, whatever breaks.
const bound = 3 * time.Second

// ill is a store whose connection that tells of changes goes through a proxy, and all else past it.
type ill struct {
	name  string
	proxy *redistest.Proxy
	other *redis.Client // another process
	s     *tierstore.Store
	told  <-chan error
}

// They suffer at the same time, for each would take four seconds.
func TestNoReadIsOlderThanThreeSecondsWhereTheServerIsNotHeardOfChanges(t *testing.T) {
	t.Parallel()
	var all []ill
	for name, happen := range map[string]func(ill){
		"its network swallows everything":                          func(i ill) { i.proxy.BlackHole() },
		"its network swallows what the server says":                func(i ill) { i.proxy.DropReplies() },
		"its network is slow":                                      func(i ill) { i.proxy.Delay(2500 * time.Millisecond) },
		"its network is a trickle":                                 func(i ill) { i.proxy.Trickle(50 * time.Millisecond) },
		"its network breaks in the middle of what the server says": func(i ill) { i.proxy.CutReply(9) },
		"its network refuses it":                                   func(i ill) { i.proxy.Refuse() },
		"the server closes it":                                     func(i ill) { closeTracking(t, i.other) },
	} {
		server := redistest.Start(t)
		i := ill{name: name, other: redistest.Client(t, server.URL()), proxy: redistest.StartProxy(t, server.Addr())}
		i.s, i.told = heardThrough(t, server, i.proxy)
		if err := i.s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
			t.Fatal(err)
		}
		keepNear(t, i.s, i.other, "key", "old")
		happen(i)
		if err := i.other.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	written := time.Now()
	wait.Until(t, func() bool {
		for _, i := range all {
			late := time.Since(written) > bound
			value, found, err := i.s.Get(t.Context(), "key")
			if err != nil || !found || late && string(value) != "new" {
				t.Fatalf("%s: Get = %q, %t, %v, %v after another process wrote", i.name, value, found, err, time.Since(written))
			}
		}
		return time.Since(written) > bound+time.Second
	})
	for _, i := range all {
		if err := <-i.told; err == nil {
			t.Errorf("%s: OnTracking is told nil first; want why it was lost", i.name)
		}
		i.proxy.Pass()
		wait.Until(t, func() bool { return <-i.told == nil })
		keepNear(t, i.s, i.other, "key", "new")
	}
}

// heardThrough returns a store that reads and writes over one connection and has all others through the proxy.
func heardThrough(t *testing.T, server *redistest.Server, proxy *redistest.Proxy) (*tierstore.Store, <-chan error) {
	t.Helper()
	var dialed atomic.Bool
	client := redis.NewClient(&redis.Options{
		Addr: server.Addr(), PoolSize: 1, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dialed.Swap(true) {
				addr = proxy.Addr()
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	near, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	far, err := redisstore.New(client, &redisstore.Options{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1000)
	s, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	return s, told
}

// closeTracking has the server close the connections over which it tells.
func closeTracking(t *testing.T, server *redis.Client) {
	t.Helper()
	list, err := server.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	closed := 0
	for line := range strings.Lines(list) {
		id, rest, _ := strings.Cut(strings.TrimPrefix(line, "id="), " ")
		_, flags, _ := strings.Cut(rest, "flags=")
		if flags, _, _ = strings.Cut(flags, " "); !strings.Contains(flags, "t") {
			continue
		}
		if err := server.ClientKillByFilter(t.Context(), "ID", id).Err(); err != nil {
			t.Fatal(err)
		}
		closed++
	}
	if closed == 0 {
		t.Fatalf("no connection has the flag t:\n%s", list)
	}
}
