package httpcache_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

func TestTargetsAreToldApartWhateverTheyAreMadeOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			saying(fmt.Sprintf("%q %q %q", r.Host, r.RequestURI, r.URL.Path), "Cache-Control", "max-age=60")(w, r)
		})
		texts := []string{"/", "/a", "/a\x00", "/a\n", "/a\r\nX: y", " 2:/a", "/a 2:/a", "2:/a", "/\x00", "4:http", "/a/a", "/aa", "/1:a", ":", "/:", ":/a", "k 2:/a", "u 4:http", "/" + strings.Repeat("9", 300)}
		ask := func(host, uri, path string, wantHit bool) {
			r := &http.Request{Method: http.MethodGet, Host: host, RequestURI: uri, URL: &url.URL{Path: path}, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
			a := s.send(r)
			if want := fmt.Sprintf("%q %q %q", host, uri, path); a.body != want || a.isHit() != wantHit {
				t.Errorf("%s gets %s, %s", want, a.body, a.status())
			}
		}
		for _, wantHit := range []bool{false, true} {
			for _, host := range texts {
				for _, uri := range texts {
					ask(host, uri, uri, wantHit)
					ask(host, uri, "/changed", wantHit)
					ask(host, uri, "/changed by middleware", wantHit)
					settle()
				}
			}
		}
	})
}

func TestTheSchemeIsPartOfTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			saying(fmt.Sprint("encrypted: ", r.TLS != nil), "Cache-Control", "max-age=60")(w, r)
		})
		for range 2 {
			for _, host := range []string{"a.example", "a.example:80", "a.example:443"} {
				for _, encrypted := range []bool{true, false} {
					r := request(http.MethodGet, "/x")
					r.Host = host
					if encrypted {
						r.TLS = &tls.ConnectionState{}
					}
					if a := s.send(r); a.body != fmt.Sprint("encrypted: ", encrypted) {
						t.Errorf("encrypted %v: %q, %s", encrypted, a.body, a.status())
					}
					settle()
				}
			}
		}
		s.wantCalls(t, 4) // each scheme without its port is one with it
	})
}

func TestWhatIsTooLongIsNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
		for length, cached := range map[int]bool{8000: true, 8300: false, 1 << 20: false} {
			path := "/" + strings.Repeat("a", length)
			s.get(path)
			settle()
			a := s.get(path)
			if a.isHit() != cached || !cached && a.status() != "larder; fwd=bypass; detail=key" {
				t.Errorf("a URL of %d bytes has Cache-Status: %s", length, a.status())
			}
		}
	})
}

func TestARuleKeyIsNeverTakenForAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("by URL", "Cache-Control", "max-age=60"))
		byURL, key := s.handler, "u 4:http 11:example.com 2:/x"
		s.get("/x")
		settle()
		s.handler = s.cache.HandlerFor(httpcache.Rule{Key: func(*http.Request) string { return key }}, saying("by key", "Cache-Control", "max-age=60"))
		for _, key = range []string{key, "http://example.com/x", "/x", " 4:http 11:example.com 2:/x"} {
			for range 2 {
				if a := s.get("/x"); a.body != "by key" {
					t.Errorf("the key %q gets %q", key, a.body)
				}
				settle()
			}
		}
		s.handler = byURL
		if a := s.get("/x"); a.body != "by URL" || !a.isHit() {
			t.Errorf("%q, %s", a.body, a.status())
		}
	})
}

func TestARuleKeyThatIsEmptyIsNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Key: func(*http.Request) string { return "" }}}, saying("page", "Cache-Control", "max-age=60"))
		for range 3 {
			s.get("/x").wantStatus(t, "larder; fwd=bypass; detail=key")
			settle()
		}
		s.do(http.MethodPost, "/x")
		s.wantCalls(t, 4)
	})
}

func TestARedirectToTheRootIsNotStoredAsTheRoot(t *testing.T) {
	s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: time.Hour}}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" { // as routers do
			http.Redirect(w, r, "/", http.StatusMovedPermanently)
			return
		}
		saying("root")(w, r)
	})
	server := httptest.NewServer(s.handler)
	defer server.Close()
	for range 2 {
		if status, _, told := exchange(t, server, rawGet("http://a.example")); status != http.StatusMovedPermanently {
			t.Errorf("no path gets %d, %s", status, told)
		}
		if status, body, told := exchange(t, server, rawGet("/")); status != http.StatusOK || body != "root" {
			t.Errorf("the root gets %d %q, %s", status, body, told)
		}
	}
}

func TestABodyIsNeverAnsweredFromTheStore(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"with a length":    func(r *http.Request) { r.ContentLength = 3 },
		"without a length": func(r *http.Request) { r.ContentLength = -1 },
		"in chunks":        func(r *http.Request) { r.ContentLength, r.TransferEncoding = 0, []string{"chunked"} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
				s.get("/x")
				settle()
				r := request(http.MethodGet, "/x")
				change(r)
				s.send(r).wantStatus(t, "larder; fwd=bypass; detail=body")
				settle()
				s.wantCalls(t, 2)
			})
		})
	}
}
