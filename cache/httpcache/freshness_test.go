package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

// lasts fails where a response that s gives is not fresh for d, and no longer. It looks a second before and at the end.
func (s *service) lasts(d time.Duration) {
	s.t.Helper()
	s.get("/x")
	settle()
	if d > 0 {
		<-time.After(d - time.Second)
		if a := s.get("/x"); !a.isHit() {
			s.t.Errorf("a second before %v: %s", d, a.status())
		}
		<-time.After(time.Second)
	}
	if a := s.get("/x"); a.isHit() {
		s.t.Errorf("after %v: %s", d, a.status())
	}
}

func TestAResponseIsFresh(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		want   time.Duration
	}{
		{"for max-age", []string{"Cache-Control", "max-age=60"}, time.Minute},
		{"for max-age in quotes", []string{"Cache-Control", `max-age="60"`}, time.Minute},
		{"for s-maxage before max-age", []string{"Cache-Control", "max-age=600, s-maxage=60"}, time.Minute},
		{"for s-maxage before a shorter max-age", []string{"Cache-Control", "s-maxage=60, max-age=6"}, time.Minute},
		{"for max-age before Expires", []string{"Cache-Control", "max-age=60", "Expires", "Sat, 01 Jan 2000 01:00:00 GMT"}, time.Minute},
		{"for s-maxage before Expires", []string{"Cache-Control", "s-maxage=60", "Expires", "Sat, 01 Jan 2000 01:00:00 GMT"}, time.Minute},
		{"until Expires", []string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, time.Minute},
		{"until Expires in the form of RFC 850", []string{"Expires", "Saturday, 01-Jan-00 00:01:00 GMT"}, time.Minute},
		{"until Expires, that is there twice", []string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT", "Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, time.Minute},
		{"for what Expires is after Date, less what Date is in the past", []string{"Date", "Fri, 31 Dec 1999 23:59:30 GMT", "Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, time.Minute},
		{"for what Expires is after a Date of a clock that is fast", []string{"Date", "Sat, 01 Jan 2000 00:01:00 GMT", "Expires", "Sat, 01 Jan 2000 00:02:00 GMT"}, time.Minute},
		{"not at all by an Expires of the past", []string{"Expires", "Fri, 31 Dec 1999 23:59:59 GMT"}, 0},
		{"not at all by an Expires of 0", []string{"Expires", "0", "Last-Modified", "Fri, 01 Jan 1999 00:00:00 GMT"}, 0},
		{"not at all by two that contradict each other", []string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT", "Expires", "Sat, 01 Jan 2000 00:02:00 GMT"}, 0},
		{"for the shortest of many max-age", []string{"Cache-Control", "max-age=600, max-age=60", "Cache-Control", "max-age=3600"}, time.Minute},
		{"for the shortest of many s-maxage", []string{"Cache-Control", "s-maxage=600", "Cache-Control", "s-maxage=60"}, time.Minute},
		{"not at all by a max-age that is no number", []string{"Cache-Control", "max-age=a", "Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, 0},
		{"not at all by a max-age below zero", []string{"Cache-Control", "max-age=-60"}, 0},
		{"not at all by a max-age with fractions", []string{"Cache-Control", "max-age=60.0"}, 0},
		{"not at all by a max-age of nothing", []string{"Cache-Control", "max-age="}, 0},
		{"not at all by an s-maxage that is no number", []string{"Cache-Control", "max-age=60, s-maxage=?"}, 0},
		{"for max-age, though what is no directive stands beside it", []string{"Cache-Control", "max-age=60, x-max-age=1, =, ,"}, time.Minute},
		{"for a tenth of the time since it was modified", []string{"Last-Modified", "Fri, 31 Dec 1999 23:50:00 GMT"}, time.Minute},
		{"for a tenth of the time from Last-Modified to Date, less its age", []string{"Last-Modified", "Fri, 31 Dec 1999 23:39:30 GMT", "Date", "Fri, 31 Dec 1999 23:59:30 GMT"}, 90 * time.Second},
		{"for a day at most where nobody says how long", []string{"Last-Modified", "Wed, 01 Jan 1975 00:00:00 GMT"}, 24 * time.Hour},
		{"not at all where it was modified in the future", []string{"Last-Modified", "Sun, 02 Jan 2000 00:00:00 GMT"}, 0},
		{"not by a guess where Cache-Control says 0", []string{"Last-Modified", "Fri, 31 Dec 1999 23:50:00 GMT", "Cache-Control", "max-age=0"}, 0},
		{"less the age that it came with", []string{"Cache-Control", "max-age=90", "Age", "30"}, time.Minute},
		{"less the first of many ages", []string{"Cache-Control", "max-age=90", "Age", "30, 80", "Age", "85"}, time.Minute},
		{"whatever an Age says that is no number", []string{"Cache-Control", "max-age=60", "Age", "-30"}, time.Minute},
		{"less what Date is in the past", []string{"Cache-Control", "max-age=90", "Date", "Fri, 31 Dec 1999 23:59:30 GMT"}, time.Minute},
		{"less the greater of age and Date", []string{"Cache-Control", "max-age=90", "Date", "Fri, 31 Dec 1999 23:59:30 GMT", "Age", "20"}, time.Minute},
		{"not at all where it is older than it may be", []string{"Cache-Control", "max-age=60", "Age", "60"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { serve(t, nil, saying("hello", c.fields...)).lasts(c.want) })
		})
	}
}

func TestALifetimeThatDoesNotFitIsTheLongestThatDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=99999999999999999999999999"))
		if got, want := s.get("/x").status(), "larder; fwd=uri-miss; ttl=2147483648; stored"; got != want {
			t.Errorf("Cache-Status is %q, want %q", got, want)
		}
	})
}

