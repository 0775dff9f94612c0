package redisstore_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// phases are where an operation may be held up, each on a client that allows itself seconds: only the operation's own deadline ends it.
func phases() map[string]func(t *testing.T) (s *redisstore.Store, value []byte) {
	over := func(t *testing.T, o *redis.Options) (*redisstore.Store, *redis.Client) {
		t.Helper()
		o.ContextTimeoutEnabled = true
		o.ReadTimeout, o.WriteTimeout, o.DialTimeout, o.PoolTimeout = time.Minute, time.Minute, time.Minute, time.Minute
		client := redis.NewClient(o)
		t.Cleanup(func() { _ = client.Close() })
		s, err := redisstore.New(client, &redisstore.Options{Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s, client
	}
	warm := func(t *testing.T, client *redis.Client) {
		t.Helper()
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]func(t *testing.T) (*redisstore.Store, []byte){
		"waiting for a connection": func(t *testing.T) (*redisstore.Store, []byte) {
			server := redistest.Start(t)
			s, client := over(t, &redis.Options{Addr: server.Addr(), PoolSize: 1})
			conn := client.Conn()
			t.Cleanup(func() { _ = conn.Close() })
			if err := conn.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			return s, nil
		},
		"connecting, or finding the address": func(t *testing.T) (*redisstore.Store, []byte) {
			connect := make(chan struct{})
			t.Cleanup(func() { close(connect) })
			s, _ := over(t, &redis.Options{DialerRetries: 1, Dialer: func(context.Context, string, string) (net.Conn, error) {
				<-connect
				return nil, errors.New("no connection")
			}})
			return s, nil
		},
		"greeting": func(t *testing.T) (*redisstore.Store, []byte) {
			l, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and nobody is there
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			s, _ := over(t, &redis.Options{Addr: l.Addr().String()})
			return s, nil
		},
		"writing": func(t *testing.T) (*redisstore.Store, []byte) {
			server := redistest.Start(t)
			s, client := over(t, &redis.Options{Addr: server.Addr()})
			warm(t, client)
			server.Freeze()
			return s, make([]byte, 32<<20) // more than the sockets hold
		},
		"reading": func(t *testing.T) (*redisstore.Store, []byte) {
			server := redistest.Start(t)
			s, client := over(t, &redis.Options{Addr: server.Addr()})
			warm(t, client)
			server.Freeze()
			return s, nil
		},
	}
}

func TestAnOperationEndsInWhateverItIsHeldUp(t *testing.T) {
	t.Parallel()
	for name, start := range phases() {
		t.Run(name, func(t *testing.T) {
			for _, tc := range []struct {
				name  string
				ctx   func() (context.Context, context.CancelFunc)
				least time.Duration
				want  error
			}{
				{
					"with its timeout where the context has no deadline", func() (context.Context, context.CancelFunc) {
						return context.WithCancel(t.Context())
					}, timeout, cache.ErrUnavailable,
				},
				{
					"with its timeout where the context's deadline is later", func() (context.Context, context.CancelFunc) {
						return context.WithTimeout(t.Context(), time.Hour)
					}, timeout, cache.ErrUnavailable,
				},
				{
					"with the context's deadline where that is earlier", func() (context.Context, context.CancelFunc) {
						return context.WithTimeout(t.Context(), timeout/2)
					}, timeout / 2, context.DeadlineExceeded,
				},
				{
					"with its timeout where the context is cancelled meanwhile", func() (context.Context, context.CancelFunc) {
						ctx, cancel := context.WithCancel(t.Context())
						time.AfterFunc(timeout/4, cancel)
						return ctx, cancel
					}, timeout / 4, context.Canceled,
				},
			} {
				t.Run(tc.name, func(t *testing.T) {
					s, value := start(t)
					began := time.Now()
					ctx, cancel := tc.ctx()
					defer cancel()
					err := s.Set(ctx, "key", value, time.Hour)
					if !errors.Is(err, tc.want) {
						t.Errorf("Set: %v; want %v", err, tc.want)
					}
					if d := time.Since(began); d < tc.least || d > 20*timeout {
						t.Errorf("Set took %v; want at least %v, and not much more than %v", d, tc.least, timeout)
					}
				})
			}
		})
	}
}
