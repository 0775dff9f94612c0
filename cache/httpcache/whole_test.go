package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

func TestAResponseThatIsNotOfOnePieceIsNotStored(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle func(w http.ResponseWriter)
	}{
		{"one that is flushed before its body", func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "hello")
		}},
		{"one that is flushed after its body", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "hello")
			_ = http.NewResponseController(w).Flush()
		}},
		{"one that is flushed in the old way", func(w http.ResponseWriter) {
			f, _ := w.(http.Flusher)
			f.Flush()
		}},
		{"one that is flushed after so much that it was being recorded", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, strings.Repeat("x", 5000))
			_ = http.NewResponseController(w).Flush()
		}},
		{"one with a trailer that comes after its header", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, strings.Repeat("x", 5000))
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}},
		{"one that grows beyond the limit", func(w http.ResponseWriter) {
			for range 5 {
				_, _ = io.WriteString(w, strings.Repeat("x", 2500))
			}
		}},
		{"one that grows beyond the limit, copied", func(w http.ResponseWriter) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 12500))})
		}},
		{"one that is shorter than it said", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "6")
			_, _ = io.WriteString(w, "hello")
		}},
		{"one that is longer than it said", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "4")
			_, _ = io.WriteString(w, "hello")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{MaxBodyBytes: 10_000}, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					c.handle(w)
				})
				first, second := s.twice()
				if second.isHit() || s.calls.Load() != 2 {
					t.Errorf("the second is %s, after %d calls", second.status(), s.calls.Load())
				}
				if first.body != second.body {
					t.Errorf("the bodies have %d and %d bytes", len(first.body), len(second.body))
				}
			})
		})
	}
}

func TestABodyIsStoredUpToItsLimit(t *testing.T) {
	for _, c := range []struct {
		name          string
		limit, length int
		stored        bool
	}{
		{"at the limit", 5000, 5000, true},
		{"a byte above it", 5000, 5001, false},
		{"at a limit below what is held back of a body", 10, 10, true},
		{"a byte above that", 10, 11, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := strings.Repeat("x", c.length)
				s := serve(t, &httpcache.Options{MaxBodyBytes: int64(c.limit)}, saying(body, "Cache-Control", "max-age=60"))
				first, second := s.twice()
				if second.isHit() != c.stored || first.body != body || second.body != body {
					t.Errorf("%s, with %d and %d bytes", second.status(), len(first.body), len(second.body))
				}
			})
		})
	}
}

// What sets a cookie is not stored also where it is not the handler that sets it.
func TestAResponseWithTheCookieOfAnOuterMiddlewareIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		inner := s.handler
		s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Set-Cookie", "id=1")
			inner.ServeHTTP(w, r)
		})
		first, second := s.twice()
		if got, want := first.status(), "larder; fwd=uri-miss; detail=set-cookie"; got != want || second.isHit() {
			t.Errorf("Cache-Status is %q, want %q; then %q", got, want, second.status())
		}
	})
}

func TestAFilterOnlyNarrows(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter bool
		status int
		fields []string
		stored bool
	}{
		{"what it lets pass is stored, errors too", true, 503, []string{"Cache-Control", "max-age=60"}, true},
		{"what it lets pass is stored for the rule's TTL, whatever its status", true, 404, nil, true},
		{"what it does not is not", false, 200, []string{"Cache-Control", "max-age=60"}, false},
		{"what the response forbids it does not allow", true, 200, []string{"Cache-Control", "no-store"}, false},
		{"what sets a cookie it does not allow", true, 200, []string{"Cache-Control", "max-age=60", "Set-Cookie", "id=1"}, false},
		{"what the response says is of one visitor it does not allow", true, 200, []string{"Cache-Control", "private"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rule := httpcache.Rule{TTL: cache.Forever, Filter: func(_ *http.Request, status int, _ http.Header) bool { return c.filter && status == c.status }}
				s := serve(t, &httpcache.Options{Rule: rule}, answering(c.status, "", c.fields...))
				if _, second := s.twice(); second.isHit() != c.stored {
					t.Errorf("Cache-Status: %s", second.status())
				}
			})
		})
	}
}

func TestAFilterSeesTheRequestAndTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := httpcache.Rule{Filter: func(r *http.Request, _ int, h http.Header) bool {
			return r.URL.Path == "/y" && h.Get("Content-Type") == "text/css"
		}}
		s := serve(t, &httpcache.Options{Rule: rule}, saying("hello", "Cache-Control", "max-age=60", "Content-Type", "text/css"))
		if a := s.get("/x"); a.status() != "larder; fwd=uri-miss; detail=filter" {
			t.Errorf("of what it lets not pass, Cache-Status: %s", a.status())
		}
		if a := s.get("/y"); a.status() != "larder; fwd=uri-miss; ttl=60; stored" {
			t.Errorf("of what it lets pass, Cache-Status: %s", a.status())
		}
	})
}

func TestAResponseToAClientThatHasGoneIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			leave() // what reads from it may have ended early
			saying("hello", "Cache-Control", "max-age=60")(w, r)
		})
		s.send(request(http.MethodGet, "/x").WithContext(ctx))
		settle()
		if s.isStored("/x") {
			t.Error("it is")
		}
	})
}

func TestAResponseOfAHandlerThatPanickedIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			saying(strings.Repeat("x", 5000), "Cache-Control", "max-age=60")(w, r)
			panic(http.ErrAbortHandler)
		})
		func() {
			defer func() {
				if got := recover(); got != http.ErrAbortHandler {
					t.Errorf("the panic is %v", got)
				}
			}()
			s.get("/x")
		}()
		settle()
		if s.isStored("/x") {
			t.Error("it is")
		}
	})
}
