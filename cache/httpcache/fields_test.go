package httpcache_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestAFieldThatIsStored(t *testing.T) {
	for _, c := range []struct {
		name    string
		control string
		field   string
		stored  bool
	}{
		{"one that nobody knows", "max-age=60", "X-Any", true},
		{"one of the content", "max-age=60", "Content-Language", true},
		{"Cache-Control", "max-age=60", "Cache-Control", true},
		{"not what private names", `private="X-User", max-age=60`, "X-User", false},
		{"not what private names without quotes", `private=x-user, max-age=60`, "X-User", false},
		{"not what no-cache names", `no-cache="x-other, x-user", max-age=60`, "X-User", false},
		{"what neither names", `private="X-Other", max-age=60`, "X-User", true},
		{"not what Connection names", "max-age=60", "X-Hop", false},
		{"not Connection", "max-age=60", "Connection", false},
		{"not Keep-Alive", "max-age=60", "Keep-Alive", false},
		{"not Proxy-Connection", "max-age=60", "Proxy-Connection", false},
		{"not Proxy-Authenticate", "max-age=60", "Proxy-Authenticate", false},
		{"not Proxy-Authentication-Info", "max-age=60", "Proxy-Authentication-Info", false},
		{"not Authentication-Info", "max-age=60", "Authentication-Info", false},
		{"not a request's name", "max-age=60", "X-Request-Id", false},
		{"not a request's trace", "max-age=60", "Traceparent", false},
		{"not a request's timing", "max-age=60", "Server-Timing", false},
		{"not a visitor's token", "max-age=60", "X-Csrf-Token", false},
		{"not a visitor's rate", "max-age=60", "RateLimit-Policy", false},
		{"not a visitor's rate in the old field", "max-age=60", "X-RateLimit-Remaining", false},
		{"not a visitor's rate in the other old field", "max-age=60", "X-Rate-Limit-Limit", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
					h := w.Header()
					h.Set(c.field, "value")
					h.Set("Cache-Control", c.control)
					h.Add("Connection", "close, x-hop")
				})
				first, second := s.twice()
				if first.Header.Get(c.field) == "" {
					t.Errorf("the first client does not get %s", c.field)
				}
				if !second.isHit() || second.Header.Get(c.field) != "" != c.stored {
					t.Errorf("the second client gets %v", second.Header)
				}
			})
		})
	}
}

func TestTheLinesOfAFieldKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60", "Link", "<b>", "Link", "<a>", "Link", "<b>"))
		_, second := s.twice()
		if d := cmp.Diff([]string{"<b>", "<a>", "<b>"}, second.Header["Link"]); d != "" || !second.isHit() {
			t.Errorf("%s\n%s", second.status(), d)
		}
	})
}

// What a middleware around the cache sets is of the request that it sees: each gets its own.
func TestFieldsOfOuterMiddleware(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle func(h http.Header)
		want   []string // X-Outer of the second response
	}{
		{"are not stored", func(http.Header) {}, []string{"2"}},
		{"stay before the lines that the handler adds", func(h http.Header) { h.Add("X-Outer", "mine") }, []string{"2", "mine"}},
		{"give way to the lines that the handler sets", func(h http.Header) { h.Set("X-Outer", "mine") }, []string{"mine"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					c.handle(w.Header())
				})
				inner, n := s.handler, 0
				s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n++
					w.Header().Set("X-Outer", strconv.Itoa(n))
					inner.ServeHTTP(w, r)
				})
				_, second := s.twice()
				if d := cmp.Diff(c.want, second.Header["X-Outer"]); d != "" || !second.isHit() {
					t.Errorf("%s\n%s", second.status(), d)
				}
			})
		})
	}
}

func TestAHitHasADateThoughTheHandlerGaveNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		_, second := s.twice()
		if got, want := second.Header.Get("Date"), "Sat, 01 Jan 2000 00:00:00 GMT"; got != want {
			t.Errorf("Date is %q, want %q", got, want)
		}
	})
}
