package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/memstore"
)

// service is a handler behind the cache.
type service struct {
	t       testing.TB
	cache   *httpcache.Cache
	store   *cache.Cache
	handler http.Handler
	calls   atomic.Int64 // of the handler
}

// serve puts handler behind a cache over memory.
func serve(t testing.TB, o *httpcache.Options, handler http.HandlerFunc) *service {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return serveOver(t, store, o, handler)
}

func serveOver(t testing.TB, store cache.Store, o *httpcache.Options, handler http.HandlerFunc) *service {
	t.Helper()
	c, err := cache.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return serveFrom(t, c, o, handler)
}

// serveNothing puts handler behind a cache that has nowhere to store.
func serveNothing(t testing.TB, o *httpcache.Options, handler http.HandlerFunc) *service {
	t.Helper()
	return serveFrom(t, nil, o, handler)
}

func serveFrom(t testing.TB, c *cache.Cache, o *httpcache.Options, handler http.HandlerFunc) *service {
	t.Helper()
	h, err := httpcache.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.Close()
		_ = c.Close()
	})
	s := &service{t: t, cache: h, store: c}
	s.handler = h.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		handler(w, r)
	}))
	return s
}

// answer is a response as a client has it.
type answer struct {
	*http.Response

	body string
}

// status is what the cache said of itself.
func (a answer) status() string { return strings.Join(a.Header.Values("Cache-Status"), ", ") }

func (a answer) isHit() bool { return strings.Contains(a.status(), "; hit") }

// request makes a request; fields are names and values in turn.
func request(method, url string, fields ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, url, http.NoBody)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

func (s *service) do(method, url string, fields ...string) answer {
	s.t.Helper()
	return s.send(request(method, url, fields...))
}

func (s *service) get(url string, fields ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, url, fields...)
}

// send serves r. What the cache does in the background is awaited by the caller: in a bubble by settle, in real time by the flight that the next
// request for the same URL finds.
func (s *service) send(r *http.Request) answer {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(body)}
}

// settle waits, in a bubble, until the cache has stored what it has.
func settle() { synctest.Wait() }

// saying answers with a body and fields, names and values in turn.
func saying(body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}
