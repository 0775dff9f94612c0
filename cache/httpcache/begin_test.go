package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// ended is what became of a request: an answer, and the handler's panic if it came out of the cache.
type ended struct {
	answer

	panicked any
}

// begin serves r in a goroutine.
func (s *service) begin(r *http.Request) <-chan ended {
	c := make(chan ended, 1)
	go func() {
		w := httptest.NewRecorder()
		e := ended{}
		defer func() {
			e.panicked = recover()
			res := w.Result()
			body, _ := io.ReadAll(res.Body) // of memory
			e.answer = answer{res, string(body)}
			c <- e
		}()
		s.handler.ServeHTTP(w, r)
	}()
	return c
}

// beginMany begins the same request n times, and in a bubble returns when each waits or has ended.
func (s *service) beginMany(n int, url string, fields ...string) []<-chan ended {
	var all []<-chan ended
	for range n {
		all = append(all, s.begin(request(http.MethodGet, url, fields...)))
	}
	settle()
	return all
}

// hasEnded tells, in a bubble, whether a request has ended though nothing else happens.
func hasEnded(c <-chan ended) bool {
	settle()
	return len(c) > 0
}

// leaving is a request whose client can leave.
func leaving(method, url string, fields ...string) (r *http.Request, leave func()) {
	r = request(method, url, fields...)
	ctx, cancel := context.WithCancel(r.Context())
	return r.WithContext(ctx), cancel
}

// wantCalls fails t unless the handler was called so often.
func (s *service) wantCalls(t *testing.T, want int64) {
	t.Helper()
	if got := s.calls.Load(); got != want {
		t.Errorf("the handler was called %d times, want %d", got, want)
	}
}

// wantStatus fails t unless the cache says that of itself.
func (a answer) wantStatus(t *testing.T, want string) {
	t.Helper()
	if got := a.status(); got != want {
		t.Errorf("Cache-Status is %q, want %q", got, want)
	}
}
