package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// flaky is a store that counts its Takes, and fails while it is down.
type flaky struct {
	*memstore.Store

	down  atomic.Bool
	takes atomic.Int64
}

var errDown = errors.New("down")

func (s *flaky) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	s.takes.Add(1)
	if s.down.Load() {
		return cache.Decision{}, errDown
	}
	return s.Store.Take(ctx, key, limits, cost)
}

func TestWhileTheStoreIsDownEachProcessCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: time.Minute}}})
		store.down.Store(true)
		if n := s.pass(10, peer); n != 3 {
			t.Errorf("%d of 10 passed, want the limit's 3", n)
		}
		if n := s.pass(10, "192.0.2.2:1"); n != 3 {
			t.Errorf("of another client %d of 10 passed, want 3", n)
		}
		<-time.After(20 * time.Second)
		if n := s.pass(10, peer); n != 1 {
			t.Errorf("after a third of the period %d passed, want 1", n)
		}
		if e := s.events[len(s.events)-1]; e.By != ratelimit.InProcess || e.Allowed || !errors.Is(e.Err, errDown) || e.Limiter != "default" {
			t.Errorf("the last decision is %+v", e)
		}
		store.down.Store(false)
		if n := s.pass(10, peer); n != 3 {
			t.Errorf("when the store is back, which has counted nothing, %d passed, want 3", n)
		}
	})
}

func TestWithFailClosedNobodyPassesWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		s := limitOver(t, store, ratelimit.Options{FailClosed: true, Exempt: []string{"/health"}})
		store.down.Store(true)
		res := s.from(peer, "/")
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("Retry-After") != "" || s.calls != 0 {
			t.Errorf("%d %v, the handler was called %d times", res.StatusCode, res.Header, s.calls)
		}
		if e := s.events[0]; e.By != ratelimit.Nobody || e.Allowed || !errors.Is(e.Err, errDown) {
			t.Errorf("the decision is %+v", e)
		}
		if res := s.from(peer, "/health"); res.StatusCode != http.StatusNoContent {
			t.Errorf("what is exempt gets %d", res.StatusCode)
		}
		store.down.Store(false)
		if res := s.from(peer, "/"); res.StatusCode != http.StatusNoContent {
			t.Errorf("when the store is back: %d", res.StatusCode)
		}
	})
}

func TestAFullStoreIsOneThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := memstore.New(&memstore.Options{MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 2, Period: time.Minute}}})
		if n := s.pass(5, peer); n != 2 {
			t.Fatalf("%d passed, want 2", n)
		}
		if n := s.pass(5, "192.0.2.2:1"); n != 2 {
			t.Errorf("of a client for whom there is no room %d passed, want 2", n)
		}
		if e := s.events[len(s.events)-1]; e.By != ratelimit.InProcess || !errors.Is(e.Err, cache.ErrUnavailable) {
			t.Errorf("the last decision is %+v", e)
		}
		if n := s.pass(5, peer); n != 0 {
			t.Errorf("of the first client %d passed again", n)
		}
	})
}

func TestWithFailClosedAFullStoreLetsNobodyNewPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := memstore.New(&memstore.Options{MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := limitOver(t, store, ratelimit.Options{FailClosed: true, Limits: []cache.Limit{{Requests: 2, Period: time.Minute}}})
		for _, step := range []struct {
			after time.Duration
			peer  string
			want  int
		}{
			{0, peer, 204},
			{0, "192.0.2.2:1", 503},
			{0, peer, 204},
			{0, peer, 429},
			{0, "192.0.2.2:1", 503},
			{time.Minute, "192.0.2.2:1", 204}, // the first has its limit whole again, so nothing is kept of it
			{0, peer, 503},
		} {
			<-time.After(step.after)
			if res := s.from(step.peer, "/"); res.StatusCode != step.want {
				t.Errorf("%v later %s gets %d, want %d", step.after, step.peer, res.StatusCode, step.want)
			}
		}
	})
}

func TestClientsWithoutABucketOfTheirOwnShareOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: time.Minute}}})
		store.down.Store(true)
		const room = 10_000
		for i := range room {
			s.from(fmt.Sprintf("10.0.%d.%d:1", i/250, i%250), "/")
		}
		passed := 0
		for i := range 100 {
			passed += s.pass(1, fmt.Sprintf("172.16.0.%d:1", i))
		}
		if passed != 3 {
			t.Errorf("of 100 clients without room %d passed, want the limit's 3 together", passed)
		}
		if n := s.pass(5, "10.0.0.0:1"); n != 2 {
			t.Errorf("of one with room %d passed, want the 2 that it had left", n)
		}
		<-time.After(time.Minute)
		if n := s.pass(5, "172.16.0.1:1"); n != 3 {
			t.Errorf("when the others are whole again %d passed, want 3", n)
		}
	})
}

// TestWhoIsOverItsLimitIsRefusedWithoutTheStore counts what a flood costs the store.
func TestWhoIsOverItsLimitIsRefusedWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: time.Hour}}})
		s.pass(1000, peer)
		if n := store.takes.Load(); n != 2 {
			t.Errorf("the store was asked %d times, want twice: for the one that passed and the first that did not", n)
		}
		if e := s.events[len(s.events)-1]; e.By != ratelimit.Memory || e.Allowed || e.Err != nil {
			t.Errorf("the last decision is %+v", e)
		}
		<-time.After(4 * time.Second)
		if res := s.from(peer, "/"); res.Header.Get("Retry-After") != "3596" || res.Header.Get("Ratelimit") != `"default";r=0;t=3596` {
			t.Errorf("four seconds later: Retry-After %q, RateLimit %q", res.Header.Get("Retry-After"), res.Header.Get("Ratelimit"))
		}
		<-time.After(6*time.Second - 1)
		s.pass(100, peer)
		if n := store.takes.Load(); n != 2 {
			t.Errorf("within ten seconds the store was asked %d times in all, want 2", n)
		}
		<-time.After(1)
		s.pass(100, peer)
		if n := store.takes.Load(); n != 3 {
			t.Errorf("after ten seconds the store was asked %d times in all, want 3", n)
		}
		if n := s.pass(1, "192.0.2.2:1"); n != 1 {
			t.Error("another client is refused")
		}
	})
}

func TestALesserCostThanTheOneRefusedIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{
			Limits: []cache.Limit{{Requests: 3, Period: time.Hour}},
			Cost:   func(r *http.Request) int64 { return int64(len(r.URL.Path)) },
		})
		for _, step := range []struct {
			path string
			want int
		}{{"/a", 204}, {"/a", 429}, {"/", 204}, {"/", 429}, {"/a", 429}} {
			if res := s.from(peer, step.path); res.StatusCode != step.want {
				t.Errorf("%s: %d, want %d", step.path, res.StatusCode, step.want)
			}
		}
	})
}

// TestAClientThatGoesIsCounted is about requests that are cancelled as soon as they are sent.
func TestAClientThatGoesIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: time.Hour}}})
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.RemoteAddr = peer
			s.handler.ServeHTTP(&discard{http.Header{}}, r)
		}
		if s.calls != 3 {
			t.Errorf("of 10 requests %d reached the handler, want 3", s.calls)
		}
		for _, e := range s.events {
			if e.Err != nil {
				t.Errorf("a decision failed: %v", e.Err)
			}
		}
	})
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
