package ratelimit_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// TestExactlyTheLimitPassesOnEveryStore has a crowd ask at once, of which every other client has gone before it is answered.
func TestExactlyTheLimitPassesOnEveryStore(t *testing.T) {
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			s := limitOver(t, store(t), ratelimit.Options{Limits: []cache.Limit{{Requests: 10, Period: 24 * time.Hour}}})
			var passed, refused atomic.Int64
			var crowd sync.WaitGroup
			for i := range 8 {
				crowd.Go(func() {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if i%2 == 0 {
						cancel()
					}
					for range 10 {
						r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
						w := httptest.NewRecorder()
						s.handler.ServeHTTP(w, r)
						switch w.Code {
						case http.StatusNoContent:
							passed.Add(1)
						case http.StatusTooManyRequests:
							refused.Add(1)
						}
					}
				})
			}
			crowd.Wait()
			if passed.Load() != 10 || refused.Load() != 70 {
				t.Errorf("of 80 requests %d passed and %d were refused, want 10 and 70", passed.Load(), refused.Load())
			}
			if got := retry(t, s.from(peer, "/")); got > 8640 || got < 8000 {
				t.Errorf("Retry-After is %d, want a tenth of a day, 8640", got)
			}
			for _, e := range s.events {
				if e.Err != nil {
					t.Fatal(e.Err)
				}
			}
		})
	}
}

// TestNobodyPassesTooEarlyOnAnyStore asks until four have passed, of which three have to come back.
func TestNobodyPassesTooEarlyOnAnyStore(t *testing.T) {
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			const period = 100 * time.Millisecond
			s := limitOver(t, store(t), ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: period}}})
			passed, began := 0, time.Now()
			wait.Until(t, func() bool {
				res := s.from(peer, "/")
				if res.StatusCode == http.StatusNoContent {
					passed++
				} else if got := res.Header.Get("Retry-After"); got != "1" {
					t.Errorf("Retry-After is %q, want 1", got)
				}
				return passed == 4
			})
			if took := time.Since(began); took < 3*period {
				t.Errorf("4 passed in %v, want no less than %v", took, 3*period)
			}
		})
	}
}

// takeAll leaves the limits with the names given in a state in which they are, where the clock was set back: beyond their periods.
func takeAll(t *testing.T, s cache.Store, key string, names ...string) {
	t.Helper()
	var limits []cache.Limit
	for _, name := range names {
		limits = append(limits, cache.Limit{Name: name, Requests: 1, Period: 400 * 24 * time.Hour})
	}
	if d, err := s.(cache.Limiter).Take(t.Context(), key, limits, 1); err != nil || !d.Allowed {
		t.Fatalf("Take = %+v, %v", d, err)
	}
}

// TestAClockThatWasSetBackCostsAClientItsLimitAndNoMore has the store hold a time that is far away.
func TestAClockThatWasSetBackCostsAClientItsLimitAndNoMore(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 5, Period: 24 * time.Hour}}})
			takeAll(t, store, "default 192.0.2.1", "default")
			if got := retry(t, s.from(peer, "/")); got > 17_280 || got < 16_000 {
				t.Errorf("Retry-After is %d, want a fifth of a day, 17280", got)
			}
			if e := s.events[0]; e.By != ratelimit.Store || e.Err != nil {
				t.Errorf("the decision is %+v", e)
			}
		})
	}
}

// TestNoKeyIsWithoutALifetime after all that limiters do.
func TestNoKeyIsWithoutALifetime(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (string, []*redistest.Server){
		"one server": func(t *testing.T) (string, []*redistest.Server) {
			s := redistest.Start(t)
			return s.URL(), []*redistest.Server{s}
		},
		"a cluster": func(t *testing.T) (string, []*redistest.Server) {
			c := redistest.StartCluster(t, 3)
			return c.URL(), c.Nodes()
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, nodes := start(t)
			store := redisAt(t, url, patience)
			const day = 24 * time.Hour
			now := []cache.Limit{{Requests: 10, Period: time.Hour}}
			s := limitOver(t, store, priced(ratelimit.Options{
				TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
				Client:         func(r *http.Request) string { return r.Header.Get("User") },
				LimitsFor:      func(*http.Request) []cache.Limit { return now },
				Logger:         slog.New(slog.DiscardHandler),
			}))
			takeAll(t, store, "default 192.0.2.7", "default", "other")
			for _, limits := range [][]cache.Limit{
				{{Requests: 10, Period: time.Hour}},
				{{Requests: 10, Period: time.Hour}, {Name: "daily", Requests: 1000, Period: day}},
				{{Requests: 3, Period: time.Minute}},
				{{Requests: 1_000_000, Period: time.Second}},
				{{Name: "daily", Requests: 999, Period: 400 * day}},
				{{Name: "wrong"}},
			} {
				now = limits
				for _, cost := range []string{"/?1", "/?0", "/?3", "/?-1", "/?100000000", "/?1"} {
					s.from(peer, cost)
					s.from("192.0.2.7:1", cost)
					s.from("[2001:db8::1]:1", cost)
					s.from("@", cost)
					s.from(peer, cost, "User", "alice")
					s.from("10.0.0.1:1", cost, "X-Forwarded-For", "198.51.100.1")
				}
			}
			for _, e := range s.events {
				if e.Err != nil {
					t.Fatal(e.Err)
				}
			}
			var keys []string
			for _, node := range nodes {
				client := redistest.Client(t, node.URL())
				scan := client.Scan(t.Context(), 0, "*", 100).Iterator()
				for scan.Next(t.Context()) {
					keys = append(keys, scan.Val())
					// -2 is that of a key that has gone meanwhile, -1 of one that never goes.
					if ttl, err := client.PTTL(t.Context(), scan.Val()).Result(); err != nil || ttl == -1 || ttl > 400*day {
						t.Errorf("%q has the lifetime %v, %v", scan.Val(), ttl, err)
					}
				}
				if err := scan.Err(); err != nil {
					t.Fatal(err)
				}
			}
			if len(keys) != 6 {
				t.Errorf("the keys are %q, want one of each client", keys)
			}
			for _, key := range keys {
				if strings.Contains(key, "alice") {
					t.Errorf("the key %q names a user", key)
				}
			}
		})
	}
}
