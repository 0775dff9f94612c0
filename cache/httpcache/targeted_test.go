package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
)

func TestATargetedFieldSaysHowLongAResponseIsFresh(t *testing.T) {
	const (
		own    = "Larder-Cache-Control"
		cdn    = "CDN-Cache-Control"
		common = "Cache-Control"
	)
	for _, c := range []struct {
		name   string
		fields []string
		want   time.Duration
	}{
		{"in this cache's own", []string{own, "max-age=60", common, "max-age=600"}, time.Minute},
		{"in that for all such caches", []string{cdn, "max-age=60", common, "max-age=600"}, time.Minute},
		{"in its own before that for all", []string{own, "max-age=60", cdn, "max-age=600", common, "max-age=5"}, time.Minute},
		{"though Cache-Control says no-store", []string{cdn, "max-age=60", common, "no-store"}, time.Minute},
		{"though Cache-Control says private", []string{cdn, "max-age=60", common, "private"}, time.Minute},
		{"though Cache-Control says must-revalidate and no-cache", []string{cdn, "max-age=60", common, "no-cache, must-revalidate"}, time.Minute},
		{"though that for all says no-store", []string{own, "max-age=60", cdn, "no-store"}, time.Minute},
		{"before Expires", []string{cdn, "max-age=60", "Expires", "Sat, 01 Jan 2000 01:00:00 GMT"}, time.Minute},
		{"as s-maxage before max-age", []string{cdn, "max-age=600, s-maxage=60"}, time.Minute},
		{"on many lines", []string{cdn, "public", cdn, "max-age=60"}, time.Minute},
		{"in the last of many members, as a Dictionary has it", []string{cdn, "max-age=600, max-age=60"}, time.Minute},
		{"with parameters, that say nothing", []string{cdn, "max-age=60;x=1;y"}, time.Minute},
		{"beside members that nobody knows", []string{cdn, `max-age=60, x=(1 2), y="z"`}, time.Minute},
		{"beside a member that is false", []string{cdn, "max-age=60, no-store=?0, private=?0"}, time.Minute},
		{"beside a member whose value has not its type", []string{cdn, "max-age=60, no-store=1, stale-while-revalidate=?1"}, time.Minute},
		{"not where it says no-store", []string{cdn, "no-store, max-age=60", common, "max-age=60"}, 0},
		{"not where it says private", []string{cdn, "private, max-age=60", common, "max-age=60"}, 0},
		{"not where it says nothing of that, and Expires does", []string{cdn, "public", "Expires", "Sat, 01 Jan 2000 01:00:00 GMT"}, 0},
		{"not where it says nothing of that, and Cache-Control does", []string{cdn, "public", common, "max-age=60"}, 0},
		{"not by a max-age that has not its type, which is none", []string{cdn, "max-age=60.0", common, "max-age=60"}, 0},
		{"not by a max-age that is a string, which is none", []string{cdn, `max-age="60"`, common, "max-age=60"}, 0},
		{"not by a max-age below zero, which is none", []string{cdn, "max-age=-60", common, "max-age=60"}, 0},
		{"not by a max-age without a value, which is none", []string{cdn, "max-age", common, "max-age=60"}, 0},
		{"not in capitals, which no key of a Dictionary has", []string{cdn, "MAX-AGE=600", common, "max-age=60"}, time.Minute},
		{"not where it is no Dictionary: then Cache-Control says it", []string{cdn, "max-age=600, &", common, "max-age=60"}, time.Minute},
		{"not where it is empty: then Cache-Control says it", []string{cdn, "", common, "max-age=60"}, time.Minute},
		{"not in its own where that is no Dictionary: then that for all says it", []string{own, "max-age=;", cdn, "max-age=60", common, "max-age=600"}, time.Minute},
		{"not in another's own", []string{"Other-Cache-Control", "max-age=600", common, "max-age=60"}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { serve(t, nil, saying("hello", c.fields...)).lasts(c.want) })
		})
	}
}

