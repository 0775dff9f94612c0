package httpcache_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// records returns what the cache has in its store.
func (s *service) records() map[string][]byte {
	s.t.Helper()
	c, all := s.store.Namespace("http"), make(map[string][]byte)
	for key, err := range c.Keys(s.t.Context(), "") {
		if err != nil {
			s.t.Fatal(err)
		}
		value, _, err := c.Get(s.t.Context(), key)
		if err != nil {
			s.t.Fatal(err)
		}
		all[key] = value
	}
	return all
}

// put writes a record under a key.
func (s *service) put(key string, value []byte) {
	s.t.Helper()
	if err := s.store.Namespace("http").Set(s.t.Context(), key, value, time.Minute); err != nil {
		s.t.Fatal(err)
	}
}

// base returns the key of the only record that has neither variants nor marks.
func base(all map[string][]byte) string {
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return len(a) - len(b) })[0]
}

// What is stored has the whole text that it is for: if two hashes were ever the same, nobody would get another's response.
func TestAResponseUnderTheKeyOfAnotherURLIsNotServed(t *testing.T) {
	for _, vary := range []string{"", "A"} {
		t.Run("that varies by "+strconv.Quote(vary), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					saying(r.URL.Path, "Cache-Control", "max-age=60", "Vary", vary)(w, r)
				})
				s.get("/x")
				settle()
				first := s.records()
				s.get("/y")
				settle()
				second := s.records()
				maps.DeleteFunc(second, func(key string, _ []byte) bool { return first[key] != nil })
				s.put(base(second), first[base(first)])
				for range 2 {
					if a := s.get("/y"); a.body != "/y" || a.status() != "larder; fwd=uri-miss; ttl=60" {
						t.Errorf("%q %s", a.body, a.status())
					}
					settle()
				}
				if a := s.get("/x"); a.body != "/x" || !a.isHit() {
					t.Errorf("the other is %q %s", a.body, a.status())
				}
			})
		})
	}
}

// A variant says of which URL, of which index and of what values it is.
func TestAVariantUnderTheKeyOfAnotherIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			n++
			saying(strconv.Itoa(n), "Cache-Control", "max-age=60", "Vary", "A")(w, r)
		})
		variants := func() (keys []string) {
			for key := range s.records() {
				if strings.Contains(key, ".") {
					keys = append(keys, key)
				}
			}
			return keys
		}
		s.get("/x", "A", "1")
		settle()
		old := s.records()
		one := variants()[0]
		s.get("/x", "A", "2")
		settle()
		other := slices.DeleteFunc(variants(), func(key string) bool { return key == one })[0]
		s.put(other, old[one])
		if a := s.get("/x", "A", "2", "Cache-Control", "only-if-cached"); a.isHit() {
			t.Errorf("that of other values is: %q", a.body)
		}
		s.do(http.MethodPost, "/x")
		s.get("/x", "A", "1")
		settle()
		for _, key := range variants() {
			if key != one && key != other {
				s.put(key, old[one])
			}
		}
		if a := s.get("/x", "A", "1", "Cache-Control", "only-if-cached"); a.isHit() {
			t.Errorf("that of before an invalidation is: %q", a.body)
		}
	})
}
