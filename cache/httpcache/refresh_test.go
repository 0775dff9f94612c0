package httpcache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// refreshed serves numbered pages, fresh for 10 seconds and stale for 60, of which each but the first goes through handle.
func refreshed(t *testing.T, o *httpcache.Options, handle func(n int64, w http.ResponseWriter, r *http.Request)) *service {
	t.Helper()
	var s *service
	s = serve(t, o, func(w http.ResponseWriter, r *http.Request) {
		n := s.calls.Load()
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
		if n > 1 {
			handle(n, w, r)
			return
		}
		_, _ = io.WriteString(w, fmt.Sprint("page ", n))
	})
	s.get("/x")
	<-time.After(15 * time.Second)
	return s
}

func numbered(n int64, w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, fmt.Sprint("page ", n))
}

func TestAStaleResponseIsServedWhileItIsRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			<-gate
			numbered(n, w, r)
		})
		for i := range 20 {
			a := s.get("/x")
			if a.body != "page 1" || a.status() != "larder; hit; ttl=-5" || a.Header.Get("Age") != "15" {
				t.Errorf("request %d has %q, Age %s, Cache-Status: %s", i, a.body, a.Header.Get("Age"), a.status())
			}
		}
		settle()
		s.wantCalls(t, 2)
		close(gate)
		settle()
		if a := s.get("/x"); a.body != "page 2" || a.status() != "larder; hit; ttl=10" {
			t.Errorf("after the refresh: %q, %s", a.body, a.status())
		}
		s.wantCalls(t, 2)
	})
}

func TestConcurrentRequestsForAStaleResponseRefreshItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			<-gate
			numbered(n, w, r)
		})
		for _, c := range s.beginMany(50, "/x") {
			if a := <-c; a.body != "page 1" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		s.wantCalls(t, 2)
		close(gate)
		settle()
	})
}

func TestARefreshAsksForTheWholeResponse(t *testing.T) {
	type asked struct {
		method, url, host string
		header            http.Header
		length            int64
	}
	tests := map[string]*http.Request{
		"a GET":      request(http.MethodGet, "/x", "X-Own", "1"),
		"a HEAD":     request(http.MethodHead, "/x", "X-Own", "1"),
		"conditions": request(http.MethodGet, "/x", "X-Own", "1", "If-None-Match", `"1"`, "If-Modified-Since", longAgo),
		"a range":    request(http.MethodGet, "/x", "X-Own", "1", "Range", "bytes=0-1", "If-Range", `"1"`),
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got asked
				s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
					got = asked{r.Method, r.URL.String(), r.Host, r.Header.Clone(), r.ContentLength}
					if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Errorf("the body has %d bytes, %v", n, err)
					}
					numbered(n, w, r)
				})
				s.send(r)
				settle()
				want := asked{http.MethodGet, "/x", "example.com", http.Header{"X-Own": {"1"}}, 0}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("the handler was asked for %v, want %v", got, want)
				}
			})
		})
	}
}

func TestARefreshIsStoredWhateverItsClientSaysOfItsOwn(t *testing.T) {
	for _, asks := range []string{"no-store", "only-if-cached"} {
		t.Run(asks, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := refreshed(t, nil, numbered)
				if a := s.get("/x", "Cache-Control", asks); a.body != "page 1" {
					t.Errorf("%q, %s", a.body, a.status())
				}
				settle()
				if a := s.get("/x"); a.body != "page 2" || !a.isHit() {
					t.Errorf("%q, %s", a.body, a.status())
				}
			})
		})
	}
}

// recycled is a writer that may not be used once its request has ended.
type recycled struct {
	http.ResponseWriter

	t     *testing.T
	ended bool
}

func (w *recycled) check() {
	if w.ended {
		w.t.Error("the writer of a request that has ended is used")
	}
}

func (w *recycled) Header() http.Header         { w.check(); return w.ResponseWriter.Header() }
func (w *recycled) WriteHeader(status int)      { w.check(); w.ResponseWriter.WriteHeader(status) }
func (w *recycled) Write(p []byte) (int, error) { w.check(); return w.ResponseWriter.Write(p) }

type valueKey struct{}

func TestARefreshTouchesNothingOfTheRequestThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			<-gate
			switch {
			case r.URL.String() != "/x" || r.Host != "example.com" || r.Header.Get("X-Own") != "own" || len(r.Header) != 1 || r.RequestURI != "/x":
				t.Errorf("the handler is asked for %s %s %s %v", r.Host, r.RequestURI, r.URL, r.Header)
			case r.Context().Err() != nil:
				t.Errorf("its context is done: %v", r.Context().Err())
			case r.Context().Value(valueKey{}) != "value":
				t.Errorf("its context has the value %v", r.Context().Value(valueKey{}))
			case r.PathValue("id") != "7":
				t.Errorf("the path's value is %q", r.PathValue("id"))
			}
			numbered(n, w, r)
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), valueKey{}, "value"))
		r := request(http.MethodGet, "/x", "X-Own", "own").WithContext(ctx)
		r.SetPathValue("id", "7")
		w := &recycled{ResponseWriter: httptest.NewRecorder(), t: t}
		s.handler.ServeHTTP(w, r)
		w.ended = true
		cancel()
		r.Header.Set("X-Own", "another's")
		r.Header.Set("Cookie", "another's")
		r.URL.Path, r.URL.RawQuery, r.Host, r.RequestURI = "/another's", "q", "another.example", "/another's"
		r.SetPathValue("id", "8")
		settle()
		s.wantCalls(t, 2)
		close(gate)
		settle()
	})
}

func TestARefreshCanFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("a flush where nobody is: %v", err)
			}
			numbered(n, w, r)
		})
		s.get("/x")
		settle()
		s.wantCalls(t, 2)
	})
}
