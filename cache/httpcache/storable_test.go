package httpcache_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache/httpcache"
)

// answering answers with a status, a body and fields, names and values in turn.
func answering(status int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// twice makes a request twice, apart from which nothing happens.
func (s *service) twice(fields ...string) (first, second answer) {
	s.t.Helper()
	first = s.get("http://a.example/x", fields...)
	settle()
	return first, s.get("http://a.example/x", fields...)
}

func TestStoredIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		fields []string // of the response
		asked  []string // of the request
	}{
		{"what has max-age", 200, []string{"Cache-Control", "max-age=60"}, nil},
		{"what has s-maxage", 200, []string{"Cache-Control", "s-maxage=60"}, nil},
		{"a directive in capitals", 200, []string{"Cache-Control", "MAX-AGE=60"}, nil},
		{"a directive on the second line", 200, []string{"Cache-Control", "foo", "Cache-Control", "max-age=60"}, nil},
		{"what is no-store in another's string", 200, []string{"Cache-Control", `max-age=60, x="a\", no-store, b"`}, nil},
		{"a directive among unknown ones", 200, []string{"Cache-Control", `foo, bar=1, baz="no-store, private", max-age=60`}, nil},
		{"a status that is cacheable only where the response says so", 302, []string{"Cache-Control", "max-age=60", "Location", "/y"}, nil},
		{"an error of the client's with max-age", 404, []string{"Cache-Control", "max-age=60"}, nil},
		{"a status without a body", 204, []string{"Cache-Control", "max-age=60"}, nil},
		{"a status that nobody knows, with max-age", 299, []string{"Cache-Control", "max-age=60"}, nil},
		{"what is no-store to those who do not understand its status, to one who does", 200, []string{"Cache-Control", "must-understand, no-store, max-age=60"}, nil},
		{"what is private by a field", 200, []string{"Cache-Control", `private="X-User", max-age=60`}, nil},
		{"what is no-cache by a field", 200, []string{"Cache-Control", `no-cache="X-User", max-age=60`}, nil},
		{"a public response to Authorization", 200, []string{"Cache-Control", "public, max-age=60"}, []string{"Authorization", "Basic x"}},
		{"a response with s-maxage to Authorization", 200, []string{"Cache-Control", "s-maxage=60"}, []string{"Authorization", "Basic x"}},
		{"a response with must-revalidate to Authorization", 200, []string{"Cache-Control", "must-revalidate, max-age=60"}, []string{"Authorization", "Basic x"}},
		{"a public response to a cookie", 200, []string{"Cache-Control", "public, max-age=60"}, []string{"Cookie", "id=1"}},
		{"a response with s-maxage to a cookie", 200, []string{"Cache-Control", "s-maxage=60"}, []string{"Cookie", "id=1"}},
		{"a response to a cookie that varies by it", 200, []string{"Cache-Control", "max-age=60", "Vary", "Accept, cookie"}, []string{"Cookie", "id=1"}},
		{"what allows an origin and varies by it", 200, []string{"Cache-Control", "max-age=60", "Access-Control-Allow-Origin", "http://b.example", "Vary", "Origin"}, []string{"Origin", "http://b.example"}},
		{"what allows all origins", 200, []string{"Cache-Control", "max-age=60", "Access-Control-Allow-Origin", "*"}, []string{"Origin", "http://b.example"}},
		{"what varies by 16 fields", 200, []string{"Cache-Control", "max-age=60", "Vary", strings.Repeat("A, ", 20) + "B, C, D, E, F, G, H, I, J, K, L, M, N, O, P"}, nil},
		{"what Pragma says not to cache, for that is a field of requests", 200, []string{"Cache-Control", "max-age=60", "Pragma", "no-cache"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, answering(c.status, "", c.fields...))
				first, second := s.twice(c.asked...)
				if !strings.HasSuffix(first.status(), "; stored") || !second.isHit() || second.StatusCode != c.status {
					t.Errorf("first %s, then %d %s", first.status(), second.StatusCode, second.status())
				}
			})
		})
	}
}

func TestNotStoredIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		fields []string // of the response
		asked  []string // of the request
		why    string
	}{
		{"what says nothing of freshness", 200, nil, nil, "freshness"},
		{"what is public and says nothing of freshness", 200, []string{"Cache-Control", "public"}, nil, "freshness"},
		{"what is stale at once and cannot be validated", 200, []string{"Cache-Control", "max-age=0"}, nil, "freshness"},
		{"what is to be validated each time and cannot be", 200, []string{"Cache-Control", "no-cache, max-age=60"}, nil, "freshness"},
		{"a status that is not cacheable by itself, of a known age", 302, []string{"Last-Modified", "Fri, 01 Jan 1999 00:00:00 GMT"}, nil, "freshness"},
		{"no-store", 200, []string{"Cache-Control", "max-age=60, no-store"}, nil, "no-store"},
		{"no-store in capitals on another line", 200, []string{"Cache-Control", "max-age=60", "Cache-Control", "NO-STORE"}, nil, "no-store"},
		{"no-store with an argument, which it has none of", 200, []string{"Cache-Control", "max-age=60, no-store=1"}, nil, "no-store"},
		{"private", 200, []string{"Cache-Control", "max-age=60, private"}, nil, "private"},
		{"private with s-maxage", 200, []string{"Cache-Control", "s-maxage=60, private"}, nil, "private"},
		{"what is private by no field at all", 200, []string{"Cache-Control", `max-age=60, private=" , "`}, nil, "private"},
		{"what is private, and by a field too", 200, []string{"Cache-Control", `max-age=60, private="X-User", private`}, nil, "private"},
		{"what is private by what can be no field's name", 200, []string{"Cache-Control", `max-age=60, private="X User"`}, nil, "private"},
		{"no-store after a string that has no end", 200, []string{"Cache-Control", `max-age=60, x="a, no-store`}, nil, "no-store"},
		{"no-store after a string that ends in an escape", 200, []string{"Cache-Control", `max-age=60, x="a\", no-store`}, nil, "no-store"},
		{"what is private by a string that has no end", 200, []string{"Cache-Control", `max-age=60, private="X-User, public`}, nil, "private"},
		{"a status that nobody knows, with must-understand", 299, []string{"Cache-Control", "must-understand, max-age=60"}, nil, "status"},
		{"a part, for no key knows of ranges", 206, []string{"Cache-Control", "max-age=60", "Content-Range", "bytes 0-0/2"}, nil, "partial"},
		{"what says that it is a part, whatever its status", 200, []string{"Cache-Control", "max-age=60", "Content-Range", "bytes 0-0/2"}, nil, "partial"},
		{"304 to the handler's own doing", 304, []string{"Cache-Control", "max-age=60"}, nil, "status"},
		{"an error of the handler's, for it had set max-age before it failed", 500, []string{"Cache-Control", "max-age=60"}, nil, "filter"},
		{"an error of a gateway's", 504, []string{"Cache-Control", "public, s-maxage=60"}, nil, "filter"},
		{"a cookie of somebody's", 200, []string{"Cache-Control", "public, max-age=60", "Set-Cookie", "id=1"}, nil, "set-cookie"},
		{"a cookie, though no-cache names its field", 200, []string{"Cache-Control", `no-cache="Set-Cookie", max-age=60`, "Set-Cookie", "id=1"}, nil, "set-cookie"},
		{"a cookie in the old field", 200, []string{"Cache-Control", "public, max-age=60", "Set-Cookie2", "id=1"}, nil, "set-cookie"},
		{"a response to Authorization", 200, []string{"Cache-Control", "max-age=60"}, []string{"Authorization", "Basic x"}, "credentials"},
		{"a response to an empty Authorization", 200, []string{"Cache-Control", "max-age=60"}, []string{"Authorization", ""}, "credentials"},
		{"a response with proxy-revalidate to Authorization, which does not allow it", 200, []string{"Cache-Control", "proxy-revalidate, max-age=60"}, []string{"Authorization", "Basic x"}, "credentials"},
		{"a response to Authorization that varies by it", 200, []string{"Cache-Control", "max-age=60", "Vary", "Authorization"}, []string{"Authorization", "Basic x"}, "credentials"},
		{"a response to a cookie", 200, []string{"Cache-Control", "max-age=60"}, []string{"Cookie", "id=1"}, "credentials"},
		{"a response with must-revalidate to a cookie", 200, []string{"Cache-Control", "must-revalidate, max-age=60"}, []string{"Cookie", "id=1"}, "credentials"},
		{"what varies by everything", 200, []string{"Cache-Control", "max-age=60", "Vary", "*"}, nil, "vary"},
		{"what varies by everything and a field", 200, []string{"Cache-Control", "max-age=60", "Vary", "Accept", "Vary", "Accept-Language, *"}, nil, "vary"},
		{"what varies by no name", 200, []string{"Cache-Control", "max-age=60", "Vary", "Accept Language"}, nil, "vary"},
		{"what varies by 17 fields", 200, []string{"Cache-Control", "max-age=60", "Vary", "A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q"}, nil, "vary"},
		{"what allows the origin that asked and does not say that it varies", 200, []string{"Cache-Control", "max-age=60", "Access-Control-Allow-Origin", "http://b.example"}, []string{"Origin", "http://b.example"}, "origin"},
		{"a stream of events", 200, []string{"Cache-Control", "max-age=60", "Content-Type", "text/event-stream; charset=utf-8"}, nil, "stream"},
		{"a stream of pictures", 200, []string{"Cache-Control", "max-age=60", "Content-Type", "multipart/x-mixed-replace; boundary=x"}, nil, "stream"},
		{"what has a trailer", 200, []string{"Cache-Control", "max-age=60", "Trailer", "X-Sum"}, nil, "trailer"},
		{"what has a trailer that it has not announced", 200, []string{"Cache-Control", "max-age=60", http.TrailerPrefix + "X-Sum", "1"}, nil, "trailer"},
		{"what says that it is too long", 200, []string{"Cache-Control", "max-age=60", "Content-Length", "2000000"}, nil, "too-large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, answering(c.status, "", c.fields...))
				first, second := s.twice(c.asked...)
				if got, want := first.status(), "larder; fwd=uri-miss; detail="+c.why; got != want {
					t.Errorf("Cache-Status is %q, want %q", got, want)
				}
				if second.isHit() || s.calls.Load() != 2 {
					t.Errorf("the second is %s, after %d calls", second.status(), s.calls.Load())
				}
			})
		})
	}
}

func TestAResponseToACertificateIsItsOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		r := request(http.MethodGet, "https://a.example/x")
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
		if got, want := s.send(r).status(), "larder; fwd=uri-miss; detail=credentials"; got != want {
			t.Errorf("Cache-Status is %q, want %q", got, want)
		}
	})
}

func TestAResponseForAllIsGivenTo(t *testing.T) {
	for _, c := range []struct {
		name    string
		control string
		asked   []string
		hit     bool
	}{
		{"nobody who has a cookie", "max-age=60", []string{"Cookie", "id=1"}, false},
		{"nobody who is authorized", "max-age=60", []string{"Authorization", "Basic x"}, false},
		{"whoever has a cookie, where it is public", "public, max-age=60", []string{"Cookie", "id=1"}, true},
		{"whoever is authorized, where it is public", "public, max-age=60", []string{"Authorization", "Basic x"}, true},
		{"whoever has only cookies that change nothing", "max-age=60", []string{"Cookie", "_ga=1; _gid=2"}, true},
		{"nobody who has one cookie besides", "max-age=60", []string{"Cookie", "_ga=1; id=2"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{IgnoreCookies: []string{"_ga", "_gid"}}, saying("hello", "Cache-Control", c.control))
				s.get("/x")
				settle()
				if a := s.get("/x", c.asked...); a.isHit() != c.hit {
					t.Errorf("Cache-Status: %s", a.status())
				}
			})
		})
	}
}
