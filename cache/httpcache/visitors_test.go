package httpcache_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// places are where a field is set: by the handler, by middleware inside of the cache or outside of it, and there before or after what is inside.
// Each puts set into a chain of the cache around handler.
func places() map[string]func(s *service, set func(h http.Header, visitor string)) {
	wrap := func(next http.Handler, set func(h http.Header, visitor string)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			set(w.Header(), r.Header.Get("X-Visitor"))
			next.ServeHTTP(w, r)
		})
	}
	page := saying("page", "Cache-Control", "public, max-age=60", "X-Own", "of the page")
	return map[string]func(s *service, set func(h http.Header, visitor string)){
		"by the handler": func(s *service, set func(h http.Header, visitor string)) {
			s.handler = s.cache.Handler(wrap(page, set))
		},
		"by middleware inside": func(s *service, set func(h http.Header, visitor string)) {
			s.handler = s.cache.Handler(wrap(wrap(page, set), set))
		},
		"by middleware outside": func(s *service, set func(h http.Header, visitor string)) {
			s.handler = wrap(s.cache.Handler(page), set)
		},
		"by both": func(s *service, set func(h http.Header, visitor string)) {
			s.handler = wrap(s.cache.Handler(wrap(page, set)), set)
		},
		"by middleware outside as the header goes": func(s *service, set func(h http.Header, visitor string)) {
			inner := s.cache.Handler(page)
			s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(&late{ResponseWriter: w, set: func(h http.Header) { set(h, r.Header.Get("X-Visitor")) }}, r)
			})
		},
	}
}

// late sets fields when the header goes, as session middleware does.
type late struct {
	http.ResponseWriter

	set  func(h http.Header)
	sent bool
}

func (l *late) WriteHeader(status int) {
	if !l.sent {
		l.sent = true
		l.set(l.Header())
	}
	l.ResponseWriter.WriteHeader(status)
}

func TestNothingOfOneVisitorsFieldsReachesAnother(t *testing.T) {
	fields := []string{
		"Set-Cookie", "X-Request-Id", "X-Correlation-Id", "Request-Id", "Traceparent", "Server-Timing", "X-Csrf-Token", "X-Xsrf-Token",
		"Ratelimit", "Ratelimit-Policy", "Ratelimit-Remaining", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Rate-Limit-Limit",
		"Authentication-Info", "Proxy-Authenticate",
	}
	for where, put := range places() {
		for _, name := range fields {
			t.Run(name+" set "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, nil, saying(""))
					put(s, func(h http.Header, visitor string) {
						value := "of " + visitor
						if name == "Set-Cookie" {
							value = "session=" + visitor
						}
						h.Set(name, value)
					})
					for _, visitor := range []string{"ann", "bob", "eve", "ann"} {
						a := s.get("/x", "X-Visitor", visitor)
						settle()
						own := strings.Join(a.Header.Values(name), ", ")
						if a.body != "page" || own != "" && !strings.HasSuffix(own, visitor) || a.Header.Get("X-Own") != "of the page" {
							t.Errorf("%s has %v, Cache-Status: %s", visitor, a.Header, a.status())
						}
						if own == "" && (strings.Contains(where, "outside") || strings.Contains(where, "both")) {
							t.Errorf("%s has no field of her own, Cache-Status: %s", visitor, a.status())
						}
					}
				})
			})
		}
	}
}

func TestConcurrentVisitorsGetNothingOfEachOthersFields(t *testing.T) {
	for where, put := range places() {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying(""))
				put(s, func(h http.Header, visitor string) {
					<-time.After(time.Second)
					h.Set("X-Request-Id", visitor)
					h.Set("X-Csrf-Token", visitor)
				})
				var all []<-chan ended
				visitors := []string{"ann", "bob", "eve", "dan"}
				for _, visitor := range visitors {
					all = append(all, s.begin(request(http.MethodGet, "/x", "X-Visitor", visitor)))
				}
				for i, c := range all {
					a := <-c
					for _, name := range []string{"X-Request-Id", "X-Csrf-Token"} {
						if got := a.Header.Get(name); got != "" && got != visitors[i] {
							t.Errorf("%s has %s: %s, Cache-Status: %s", visitors[i], name, got, a.status())
						}
					}
				}
			})
		})
	}
}

// visitorBy is a request of somebody's: by a cookie, a password, a certificate, or nobody in particular.
func visitorBy(how, name string) *http.Request {
	r := request(http.MethodGet, "/x", "X-Visitor", name)
	switch how {
	case "cookie":
		r.AddCookie(&http.Cookie{Name: "session", Value: name})
	case "analytics":
		r.AddCookie(&http.Cookie{Name: "_ga", Value: name})
	case "password":
		r.SetBasicAuth(name, "secret")
	case "certificate":
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte(name)}}}
	}
	if r.TLS == nil {
		r.TLS = &tls.ConnectionState{}
	}
	return r
}

