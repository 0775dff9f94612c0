package httpcache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

// byPath tags a response with the parts of its path.
func byPath(r *http.Request) []string { return strings.Split(strings.Trim(r.URL.Path, "/"), "/") }

func TestInvalidateTags(t *testing.T) {
	for _, c := range []struct {
		name string
		tags []string
		want []string // what stays
	}{
		{"makes misses of all with one", []string{"a"}, []string{"/b", "/c"}},
		{"makes misses of those with any of many", []string{"b", "c"}, []string{"/a"}},
		{"does nothing to those that have it not", []string{"x"}, []string{"/a", "/a/b", "/b", "/c"}},
		{"is of tags as they are written", []string{"A", "a/b", ""}, []string{"/a", "/a/b", "/b", "/c"}},
		{"does nothing without tags", nil, []string{"/a", "/a/b", "/b", "/c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: byPath}}, saying("hello", "Cache-Control", "max-age=60"))
				all := []string{"/a", "/a/b", "/b", "/c"}
				for _, url := range all {
					s.get(url)
					settle()
				}
				<-time.After(time.Second)
				if err := s.cache.InvalidateTags(t.Context(), c.tags...); err != nil {
					t.Error(err)
				}
				var got []string
				for _, url := range all {
					if s.isStored(url) {
						got = append(got, url)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("stored are %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestATagAndAGroupOfOneNameAreTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: byPath}}, saying("hello", "Cache-Control", "max-age=60"))
		s.get("http://a.example/a")
		settle()
		for _, origin := range []string{"http://a.example", ""} {
			if err := s.cache.InvalidateGroups(t.Context(), origin, "a"); err != nil || !s.isStored("http://a.example/a") {
				t.Errorf("the invalidation of a group of %q took what has a tag; %v", origin, err)
			}
		}
	})
}

func TestWhatIsStoredAfterAnInvalidationStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: byPath}}, saying("hello", "Cache-Control", "max-age=60"))
		s.get("/a")
		settle()
		_ = s.cache.InvalidateTags(t.Context(), "a")
		<-time.After(time.Second)
		if a := s.get("/a"); a.status() != "larder; fwd=uri-miss; ttl=60; stored" {
			t.Errorf("Cache-Status: %s", a.status())
		}
		settle()
		if !s.isStored("/a") {
			t.Error("it does not")
		}
	})
}

// What the handler was making when a tag was invalidated may be from before it, also where the tag had never been stored.
func TestAResponseThatWasMadeDuringAnInvalidationIsNotStored(t *testing.T) {
	for _, c := range []struct {
		name   string
		known  bool // another response with the tag is stored
		tag    string
		stored bool
	}{
		{"of its tag, that is known", true, "a", false},
		{"of its tag, that nobody has used before", false, "a", false},
		{"of another tag it is", true, "x", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				made := make(chan struct{})
				s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: byPath}}, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/a/slow" {
						<-made
					}
					saying("hello", "Cache-Control", "max-age=60")(w, r)
				})
				if c.known {
					s.get("/a")
					settle()
				}
				done := make(chan answer)
				go func() { done <- s.get("/a/slow") }()
				<-time.After(time.Second)
				_ = s.cache.InvalidateTags(t.Context(), c.tag)
				<-time.After(time.Second)
				close(made)
				if a := <-done; a.body != "hello" {
					t.Errorf("who asked gets %q", a.body)
				}
				settle()
				if got := s.isStored("/a/slow"); got != c.stored {
					t.Errorf("it is stored: %t, want %t", got, c.stored)
				}
			})
		})
	}
}

func TestATaggedResponseIsKeptFor30Days(t *testing.T) {
	const days = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever, Tags: byPath}}, saying("hello"))
		s.get("/a")
		settle()
		<-time.After(30*days - time.Second)
		if !s.isStored("/a") {
			t.Error("a second before it is not")
		}
		<-time.After(time.Second)
		if s.isStored("/a") {
			t.Error("it is kept for longer")
		}
	})
}

// A tag lives as long as what has it: stored anew again and again, it does not end.
func TestATagThatIsUsedAgainLivesOn(t *testing.T) {
	const days = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever, Tags: byPath}}, saying("hello"))
		s.get("/a/1")
		settle()
		<-time.After(20 * days)
		s.get("/a/2")
		settle()
		<-time.After(20 * days)
		if !s.isStored("/a/2") {
			t.Error("the second response is a miss 40 days after the tag's first use")
		}
	})
}

func TestARuleHasUpTo256Tags(t *testing.T) {
	for _, c := range []struct {
		n    int
		want string
	}{
		{256, "larder; fwd=uri-miss; ttl=60; stored"},
		{257, "larder; fwd=uri-miss; detail=groups"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tags := func(*http.Request) (list []string) {
				for i := range c.n {
					list = append(list, fmt.Sprint(i))
				}
				return append(list, "0") // one tag twice is one
			}
			s := serve(t, &httpcache.Options{Rule: httpcache.Rule{Tags: tags}}, saying("hello", "Cache-Control", "max-age=60"))
			if a := s.get("/x"); a.status() != c.want {
				t.Errorf("%d: %s, want %s", c.n, a.status(), c.want)
			}
		})
	}
}