func TestATargetedFieldAllows(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		asked  []string
		at     time.Duration
		want   string
	}{
		{"to give a response to Authorization to all", []string{"CDN-Cache-Control", "public, max-age=60"}, []string{"Authorization", "x"}, time.Second, "larder; hit; ttl=59"},
		{"not to do so by what Cache-Control says", []string{"CDN-Cache-Control", "max-age=60", "Cache-Control", "public"}, []string{"Authorization", "x"}, time.Second, "larder; fwd=uri-miss; detail=credentials"},
		{"stale-while-revalidate", []string{"CDN-Cache-Control", "max-age=60, stale-while-revalidate=60"}, nil, 70 * time.Second, "larder; hit; ttl=-10"},
		{"not what Cache-Control does", []string{"CDN-Cache-Control", "max-age=60", "Cache-Control", "max-age=600, stale-while-revalidate=60"}, nil, 70 * time.Second, "larder; fwd=uri-miss; ttl=60; stored"},
		{"a lifetime that does not fit, which is the longest that does", []string{"CDN-Cache-Control", "max-age=999999999999999"}, nil, time.Second, "larder; hit; ttl=2147483647"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("hello", c.fields...))
				s.get("/x", c.asked...)
				settle()
				<-time.After(c.at)
				if got := s.get("/x", c.asked...).status(); got != c.want {
					t.Errorf("Cache-Status is %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestATargetedFieldNamesFieldsThatAreNotStored(t *testing.T) {
	for _, control := range []string{`max-age=60, private="X-User"`, `max-age=60, no-cache="x-other, x-user"`} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, saying("hello", "CDN-Cache-Control", control, "X-User", "1"))
			if _, second := s.twice(); !second.isHit() || second.Header.Get("X-User") != "" {
				t.Errorf("%s: %s, %v", control, second.status(), second.Header)
			}
		})
	}
}

// What is for this cache alone no client gets; what is for all such caches goes on to the next.
func TestTheFieldOfThisCacheAloneIsNotSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Larder-Cache-Control", "max-age=60", "CDN-Cache-Control", "max-age=5", "Cache-Control", "private"))
		first, second := s.twice()
		posted := s.do(http.MethodPost, "/x")
		for name, a := range map[string]answer{"the first": first, "a hit": second, "a POST": posted} {
			if got := a.Header.Get("Larder-Cache-Control"); got != "" {
				t.Errorf("%s has Larder-Cache-Control %q", name, got)
			}
			if a.Header.Get("Cdn-Cache-Control") != "max-age=5" || a.Header.Get("Cache-Control") != "private" {
				t.Errorf("%s has %v", name, a.Header)
			}
		}
	})
}

func TestTheFieldOfThisCacheAloneHasItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &httpcache.Options{Name: "my-cache2"}, saying("hello", "my-cache2-cache-control", "max-age=60", "Larder-Cache-Control", "no-store"))
		first, second := s.twice()
		if first.status() != "my-cache2; fwd=uri-miss; ttl=60; stored" || second.status() != "my-cache2; hit; ttl=60" {
			t.Errorf("%s, then %s", first.status(), second.status())
		}
		if got := second.Header["My-Cache2-Cache-Control"]; got != nil {
			t.Errorf("sent on is %q", got)
		}
	})
}

func TestARuleGivesALifetimeWhereATargetedFieldDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &httpcache.Options{Rule: httpcache.Rule{TTL: cache.Forever}}
		s := serve(t, o, saying("hello", "CDN-Cache-Control", "public", "Expires", "0"))
		if _, second := s.twice(); second.status() != "larder; hit" {
			t.Errorf("Cache-Status: %s", second.status())
		}
	})
}

// RFC 9111 section 3.2: what a 304 does not say is as it was, also what only this cache was told.
func TestATargetedFieldHoldsAfterA304(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string // of the 304
		want   string
	}{
		{"that has it too", []string{"Larder-Cache-Control", "max-age=60", "Cache-Control", "no-store"}, "larder; fwd=stale; fwd-status=304; ttl=60; stored"},
		{"that has another", []string{"Larder-Cache-Control", "max-age=90", "Cache-Control", "no-store"}, "larder; fwd=stale; fwd-status=304; ttl=90; stored"},
		{"that has only the common one", []string{"Cache-Control", "no-store"}, "larder; fwd=stale; fwd-status=304; ttl=60; stored"},
		{"that has none", nil, "larder; fwd=stale; fwd-status=304; ttl=60; stored"},
		{"but for one that forbids to store it", []string{"Larder-Cache-Control", "no-store"}, "larder; fwd=stale; fwd-status=304; detail=no-store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("If-None-Match") != "" {
						answering(http.StatusNotModified, "", c.fields...)(w, r)
						return
					}
					saying("hello", "Etag", `"1"`, "Larder-Cache-Control", "max-age=60", "Cache-Control", "no-store")(w, r)
				})
				a := s.after(70 * time.Second)
				if got := a.status(); got != c.want || a.body != "hello" || a.Header.Get("Larder-Cache-Control") != "" {
					t.Errorf("Cache-Status is %q, want %q; %v", got, c.want, a.Header)
				}
			})
		})
	}
}
