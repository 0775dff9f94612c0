package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// What a server says is an answer, whatever it says, and a caller who does not wait proves nothing: no breaker opens for that, and for answers nobody is pinged either.
func TestNoBreakerOpensFor(t *testing.T) {
	t.Parallel()
	const long = 600 * time.Millisecond // three times what it takes to open one
	for _, tc := range []struct {
		name    string
		args    []string
		url     string
		begin   func(*redistest.Proxy)
		timeout time.Duration
		run     func(ctx context.Context, s *redisstore.Store) error
		want    error // nil: there is none
		said    string
		pings   bool
	}{
		{name: "misses", run: get},
		{name: "entries of another type", run: func(ctx context.Context, s *redisstore.Store) error {
			_, _, err := s.Get(ctx, "list")
			return err
		}, want: cache.ErrUnavailable, said: "WRONGTYPE"},
		{name: "a user without the permission", url: "redis://poor:pw@", args: []string{"--user", "poor", "on", ">pw", "~*", "-@all", "+select"}, run: get, want: redisstore.ErrPermission},
		{name: "a wrong password", url: "redis://:wrong@", args: []string{"--requirepass", "right"}, run: get, want: redisstore.ErrAuth},
		{name: "a full server", args: []string{"--maxmemory", "1"}, run: func(ctx context.Context, s *redisstore.Store) error {
			return s.Set(ctx, "key", []byte("value"), time.Hour)
		}, want: redisstore.ErrMemory},
		{name: "contexts that were cancelled before", run: func(ctx context.Context, s *redisstore.Store) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return get(ctx, s)
		}, want: context.Canceled},
		{name: "contexts that are cancelled meanwhile", begin: func(p *redistest.Proxy) { p.Delay(20 * time.Millisecond) }, run: func(ctx context.Context, s *redisstore.Store) error {
			ctx, cancel := context.WithCancel(ctx)
			defer time.AfterFunc(5*time.Millisecond, cancel).Stop()
			return get(ctx, s)
		}},
		{name: "callers who wait for a millisecond", begin: func(p *redistest.Proxy) { p.Delay(20 * time.Millisecond) }, run: func(ctx context.Context, s *redisstore.Store) error {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			if err := get(ctx, s); err != nil {
				return err
			}
			<-ctx.Done() // on a machine that is busy the answer may be there before the millisecond is seen to be over
			return ctx.Err()
		}, want: context.DeadlineExceeded, pings: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, tc.args...)
			if tc.said == "WRONGTYPE" {
				if err := redistest.Client(t, server.URL()).LPush(t.Context(), "cache:list", "value").Err(); err != nil {
					t.Fatal(err)
				}
			}
			proxy := redistest.StartProxy(t, server.Addr())
			url := proxy.URL()
			if tc.url != "" {
				url = tc.url + proxy.Addr()
			}
			s := open(t, url, &redisstore.Options{Timeout: 10 * time.Second})
			if err := s.Ping(t.Context()); err != nil && tc.want == nil {
				t.Fatal(err)
			}
			if tc.begin != nil {
				tc.begin(proxy)
			}
			for began := time.Now(); time.Since(began) < long; {
				err := tc.run(t.Context(), s)
				if !errors.Is(err, tc.want) || err != nil && !strings.Contains(err.Error(), tc.said) {
					t.Fatalf("%v; want %v, %s", err, tc.want, tc.said)
				}
			}
			if st := s.BreakerStats(); st != (redisstore.BreakerStats{}) {
				t.Errorf("BreakerStats = %+v; want nothing", st)
			}
			// One connection serves one caller, where the server lets it in.
			if n := proxy.Accepted(); n > 1 && !tc.pings && !errors.Is(tc.want, redisstore.ErrAuth) {
				t.Errorf("%d connections were made; want one, and no pings", n)
			}
		})
	}
}

func get(ctx context.Context, s *redisstore.Store) error {
	_, _, err := s.Get(ctx, "key")
	return err
}

func TestNoBreakerOpensForAServerThatIsLoading(t *testing.T) {
	t.Parallel()
	addr := answering(t, func(c net.Conn) {
		for buffer := make([]byte, 1<<10); ; {
			if _, err := c.Read(buffer); err != nil {
				return
			}
			if _, err := c.Write([]byte("-LOADING Redis is loading the dataset in memory\r\n")); err != nil {
				return
			}
		}
	})
	s := open(t, "redis://"+addr, &redisstore.Options{Timeout: timeout})
	for began := time.Now(); time.Since(began) < 600*time.Millisecond; {
		if err := get(t.Context(), s); !errors.Is(err, cache.ErrUnavailable) || strings.Contains(err.Error(), "breaker") {
			t.Fatalf("Get: %v; want what the server says", err)
		}
	}
	if st := s.BreakerStats(); st.Opened != 0 {
		t.Errorf("BreakerStats = %+v; want it never opened", st)
	}
}

// Each Get and Set below meets an open breaker: it should cost microseconds.
func BenchmarkOpenBreaker(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	_ = l.Close() // nobody is there
	s, err := redisstore.Open(b.Context(), "redis://"+l.Addr().String(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	wait.Until(b, func() bool { return get(b.Context(), s) != nil && s.BreakerStats().Open == 1 })
	for name, run := range map[string]func(n int) error{
		"Get": func(int) error { return get(b.Context(), s) },
		"Set": func(n int) error { return s.Set(b.Context(), fmt.Sprint("key", n%1000), []byte("value"), time.Hour) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := run(n); !errors.Is(err, cache.ErrUnavailable) {
					b.Fatal(err)
				}
			}
		})
	}
	if st := s.BreakerStats(); st.Open != 1 || st.Opened != 1 {
		b.Errorf("BreakerStats = %+v; want it open all the time", st)
	}
}
