package ratelimit_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// service is a handler behind a limiter.
type service struct {
	t       testing.TB
	handler http.Handler

	mu     sync.Mutex
	calls  int // of the handler
	events []ratelimit.Event
}

// limit puts a handler behind a limiter over memory.
func limit(t testing.TB, o ratelimit.Options) *service {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return limitOver(t, store, o)
}

func limitOver(t testing.TB, store cache.Store, o ratelimit.Options) *service {
	t.Helper()
	c, err := cache.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s := &service{t: t}
	o.OnDecision = func(e ratelimit.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}
	l, err := ratelimit.New(c, &o)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		w.WriteHeader(http.StatusNoContent)
	}))
	return s
}

// from sends a GET from a peer; fields are names and values in turn.
func (s *service) from(peer, path string, fields ...string) *http.Response {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, http.NoBody)
	r.RemoteAddr = peer
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

// pass reports how many of n requests are let through.
func (s *service) pass(n int, peer string, fields ...string) int {
	s.t.Helper()
	passed := 0
	for range n {
		if s.from(peer, "/", fields...).StatusCode == http.StatusNoContent {
			passed++
		}
	}
	return passed
}

func memory(t testing.TB) *memstore.Store {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
