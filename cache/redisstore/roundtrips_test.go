package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// trips counts what a client sends: commands, and pipelines as one each.
type trips struct{ n atomic.Int64 }

func (*trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}

func counted(t *testing.T, url string) (*redisstore.Store, *trips) {
	t.Helper()
	client, counter := redistest.Client(t, url), &trips{}
	ping := func(p redis.Pipeliner) error { return p.Ping(t.Context()).Err() }
	if _, err := client.Pipelined(t.Context(), ping); err != nil || client.Ping(t.Context()).Err() != nil { // what a new connection says is not counted
		t.Fatal("the server does not answer", err)
	}
	client.AddHook(counter)
	s, err := redisstore.New(client, &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, counter
}

func TestEveryWriteIsOneRoundTripOnceItsScriptIsKnown(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s, counter := counted(t, server.URL())
	prepare(t, other, s, true)
	for _, w := range writes() {
		before := counter.n.Load()
		if err := w.run(t.Context(), s); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		if n := counter.n.Load() - before; n != 1 {
			t.Errorf("%s has made %d round trips; want 1", w.name, n)
		}
		w.check(t, other)
		other.ConfigResetStat(t.Context())
	}
}

func TestAServerThatDoesNotKnowAScriptIsSentItOnce(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s, counter := counted(t, server.URL())
	for _, w := range writes() {
		if w.command != "evalsha" {
			continue
		}
		prepare(t, other, s, true)
		other.ScriptFlush(t.Context())
		other.ConfigResetStat(t.Context())
		before := counter.n.Load()
		if err := w.run(t.Context(), s); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		if n := counter.n.Load() - before; n != 2 {
			t.Errorf("%s has made %d round trips; want 2", w.name, n)
		}
		if n := calls(t, other, "eval"); n != 1 {
			t.Errorf("%s: the server was sent the script %d times; want once", w.name, n)
		}
	}
}

func TestABatchIsAsFewRoundTripsAsItsSizeAllows(t *testing.T) {
	server := redistest.Start(t)
	s, counter := counted(t, server.URL())
	keys := func(n int) []string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprint("key", i)
		}
		return keys
	}
	items := func(n, size int) map[string][]byte {
		items := map[string][]byte{}
		for _, key := range keys(n) {
			items[key] = make([]byte, size)
		}
		return items
	}
	for _, tc := range []struct {
		name string
		run  func() error
		want int64
	}{
		{"GetMany of none", func() error { _, err := s.GetMany(t.Context(), nil); return err }, 0},
		{"GetMany of 500 keys", func() error { _, err := s.GetMany(t.Context(), keys(500)); return err }, 1},
		{"GetMany of 1000 keys", func() error { _, err := s.GetMany(t.Context(), keys(1000)); return err }, 1},
		{"GetMany of 1001 keys", func() error { _, err := s.GetMany(t.Context(), keys(1001)); return err }, 2},
		{"SetMany of none", func() error { return s.SetMany(t.Context(), nil, time.Hour) }, 0},
		{"SetMany of 1000 keys", func() error { return s.SetMany(t.Context(), items(1000, 10), time.Hour) }, 1},
		{"SetMany of 1001 keys", func() error { return s.SetMany(t.Context(), items(1001, 10), time.Hour) }, 2},
		{"SetMany of a megabyte", func() error { return s.SetMany(t.Context(), items(4, 256<<10), time.Hour) }, 1},
		{"SetMany of more than a megabyte", func() error { return s.SetMany(t.Context(), items(5, 256<<10), time.Hour) }, 2},
		{"SetMany of values of more than a megabyte each", func() error { return s.SetMany(t.Context(), items(3, 1<<20+1), time.Hour) }, 3},
		{"DeleteMany of none", func() error { return s.DeleteMany(t.Context(), nil) }, 0},
		{"DeleteMany of 1000 keys", func() error { return s.DeleteMany(t.Context(), keys(1000)) }, 1},
		{"DeleteMany of 1001 keys", func() error { return s.DeleteMany(t.Context(), keys(1001)) }, 2},
		{"DeleteExpired", func() error { _, err := s.DeleteExpired(t.Context()); return err }, 0},
		{"Stats", func() error { _, err := s.Stats(t.Context()); return err }, 0},
	} {
		before := counter.n.Load()
		if err := tc.run(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := counter.n.Load() - before; n != tc.want {
			t.Errorf("%s has made %d round trips; want %d", tc.name, n, tc.want)
		}
	}
}
