package httpcache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// grouped answers GET of /x with a response in some groups, and all else with those that it invalidates, other methods with a status.
func grouped(groups []string, status int, invalidates ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.URL.Path == "/x" {
			h["Cache-Groups"] = groups
		}
		if r.URL.Path != "/x" || r.Method != http.MethodGet {
			h["Cache-Group-Invalidation"] = invalidates
		}
		h.Set("Cache-Control", "max-age=60")
		if r.Method != http.MethodGet {
			w.WriteHeader(status)
		}
	}
}

// RFC 9875.
func TestAChangeMakesAMissOfTheGroupsThatItNames(t *testing.T) {
	for _, c := range []struct {
		name        string
		groups      []string
		method, url string
		status      int
		invalidates []string
		stays       bool
	}{
		{"of one", []string{`"a"`}, "POST", "/y", 200, []string{`"a"`}, false},
		{"of one of many", []string{`"a", "b"`}, "POST", "/y", 200, []string{`"b"`}, false},
		{"of one on another line", []string{`"a"`, `"b"`}, "POST", "/y", 200, []string{`"x"`, `"b"`}, false},
		{"of one with parameters, that say nothing", []string{`"a";x=1`}, "POST", "/y", 200, []string{`"a";y`}, false},
		{"of one beside members of other types", []string{`"a", 1, b`}, "POST", "/y", 200, []string{`("x" "y"), "a"`}, false},
		{"not of another", []string{`"a"`}, "POST", "/y", 200, []string{`"b"`}, true},
		{"not of one in another case", []string{`"a"`}, "POST", "/y", 200, []string{`"A"`}, true},
		{"not of a token, which is no group", []string{`a`}, "POST", "/y", 200, []string{`a`}, true},
		{"not by what is no list", []string{`"a"`}, "POST", "/y", 200, []string{`"a", &`}, true},
		{"not where what it was in is no list", []string{`"a", &`}, "POST", "/y", 200, []string{`"a"`}, true},
		{"not of another origin", []string{`"a"`}, "POST", "http://b.example/y", 200, []string{`"a"`}, true},
		{"not by an error", []string{`"a"`}, "POST", "/y", 500, []string{`"a"`}, true},
		{"not by a safe method", []string{`"a"`}, "GET", "/y", 200, []string{`"a"`}, true},
		{"not by OPTIONS", []string{`"a"`}, "OPTIONS", "/y", 200, []string{`"a"`}, true},
		{"and of no others for its own URL", []string{`"a"`}, "POST", "/y", 200, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, grouped(c.groups, c.status, c.invalidates...))
				s.get("/x")
				settle()
				s.do(c.method, c.url)
				settle()
				if got := s.isStored("/x"); got != c.stays {
					t.Errorf("it is stored: %t, want %t", got, c.stays)
				}
			})
		})
	}
}

func TestInvalidateGroups(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin string
		groups []string
		stays  bool
	}{
		{"makes a miss of those in one", "http://a.example", []string{"a"}, false},
		{"makes a miss of those in one of many", "http://a.example", []string{"x", "b"}, false},
		{"knows an origin in capitals", "HTTP://A.example", []string{"a"}, false},
		{"knows the port that a scheme has", "http://a.example:80", []string{"a"}, false},
		{"is of one origin", "http://b.example", []string{"a"}, true},
		{"is of one scheme", "https://a.example", []string{"a"}, true},
		{"is of one port", "http://a.example:8080", []string{"a"}, true},
		{"is of groups as they are written", "http://a.example", []string{"A", `"a"`, "a, b"}, true},
		{"does nothing without groups", "http://a.example", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, grouped([]string{`"a", "b"`}, 200))
				s.get("http://a.example/x")
				settle()
				if err := s.cache.InvalidateGroups(t.Context(), c.origin, c.groups...); err != nil {
					t.Error(err)
				}
				if got := s.isStored("http://a.example/x"); got != c.stays {
					t.Errorf("it is stored: %t, want %t", got, c.stays)
				}
			})
		})
	}
}

// groupNames is a list of so many groups.
func groupNames(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"g%d"`, i)
	}
	return strings.Join(list, ", ")
}

// RFC 9875 section 2.1 asks for 128 groups at least.
func TestAResponseMayBeInSoManyGroups(t *testing.T) {
	for _, c := range []struct {
		n    int
		want string
	}{
		{128, "larder; fwd=uri-miss; ttl=60; stored"},
		{256, "larder; fwd=uri-miss; ttl=60; stored"},
		{257, "larder; fwd=uri-miss; detail=groups"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, grouped([]string{groupNames(c.n)}, 200))
			if a := s.get("http://a.example/x"); a.status() != c.want {
				t.Errorf("%d: %s, want %s", c.n, a.status(), c.want)
			}
			settle()
			if got := s.isStored("http://a.example/x"); got != (c.n <= 256) {
				t.Errorf("%d: it is stored: %t", c.n, got)
			}
			if err := s.cache.InvalidateGroups(t.Context(), "http://a.example", fmt.Sprint("g", c.n-1)); err != nil || s.isStored("http://a.example/x") {
				t.Errorf("%d: it is stored after its last group has been invalidated; %v", c.n, err)
			}
		})
	}
}

// A client sees the groups too, for its own cache.
func TestGroupsAreSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, grouped([]string{`"a"`}, 200, `"b"`))
		if _, second := s.twice(); !second.isHit() || second.Header.Get("Cache-Groups") != `"a"` {
			t.Errorf("a hit has %v", second.Header)
		}
		if a := s.do(http.MethodPost, "/y"); a.Header.Get("Cache-Group-Invalidation") != `"b"` {
			t.Errorf("a POST has %v", a.Header)
		}
	})
}