func TestALifetimeOfARule(t *testing.T) {
	const ttl = time.Minute
	for _, c := range []struct {
		name   string
		status int
		fields []string
		want   time.Duration
	}{
		{"holds where the response says nothing", 200, nil, ttl},
		{"holds for redirections that are permanent", 301, []string{"Location", "/y"}, ttl},
		{"holds for redirections that are permanent and keep the method", 308, []string{"Location", "/y"}, ttl},
		{"does not hold for others", 302, []string{"Location", "/y"}, 0},
		{"does not hold for what is not there", 404, nil, 0},
		{"wins over a guess", 200, []string{"Last-Modified", "Fri, 31 Dec 1999 23:58:20 GMT"}, ttl},
		{"holds where Cache-Control says nothing of it", 200, []string{"Cache-Control", "public"}, ttl},
		{"gives way to max-age", 200, []string{"Cache-Control", "max-age=5"}, 5 * time.Second},
		{"gives way to s-maxage", 200, []string{"Cache-Control", "s-maxage=500"}, 500 * time.Second},
		{"gives way to a max-age of 0", 200, []string{"Cache-Control", "max-age=0"}, 0},
		{"gives way to a max-age that is no number", 200, []string{"Cache-Control", "max-age=x"}, 0},
		{"gives way to Expires", 200, []string{"Expires", "Sat, 01 Jan 2000 00:00:05 GMT"}, 5 * time.Second},
		{"gives way to an Expires of the past", 200, []string{"Expires", "0"}, 0},
		{"gives way to no-cache", 200, []string{"Cache-Control", "no-cache"}, 0},
		{"gives way to private", 200, []string{"Cache-Control", "private"}, 0},
		{"gives way to no-store", 200, []string{"Cache-Control", "no-store"}, 0},
		{"gives way to max-age of what is not there", 404, []string{"Cache-Control", "max-age=5"}, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: ttl}}, answering(c.status, "", c.fields...)).lasts(c.want)
			})
		})
	}
}

func TestForeverHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}}, saying("hello"))
		first, _ := s.twice()
		<-time.After(20 * 365 * 24 * time.Hour)
		if a := s.get("http://a.example/x"); first.status() != "larder; fwd=uri-miss; stored" || a.status() != "larder; hit" {
			t.Errorf("first %s, 20 years later %s", first.status(), a.status())
		}
	})
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		takes  time.Duration // the handler
		rests  time.Duration // the response, in the cache
		want   string
	}{
		{"is 0 at once", nil, 0, 0, "0"},
		{"counts the time in the cache, without fractions", nil, 0, 9900 * time.Millisecond, "9"},
		{"counts from what the response came with", []string{"Age", "30"}, 0, 10 * time.Second, "40"},
		{"counts the time that the handler took, for Age is as of when it was asked", []string{"Age", "30"}, 5 * time.Second, 10 * time.Second, "45"},
		{"counts from Date where that makes it older", []string{"Age", "3", "Date", "Fri, 31 Dec 1999 23:59:30 GMT"}, 0, 10 * time.Second, "40"},
		{"is not below 0 by a Date of a clock that is fast", []string{"Date", "Sat, 01 Jan 2000 00:01:00 GMT"}, 0, 0, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					<-time.After(c.takes)
					saying("hello", append(c.fields, "Cache-Control", "max-age=600")...)(w, r)
				})
				s.get("/x")
				settle()
				<-time.After(c.rests)
				if a := s.get("/x"); !a.isHit() || a.Header.Get("Age") != c.want || len(a.Header["Age"]) != 1 {
					t.Errorf("%s, with Age %q, want %s", a.status(), a.Header["Age"], c.want)
				}
			})
		})
	}
}
