package httpcache_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache/httpcache"
)

// changing answers GET with what is stored for a minute, and all else with a status and fields.
func changing(status int, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			saying("hello", "Cache-Control", "max-age=60")(w, r)
			return
		}
		answering(status, "", fields...)(w, r)
	}
}

// isStored reports whether a response to GET is.
func (s *service) isStored(url string) bool {
	s.t.Helper()
	return s.get(url, "Cache-Control", "only-if-cached").isHit()
}

// RFC 9111 section 4.4.
func TestWhatAMethodDoesToTheStoredResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		status int
		stays  bool
	}{
		{"POST makes a miss of it", "POST", 200, false},
		{"PUT makes a miss of it", "PUT", 201, false},
		{"PATCH makes a miss of it", "PATCH", 204, false},
		{"DELETE makes a miss of it", "DELETE", 202, false},
		{"a method that nobody knows makes a miss of it, for it may be unsafe", "FROB", 200, false},
		{"a method of another standard does so too", "PROPPATCH", 207, false},
		{"a method in the wrong case is another method", "get", 200, false},
		{"a redirection makes a miss of it", "POST", 303, false},
		{"OPTIONS changes nothing", "OPTIONS", 200, true},
		{"TRACE changes nothing", "TRACE", 200, true},
		{"an error of the client's changes nothing", "POST", 400, true},
		{"what is not there changes nothing", "DELETE", 404, true},
		{"an error changes nothing", "POST", 500, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, changing(c.status))
				for _, url := range []string{"/x", "/y"} {
					s.get(url)
					settle()
				}
				if a := s.do(c.method, "/x"); a.StatusCode != c.status || a.status() != "larder; fwd=method" {
					t.Errorf("it gets %d %s", a.StatusCode, a.status())
				}
				if got := s.isStored("/x"); got != c.stays {
					t.Errorf("it is stored: %t, want %t", got, c.stays)
				}
				if !s.isStored("/y") {
					t.Error("what was stored for another URL is not any more")
				}
			})
		})
	}
}

func TestAChangeMakesAMissOfWhatItNames(t *testing.T) {
	const target = "http://a.example/dir/x?q=1"
	for _, c := range []struct {
		name  string
		field string
		value string
		url   string // which may be a miss
		stays bool
	}{
		{"by a path", "Location", "/y", "http://a.example/y", false},
		{"by a path in Content-Location", "Content-Location", "/y", "http://a.example/y", false},
		{"by a whole URL", "Location", "http://a.example/y?z=2", "http://a.example/y?z=2", false},
		{"by a whole URL with the scheme's port", "Location", "http://a.example:80/y", "http://a.example/y", false},
		{"by a whole URL with scheme and host in capitals", "Location", "HTTP://A.EXAMPLE/y", "http://a.example/y", false},
		{"by a URL without a scheme", "Location", "//a.example/y", "http://a.example/y", false},
		{"by a path that starts at the request's", "Location", "y", "http://a.example/dir/y", false},
		{"by a path above the request's", "Location", "../y", "http://a.example/y", false},
		{"by a query alone", "Location", "?q=2", "http://a.example/dir/x?q=2", false},
		{"by what has a fragment", "Location", "/y#part", "http://a.example/y", false},
		{"by a path with escapes", "Location", "/a%2Fb", "http://a.example/a%2Fb", false},
		{"and not of a path without the escapes", "Location", "/a%2Fb", "http://a.example/a/b", true},
		{"and not of a path without the query", "Location", "/y?z", "http://a.example/y", true},
		{"and not by a fragment alone of the path without the query", "Location", "#part", "http://a.example/dir/x", true},
		{"and not of another host", "Location", "http://b.example/y", "http://b.example/y", true},
		{"and not of a host within", "Location", "http://a.example.b.example/y", "http://a.example.b.example/y", true},
		{"and not of another port", "Location", "http://a.example:8080/y", "http://a.example:8080/y", true},
		{"and not of the path where it names another host", "Location", "http://b.example/y", "http://a.example/y", true},
		{"and not of the path where it names another scheme", "Location", "https://a.example/y", "http://a.example/y", true},
		{"and not by what is no URL", "Location", "http://a.example/%zz", "http://a.example/%25zz", true},
		{"and not by what has no path", "Location", "mailto:y", "http://a.example/y", true},
		{"and not by another field", "Link", "</y>", "http://a.example/y", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, changing(201, c.field, c.value))
				s.get(target)
				s.get(c.url)
				settle()
				s.do(http.MethodPost, target)
				if got := s.isStored(c.url); got != c.stays {
					t.Errorf("%s is stored: %t, want %t", c.url, got, c.stays)
				}
				if s.isStored(target) {
					t.Error("the target itself is stored")
				}
			})
		})
	}
}

func TestAnErrorMakesNoMissOfWhatItNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, changing(409, "Location", "/y", "Content-Location", "/y"))
		s.get("/y")
		settle()
		s.do(http.MethodPost, "/x")
		if !s.isStored("/y") {
			t.Error("it does")
		}
	})
}

func TestAChangeIsOfItsSchemeAndHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, changing(200))
		secure := func(method string, fields ...string) *http.Request {
			r := request(method, "https://a.example/x", fields...)
			r.TLS = &tls.ConnectionState{}
			return r
		}
		s.get("http://a.example/x")
		s.get("http://b.example/x")
		s.send(secure(http.MethodGet))
		settle()
		s.send(secure(http.MethodPost))
		if !s.isStored("http://a.example/x") || !s.isStored("http://b.example/x") {
			t.Error("a change by https made a miss of what http has, or another host")
		}
		if s.send(secure(http.MethodGet, "Cache-Control", "only-if-cached")).isHit() {
			t.Error("it did not make a miss of its own URL")
		}
	})
}

// What a client has changed is changed, though it does not wait for the answer.
func TestAChangeOfAClientThatHasGoneMakesAMiss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				leave()
			}
			saying("hello", "Cache-Control", "max-age=60")(w, r)
		})
		s.get("/x")
		settle()
		s.send(request(http.MethodPost, "/x").WithContext(ctx))
		if s.isStored("/x") {
			t.Error("it does not")
		}
	})
}

// All handlers behind one cache have the same store: one changes what another shows.
func TestAChangeByOneHandlerMakesAMissOfWhatAnotherStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, changing(200))
		other := s.cache.HandlerFor(httpcache.Rule{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
		s.get("/x")
		settle()
		s.handler, other = other, s.handler
		s.do(http.MethodPost, "/x")
		s.handler = other
		if s.isStored("/x") {
			t.Error("it does not")
		}
	})
}

// What the handler was making when the change came may be from before it.
func TestAResponseThatWasMadeDuringAChangeIsNotStored(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		url    string
		stored bool
	}{
		{"of its URL", "POST", "/x", false},
		{"of another URL it is", "POST", "/y", true},
		{"by OPTIONS, which changes nothing, it is", "OPTIONS", "/x", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				made := make(chan struct{})
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						<-made
					}
					saying("hello", "Cache-Control", "max-age=60")(w, r)
				})
				done := make(chan answer)
				go func() { done <- s.get("/x") }()
				settle()
				s.do(c.method, c.url)
				close(made)
				if a := <-done; a.body != "hello" {
					t.Errorf("who asked gets %q", a.body)
				}
				settle()
				if got := s.isStored("/x"); got != c.stored {
					t.Errorf("it is stored: %t, want %t", got, c.stored)
				}
			})
		})
	}
}