func TestPagesOfCertainVisitorsAreForThemAlone(t *testing.T) {
	tests := map[string]struct {
		control, vary string
		shared        string // by whom too
	}{
		"fresh by max-age":        {"max-age=60", "", "nobody analytics"},
		"fresh by the rule":       {"", "", "nobody analytics"},
		"to be validated":         {"max-age=60, must-revalidate", "", "nobody analytics password certificate"},
		"for all":                 {"public, max-age=60", "", "nobody analytics cookie password certificate"},
		"for shared caches":       {"s-maxage=60", "", "nobody analytics cookie password certificate"},
		"one for each cookie":     {"max-age=60", "Cookie", "nobody"},
		"one for each credential": {"max-age=60", "Authorization", "nobody analytics"},
		"private":                 {"private", "", ""},
		"not to be stored":        {"no-store", "", ""},
	}
	hows := []string{"nobody", "analytics", "cookie", "password", "certificate"}
	for name, tt := range tests {
		for _, first := range hows {
			for _, second := range hows {
				t.Run("a page "+name+", for "+first+" and then for "+second, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						o := &httpcache.Options{IgnoreCookies: []string{"_ga"}, Rule: httpcache.Rule{TTL: time.Minute}}
						s := serve(t, o, func(w http.ResponseWriter, r *http.Request) {
							if tt.control != "" {
								w.Header().Set("Cache-Control", tt.control)
							}
							if tt.vary != "" {
								w.Header().Set("Vary", tt.vary)
							}
							_, _ = io.WriteString(w, "for "+r.Header.Get("X-Visitor"))
						})
						s.send(visitorBy(first, "ann"))
						settle()
						a := s.send(visitorBy(second, "bob"))
						both := strings.Contains(tt.shared, first) && strings.Contains(tt.shared, second)
						if got := a.body == "for ann"; got != both {
							t.Errorf("the second gets the page %q, %s", a.body, a.status())
						}
					})
				})
			}
		}
	}
}

func TestFieldsThatCacheControlWithholdsAreNotStored(t *testing.T) {
	for _, control := range []string{`max-age=60, private="X-Visitor-Name"`, `max-age=60, no-cache="x-visitor-name"`, `max-age=60, private="X-Other, X-Visitor-Name"`} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("page", "Cache-Control", control, "X-Visitor-Name", "ann"))
				if a := s.get("/x"); a.Header.Get("X-Visitor-Name") != "ann" {
					t.Errorf("the first has %v", a.Header)
				}
				settle()
				if a := s.get("/x"); a.Header.Get("X-Visitor-Name") != "" || !a.isHit() {
					t.Errorf("the second has %v", a.Header)
				}
			})
		})
	}
}

func TestFieldsOfTheConnectionAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("page", "Cache-Control", "max-age=60", "Connection", "X-Hop, close", "X-Hop", "1", "Keep-Alive", "timeout=5", "X-End", "2"))
		s.get("/x")
		settle()
		a := s.get("/x")
		h := maps.Clone(a.Header)
		for _, name := range []string{"Connection", "X-Hop", "Keep-Alive"} {
			if h.Get(name) != "" {
				t.Errorf("%s: %s", name, h.Get(name))
			}
		}
		if !a.isHit() || h.Get("X-End") != "2" {
			t.Errorf("%v", h)
		}
	})
}

func TestA304sFieldsGoToWhoeverAskedAndToNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Cache-Control", "public, max-age=60")
			h.Set("Etag", `"1"`)
			if r.Header.Get("If-None-Match") != "" {
				h.Set("Set-Cookie", "session="+r.Header.Get("X-Visitor"))
				h.Set("X-Request-Id", r.Header.Get("X-Visitor"))
				h.Set("X-Ratelimit-Remaining", "1")
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, "page")
		})
		s.get("/x")
		<-time.After(2 * time.Minute)
		a := s.get("/x", "X-Visitor", "bob")
		if a.Header.Get("Set-Cookie") != "session=bob" || a.Header.Get("X-Request-Id") != "bob" || a.body != "page" {
			t.Errorf("who asked has %v, %q", a.Header, a.body)
		}
		settle()
		b := s.get("/x", "X-Visitor", "eve")
		if b.Header.Get("Set-Cookie") != "" || b.Header.Get("X-Request-Id") != "" || b.Header.Get("X-Ratelimit-Remaining") != "" || !b.isHit() {
			t.Errorf("the next has %v", b.Header)
		}
	})
}

func TestAPageThatEchoesTheAskingOriginIsForItAlone(t *testing.T) {
	for _, vary := range []string{"", "Origin"} {
		t.Run("Vary: "+vary, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
					if vary != "" {
						w.Header().Set("Vary", vary)
					}
				})
				for _, origin := range []string{"https://ann.example", "https://bob.example", "https://ann.example"} {
					if a := s.get("/x", "Origin", origin); a.Header.Get("Access-Control-Allow-Origin") != origin {
						t.Errorf("%s gets %v", origin, a.Header)
					}
					settle()
				}
			})
		})
	}
}
