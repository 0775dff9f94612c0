package httpcache_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// byName tells requests apart by a parameter alone; without it they are not cached.
func byName(r *http.Request) string { return r.URL.Query().Get("name") }

func TestAKeyOfARule(t *testing.T) {
	const other = "http://b.example/other?x=1&name=a"
	for _, c := range []struct {
		name    string
		request *http.Request // after GET of http://a.example/x?name=a
		want    string
	}{
		{"takes the place of scheme, host, path and query", request("GET", other), "larder; hit; ttl=60"},
		{"is that of HEAD too", request("HEAD", other), "larder; hit; ttl=60"},
		{"tells requests apart as it is written", request("GET", "http://a.example/x?name=A"), "larder; fwd=uri-miss; ttl=60; stored"},
		{"is whole", request("GET", "http://a.example/x?name=a+b"), "larder; fwd=uri-miss; ttl=60; stored"},
		{"of nothing is a request that is not cached", request("GET", "http://a.example/x"), "larder; fwd=bypass; detail=key"},
		{"of nothing is a HEAD that is not cached", request("HEAD", "http://a.example/x"), "larder; fwd=bypass; detail=key"},
		{"that is too long is a request that is not cached", request("GET", "http://a.example/x?name="+strings.Repeat("a", 9000)), "larder; fwd=bypass; detail=key"},
		{"does not hide what Vary tells apart", request("GET", other, "A", "2"), "larder; fwd=vary-miss; ttl=60; stored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Key: byName}}, saying("hello", "Cache-Control", "max-age=60", "Vary", "A"))
				s.get("http://a.example/x?name=a")
				settle()
				if got := s.send(c.request).status(); got != c.want {
					t.Errorf("Cache-Status is %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestAKeyIsNeverThatOfAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := saying("hello", "Cache-Control", "max-age=60")
		s := serve(t, nil, handler)
		s.get("http://a.example/x")
		settle()
		// What a target of a URL is made of, as a text of a rule's own.
		for _, text := range []string{"http://a.example/x", "/x", "u 4:http 9:a.example 2:/x", " 4:http 9:a.example 2:/x"} {
			s.handler = s.cache.HandlerFor(httpcache.Rule{Key: func(*http.Request) string { return text }}, handler)
			if a := s.get("http://a.example/x", "Cache-Control", "only-if-cached"); a.isHit() {
				t.Errorf("with %q it is", text)
			}
		}
	})
}

func TestAChangeMakesAMissByTheKeyOfTheRule(t *testing.T) {
	for _, c := range []struct {
		name  string
		url   string
		field []string
		stays bool
	}{
		{"of its own request", "http://b.example/other?name=a", nil, false},
		{"of what Location names", "http://a.example/y?name=b", []string{"Location", "/z?name=a"}, false},
		{"of what Content-Location names", "http://a.example/y?name=b", []string{"Content-Location", "?name=a"}, false},
		{"and of nothing where it has none", "http://a.example/x", []string{"Location", "/z"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Key: byName}}, changing(200, c.field...))
				s.get("http://a.example/x?name=a")
				settle()
				s.do(http.MethodPost, c.url)
				if got := s.isStored("http://a.example/x?name=a"); got != c.stays {
					t.Errorf("it is stored: %t, want %t", got, c.stays)
				}
			})
		})
	}
}

// A key is made of requests that nobody sent, too: those for what Location names.
func TestAKeyIsMadeOfAWholeRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		rule := httpcache.Rule{Key: func(r *http.Request) string {
			seen = append(seen, strings.Join([]string{r.Method, r.Host, r.URL.String(), r.RequestURI, r.Header.Get("A")}, " "))
			return r.URL.Path
		}}
		s := serve(t, &httpcache.Options{Rule: rule}, changing(201, "Location", "http://a.example/y?z=1#part"))
		s.do(http.MethodPost, "/x", "A", "1")
		if len(seen) != 1 || seen[0] != "POST example.com /x /x 1" {
			t.Errorf("where Location is of another origin it saw %q", seen)
		}
		seen = nil
		r := request(http.MethodPost, "/x", "A", "1")
		r.Host = "a.example"
		s.send(r)
		if len(seen) != 2 || seen[1] != "GET a.example /y?z=1 /y?z=1 1" {
			t.Errorf("it saw %q", seen)
		}
	})
}

func TestTagsAreMadeAfterTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, state := false, "before"
		rule := httpcache.Rule{Tags: func(*http.Request) []string {
			made = true
			return []string{state}
		}}
		s := serve(t, &httpcache.Options{Rule: rule}, func(w http.ResponseWriter, r *http.Request) {
			if made {
				t.Error("they are made before the handler")
			}
			state = "after"
			saying("hello", "Cache-Control", "max-age=60")(w, r)
		})
		s.get("/x")
		settle()
		<-time.After(time.Second)
		if err := s.cache.InvalidateTags(t.Context(), "before"); err != nil || !s.isStored("/x") {
			t.Errorf("an invalidation of what it would have been takes it; %v", err)
		}
		if err := s.cache.InvalidateTags(t.Context(), "after"); err != nil || s.isStored("/x") {
			t.Errorf("an invalidation of what it is does not take it; %v", err)
		}
	})
}

// A rule of its own takes the place of the cache's, whole.
func TestHandlerForHasARuleOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: time.Hour, Key: byName}}, nil)
		s.handler = s.cache.HandlerFor(httpcache.Rule{TTL: time.Minute}, saying("hello"))
		first, second := s.twice()
		if first.status() != "larder; fwd=uri-miss; ttl=60; stored" || !second.isHit() {
			t.Errorf("%s, then %s", first.status(), second.status())
		}
	})
}
