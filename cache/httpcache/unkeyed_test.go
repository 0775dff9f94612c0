package httpcache_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// reflecting shows the field that it takes its own address from, as frameworks do that trust what a proxy sets.
func reflecting(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60, stale-while-revalidate=60")
		w.Header().Set("Etag", `"1"`)
		_, _ = fmt.Fprintf(w, "<script src=//%s/app.js>", strings.Join(r.Header.Values(name), ","))
	}
}

// routing are fields that say what URL, host or method a request is about.
func routing() []string {
	return []string{
		"Forwarded", "Front-End-Https", "X-Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Forwarded-Server",
		"X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Original-Url", "X-Original-Uri", "X-Original-Host", "X-Original-Method",
		"X-Original-Path", "X-Rewrite-Url", "X-Rewrite-Uri", "X-Override-Url", "X-Host", "X-Host-Override", "X-Http-Host-Override", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
		"X-Http-Path-Override", "X-Scheme", "X-Url-Scheme", "X-Envoy-Original-Path", "X-Envoy-Original-Host", "X-Request-Uri", "X-Script-Name", "Cloudfront-Forwarded-Proto",
	}
}

func TestAFieldThatChoosesWhatIsAskedForIsPartOfTheKey(t *testing.T) {
	for _, name := range routing() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, reflecting(name))
				ask := func(value string) {
					t.Helper()
					fields := []string{name, value}
					if value == "" {
						fields = nil
					}
					if a := s.get("/x", fields...); a.body != "<script src=//"+value+"/app.js>" {
						t.Errorf("%q gets %s, %s", value, a.body, a.status())
					}
					settle()
				}
				for range 3 { // on a miss, a hit, a stale hit
					for _, value := range []string{"host=evil.example", "", "host=other.example", "host=Evil.example", "proto=https", " "} {
						ask(strings.TrimSpace(value))
					}
					<-time.After(40 * time.Second)
				}
				<-time.After(time.Hour)
				ask("")
			})
		})
	}
}

func TestConcurrentRequestsForDifferentHostsGetTheirOwn(t *testing.T) {
	for _, name := range routing() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					<-time.After(time.Second)
					reflecting(name)(w, r)
				})
				evil := s.begin(request(http.MethodGet, "/x", name, "host=evil.example"))
				settle()
				for i, c := range s.beginMany(3, "/x") {
					if a := <-c; strings.Contains(a.body, "evil") {
						t.Errorf("request %d has %s, %s", i, a.body, a.status())
					}
				}
				<-evil
			})
		})
	}
}

func TestNoReadingOfForwardedReflectsWhatIsNotInTheKey(t *testing.T) {
	readings := map[string]func(forwarded string) string{
		"the whole": func(f string) string {
			if strings.Contains(f, "evil") {
				return "evil"
			}
			return ""
		},
		"a host somewhere":  func(f string) string { return regexp.MustCompile(`(?i)host="?([^;,"]+)`).FindString(f) },
		"a proto somewhere": func(f string) string { return regexp.MustCompile(`(?i)proto=([^(;|,| )]+)`).FindString(f) },
	}
	for reading, read := range readings {
		for _, attack := range []string{
			"host=evil", "for=1;host=evil", "for=1, for=2;host=evil", `for="1;host=evil"`, "for=host=evil", "for=proto=evil", "by=host=evil", `for="\";host=evil`, "FOR=proto=evil",
			"for =1;host=evil", "host=evil;for=1", "for;host=evil", `by="proto=evil"`, "for=1;proto=evil", "for=1 host=evil", "for=1\thost=evil",
		} {
			t.Run(reading+" of "+attack, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
						saying("host: "+read(r.Header.Get("Forwarded")), "Cache-Control", "max-age=60")(w, r)
					})
					s.get("/x", "Forwarded", attack)
					settle()
					for _, plain := range []string{"", "for=1", "for=2;by=3", "for=1, for=2"} {
						a := s.get("/x", "Forwarded", plain)
						if reading != "the whole" && a.body != "host: "+read(plain) || strings.Contains(a.body, "evil") {
							t.Errorf("Forwarded: %q gets %q, %s", plain, a.body, a.status())
						}
						settle()
					}
				})
			})
		}
	}
}

func TestHowAFieldIsWrittenIsPartOfTheKey(t *testing.T) {
	for _, pair := range [][2][]string{
		{{"X-Forwarded-Host", "a"}, {"X-Forwarded-Host", ",a"}},
		{{"X-Forwarded-Host", "a", "X-Forwarded-Host", "b"}, {"X-Forwarded-Host", "a, b"}},
		{{"X-Forwarded-Host", "a"}, {"X-Forwarded-Host", "a", "X-Forwarded-Host", ""}},
		{{"X-Forwarded-Host", ""}, {}},
		{{"X-Forwarded-Host", "a,b"}, {"X-Forwarded-Host", "a, b"}},
		{{"X-Forwarded-Host", "a"}, {"X-Forwarded-Server", "a"}},
		{{"X-Forwarded-Host", "a", "X-Forwarded-Server", "b"}, {"X-Forwarded-Host", "b", "X-Forwarded-Server", "a"}},
		{{"Forwarded", "host=a;proto=b"}, {"Forwarded", "host=a, proto=b"}},
		{{"Forwarded", "for=1, host=a"}, {"Forwarded", "host=a, for=1"}},
		{{"Forwarded", "for=1"}, {}},
	} {
		t.Run(fmt.Sprint(pair), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
				s.get("/x", pair[0]...)
				settle()
				s.get("/x", pair[1]...)
				s.wantCalls(t, 2)
			})
		})
	}
}

func TestTheOrderOfFieldsIsNotPartOfTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("page", "Cache-Control", "max-age=60", "Vary", "Accept, Accept-Language"))
		for range 50 {
			s.get("/x", "X-Forwarded-Host", "a", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "443", "X-Original-Url", "/y", "Accept", "text/html")
			settle()
		}
		s.wantCalls(t, 1)
	})
}

func TestAFieldThatIsNotThereIsNotAnEmptyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("page", "Cache-Control", "max-age=60", "Vary", "Accept"))
		s.get("/x")
		settle()
		s.get("/x", "Accept", "")
		s.wantCalls(t, 2)
	})
}

func TestVaryMayNameTheHostWhereTheKeyDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &httpcache.Options{Rule: httpcache.Rule{Key: func(r *http.Request) string { return r.URL.Path }}}
		s := serve(t, o, func(w http.ResponseWriter, r *http.Request) {
			saying(r.Host, "Cache-Control", "max-age=60", "Vary", "Host")(w, r)
		})
		for range 2 {
			for _, host := range []string{"a.example", "b.example"} {
				if a := s.get("http://" + host + "/x"); a.body != host {
					t.Errorf("%s gets the page of %s", host, a.body)
				}
				settle()
			}
		}
		s.wantCalls(t, 2)
	})
}

func TestWhoAsksIsNotPartOfTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
		for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "X-Original-Forwarded-For", "X-Request-Id", "Via", "User-Agent"} {
			s.get("/x", name, "1.2.3.4")
			settle()
			s.get("/x", name, "5.6.7.8")
			settle()
		}
		s.wantCalls(t, 1)
		s.get("/x", "Forwarded", "for=1.2.3.4;proto=https")
		settle()
		s.get("/x", "Forwarded", `for="[2001:db8::1]:80";proto=https;by=_me`)
		s.wantCalls(t, 2)
	})
}
