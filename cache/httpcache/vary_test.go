package httpcache_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// varying answers with what it got in a field, and says that it varies by others.
func varying(by string, shown string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		saying(strings.Join(r.Header.Values(shown), "|"), "Cache-Control", "max-age=60", "Vary", by)(w, r)
	}
}

func TestARequestMatchesAResponseThatVaries(t *testing.T) {
	for _, c := range []struct {
		name          string
		vary          string
		first, second []string
		hit           bool
	}{
		{"with the same value", "A", []string{"A", "x"}, []string{"A", "x"}, true},
		{"not with another", "A", []string{"A", "x"}, []string{"A", "y"}, false},
		{"not with another case of the value, which may matter", "A", []string{"A", "x"}, []string{"A", "X"}, false},
		{"with another case of the name", "a-b", []string{"A-B", "x"}, []string{"a-b", "x"}, true},
		{"not where the field is absent", "A", []string{"A", "x"}, nil, false},
		{"not where the field is there and was absent", "A", nil, []string{"A", "x"}, false},
		{"not where the field is empty and was absent", "A", nil, []string{"A", ""}, false},
		{"where the field is absent as it was", "A", nil, nil, true},
		{"whatever another field is", "A", []string{"A", "x", "B", "1"}, []string{"A", "x", "B", "2"}, true},
		{"with the same values of two fields", "A, B", []string{"A", "x", "B", "1"}, []string{"A", "x", "B", "1"}, true},
		{"not with another value of the second", "A, B", []string{"A", "x", "B", "1"}, []string{"A", "x", "B", "2"}, false},
		{"not with two values that have changed places", "A, B", []string{"A", "x", "B", "y"}, []string{"A", "y", "B", "x"}, false},
		{"not where the end of one value has become the start of the next", "A, B", []string{"A", "xy", "B", "z"}, []string{"A", "x", "B", "yz"}, false},
		{"with other whitespace around members", "A", []string{"A", "x,y"}, []string{"A", "x ,\t y"}, true},
		{"with other whitespace around the value", "A", []string{"A", "x"}, []string{"A", " x\t"}, true},
		{"not with other whitespace within a member", "A", []string{"A", "x y"}, []string{"A", "x  y"}, false},
		{"not without the whitespace within a member", "A", []string{"A", "x y"}, []string{"A", "xy"}, false},
		{"with the same string", "A", []string{"A", `"x, y"`}, []string{"A", `"x, y"`}, true},
		{"not with other whitespace in a string", "A", []string{"A", `"x, y"`}, []string{"A", `"x,y"`}, false},
		{"with the members on one line or many", "A", []string{"A", "x, y"}, []string{"A", "x", "A", "y"}, true},
		{"with members that are empty", "A", []string{"A", "x, y"}, []string{"A", ",x,, y,"}, true},
		{"not with the members in another order", "A", []string{"A", "x, y"}, []string{"A", "y, x"}, false},
		{"not with a member less", "A", []string{"A", "x, y"}, []string{"A", "x"}, false},
		{"not with two members in one", "A", []string{"A", "x, y"}, []string{"A", "xy"}, false},
		{"not with a member twice", "A", []string{"A", "x"}, []string{"A", "x, x"}, false},
		{"not with what is two members for one of the two", "A", []string{"A", "x, y"}, []string{"A", `"x, y"`}, false},
		{"with a Vary of nothing, whatever the fields", ", ,", []string{"A", "x"}, []string{"A", "y"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, varying(c.vary, "A"))
				s.get("/x", c.first...)
				settle()
				if a := s.get("/x", c.second...); a.isHit() != c.hit {
					t.Errorf("Cache-Status: %s", a.status())
				}
			})
		})
	}
}

func TestAResponseVariesByTheHostAsTheClientWroteIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, varying("Host", "A"))
		s.get("http://a.example/x")
		settle()
		if a := s.get("http://a.example/x"); !a.isHit() {
			t.Errorf("with the same host %s", a.status())
		}
		if a := s.get("http://A.example/x"); a.isHit() {
			t.Errorf("with another spelling of it %s", a.status())
		}
	})
}

func TestVaryMayBeOnManyLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60", "Vary", "A", "Vary", "B, a"))
		s.get("/x", "A", "1", "B", "1")
		settle()
		if a := s.get("/x", "A", "1", "B", "1"); !a.isHit() {
			t.Errorf("with the same values %s", a.status())
		}
		for _, other := range [][]string{{"A", "2", "B", "1"}, {"A", "1", "B", "2"}} {
			if a := s.get("/x", other...); a.isHit() {
				t.Errorf("with %v %s", other, a.status())
			}
		}
	})
}

func TestEachVariantIsKeptBesideTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, varying("A", "A"))
		for i, want := range []string{"uri-miss", "vary-miss", "vary-miss"} {
			if a := s.get("/x", "A", fmt.Sprint(i)); a.status() != "larder; fwd="+want+"; ttl=60; stored" {
				t.Errorf("the first of %d is %s, want %s", i, a.status(), want)
			}
			settle()
		}
		for i := range 3 {
			if a := s.get("/x", "A", fmt.Sprint(i)); !a.isHit() || a.body != fmt.Sprint(i) {
				t.Errorf("the second of %d is %q, %s", i, a.body, a.status())
			}
		}
	})
}

// A handler that begins to look at another field tells of it with its next response; what it has answered before to others cannot be told apart
// by that field, and is asked for anew.
func TestAResponseThatVariesByMoreThanThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := "A"
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { varying(by, "B")(w, r) })
		s.get("/x", "A", "1", "B", "old")
		settle()
		by = "A, B"
		s.get("/x", "A", "2", "B", "one")
		settle()
		for _, c := range []struct {
			a, b string
			hit  bool
		}{
			{"2", "one", true},
			{"2", "two", false},
			{"1", "old", false},
			{"2", "two", true},
			{"1", "old", true},
		} {
			if got := s.get("/x", "A", c.a, "B", c.b); got.isHit() != c.hit || got.body != c.b {
				t.Errorf("for %s and %s: %q, %s", c.a, c.b, got.body, got.status())
			}
			settle()
		}
	})
}

func TestAResponseThatVariesByLessThanThoseBeforeIsToldApartByAllOfThem(t *testing.T) {
	for _, less := range []string{"A", "B", ""} {
		t.Run("by "+cmp.Or(less, "nothing"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				by := "A, B"
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { varying(by, "B")(w, r) })
				s.get("/x", "A", "1", "B", "one")
				settle()
				by = less
				s.get("/x", "A", "1", "B", "two")
				settle()
				for _, b := range []string{"one", "two"} {
					if a := s.get("/x", "A", "1", "B", b); !a.isHit() || a.body != b {
						t.Errorf("for %s: %q, %s", b, a.body, a.status())
					}
				}
				if a := s.get("/x", "A", "2", "B", "one"); a.isHit() {
					t.Errorf("for another value of A %s", a.status())
				}
			})
		})
	}
}

func TestAResponseThatVariesTakesThePlaceOfOneThatDidNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := ""
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { varying(by, "A")(w, r) })
		s.get("/x", "A", "1")
		settle()
		<-time.After(time.Minute)
		by = "A"
		s.get("/x", "A", "1")
		settle()
		if a := s.get("/x", "A", "2"); a.isHit() || a.body != "2" {
			t.Errorf("for another value %q %s", a.body, a.status())
		}
		settle()
		if a := s.get("/x", "A", "1"); !a.isHit() || a.body != "1" {
			t.Errorf("for the same value %q %s", a.body, a.status())
		}
	})
}

func TestAnInvalidationTakesAllVariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = io.WriteString(w, "done")
				return
			}
			varying("A", "A")(w, r)
		})
		for _, value := range []string{"1", "2", "3"} {
			s.get("/x", "A", value)
			settle()
		}
		s.do(http.MethodPost, "/x")
		for _, value := range []string{"1", "2", "3"} {
			if a := s.get("/x", "A", value, "Cache-Control", "only-if-cached"); a.isHit() {
				t.Errorf("of %s: %s", value, a.status())
			}
		}
	})
}
