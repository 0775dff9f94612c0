package httpcache_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// What a client asks for with Cache-Control (RFC 9111 section 5.2.1) of a response that is fresh for 60 seconds, after some time.
func TestAClientThatIsObeyed(t *testing.T) {
	const (
		hit       = "hit"
		asked     = "fwd=request; fwd-status=304" // the handler is asked for the client's sake
		stale     = "fwd=stale; fwd-status=304"
		nothing   = "detail=only-if-cached"
		unchanged = "max-age=60"
	)
	for _, c := range []struct {
		name     string
		response string
		at       time.Duration
		fields   []string
		want     string
	}{
		{"gets a fresh response where it says nothing", unchanged, 20 * time.Second, nil, hit},
		{"has no-cache ask the handler", unchanged, 20 * time.Second, []string{"Cache-Control", "no-cache"}, asked},
		{"has no-cache ask the handler, in capitals and among others", unchanged, 20 * time.Second, []string{"Cache-Control", "x, NO-CACHE"}, asked},
		{"has no-cache ask the handler, whatever max-stale allows", unchanged, 20 * time.Second, []string{"Cache-Control", "no-cache, max-stale"}, asked},
		{"has Pragma ask the handler", unchanged, 20 * time.Second, []string{"Pragma", "no-cache"}, asked},
		{"has Pragma ask the handler, in capitals and among others", unchanged, 20 * time.Second, []string{"Pragma", "x, No-Cache"}, asked},
		{"has another Pragma do nothing", unchanged, 20 * time.Second, []string{"Pragma", "cache"}, hit},
		{"has Pragma do nothing beside Cache-Control", unchanged, 20 * time.Second, []string{"Pragma", "no-cache", "Cache-Control", "max-age=30"}, hit},
		{"has max-age allow what is as old", unchanged, 20 * time.Second, []string{"Cache-Control", "max-age=20"}, hit},
		{"has max-age allow nothing that is older", unchanged, 20 * time.Second, []string{"Cache-Control", "max-age=19"}, asked},
		{"has max-age=0 allow what is from this very moment", unchanged, 0, []string{"Cache-Control", "max-age=0"}, hit},
		{"has max-age=0 allow nothing that is older", unchanged, time.Second, []string{"Cache-Control", "max-age=0"}, asked},
		{"has a max-age that is no number count as 0", unchanged, time.Second, []string{"Cache-Control", "max-age=x"}, asked},
		{"has the shorter of two max-age hold", unchanged, 20 * time.Second, []string{"Cache-Control", "max-age=30, max-age=10"}, asked},
		{"does not make fresh by max-age what is stale", unchanged, 70 * time.Second, []string{"Cache-Control", "max-age=600"}, stale},
		{"has max-age hold beside max-stale", unchanged, 20 * time.Second, []string{"Cache-Control", "max-age=10, max-stale=600"}, asked},
		{"has min-fresh allow what is fresh for as long", unchanged, 20 * time.Second, []string{"Cache-Control", "min-fresh=40"}, hit},
		{"has min-fresh allow nothing that is fresh for less", unchanged, 20 * time.Second, []string{"Cache-Control", "min-fresh=41"}, asked},
		{"has the longer of two min-fresh hold", unchanged, 20 * time.Second, []string{"Cache-Control", "min-fresh=50, min-fresh=10"}, asked},
		{"has a min-fresh that is no number do nothing", unchanged, 20 * time.Second, []string{"Cache-Control", "min-fresh=x"}, hit},
		{"has max-stale allow what is as stale", unchanged, 70 * time.Second, []string{"Cache-Control", "max-stale=10"}, hit},
		{"has max-stale allow nothing that is staler", unchanged, 71 * time.Second, []string{"Cache-Control", "max-stale=10"}, stale},
		{"has max-stale without a number allow all that is stale", unchanged, 1000 * time.Second, []string{"Cache-Control", "max-stale"}, hit},
		{"has max-stale of no number allow nothing that is stale", unchanged, 61 * time.Second, []string{"Cache-Control", "max-stale=x"}, stale},
		{"has the narrower of two max-stale hold", unchanged, 71 * time.Second, []string{"Cache-Control", "max-stale=10, max-stale=100"}, stale},
		{"has max-stale with a number hold before it", unchanged, 71 * time.Second, []string{"Cache-Control", "max-stale=10, max-stale"}, stale},
		{"has max-stale with a number hold after it", unchanged, 71 * time.Second, []string{"Cache-Control", "max-stale, max-stale=10"}, stale},
		{"does not get by max-stale what must be revalidated", "max-age=60, must-revalidate", 61 * time.Second, []string{"Cache-Control", "max-stale"}, stale},
		{"does not get by max-stale what says no-cache", "max-age=60, no-cache", time.Second, []string{"Cache-Control", "max-stale"}, stale},
		{"gets by only-if-cached what is fresh", unchanged, 20 * time.Second, []string{"Cache-Control", "only-if-cached"}, hit},
		{"gets by only-if-cached nothing that is stale", unchanged, 70 * time.Second, []string{"Cache-Control", "only-if-cached"}, nothing},
		{"gets by only-if-cached what max-stale allows", unchanged, 70 * time.Second, []string{"Cache-Control", "only-if-cached, max-stale"}, hit},
		{"gets by only-if-cached nothing that no-cache wants to be asked for", unchanged, 20 * time.Second, []string{"Cache-Control", "only-if-cached, no-cache"}, nothing},
		{"gets by no-store what is stored already", unchanged, 20 * time.Second, []string{"Cache-Control", "no-store"}, hit},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{ObeyClients: true}, tagged(`"1"`, "Cache-Control", c.response))
				if got := s.after(c.at, c.fields...).status(); !strings.HasPrefix(got, "larder; "+c.want) {
					t.Errorf("Cache-Status is %q, want %q", got, c.want)
				}
			})
		})
	}
}

// tagged answers with a tag, and 304 to who has it.
func tagged(tag string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			answering(http.StatusNotModified, "", fields...)(w, r)
			return
		}
		saying("hello", fields...)(w, r)
	}
}

// Otherwise anyone could have the handler called at will.
func TestAClientThatIsNotObeyed(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     time.Duration
		fields []string
		want   string
	}{
		{"gets a fresh response though it says no-cache", 20 * time.Second, []string{"Cache-Control", "no-cache"}, "larder; hit; ttl=40"},
		{"gets a fresh response though Pragma says no-cache", 20 * time.Second, []string{"Pragma", "no-cache"}, "larder; hit; ttl=40"},
		{"gets a fresh response though it says max-age=0", 20 * time.Second, []string{"Cache-Control", "max-age=0"}, "larder; hit; ttl=40"},
		{"gets a fresh response though it says min-fresh", 20 * time.Second, []string{"Cache-Control", "min-fresh=50"}, "larder; hit; ttl=40"},
		{"gets nothing stale though it says max-stale", 70 * time.Second, []string{"Cache-Control", "max-stale"}, "larder; fwd=stale; fwd-status=304; ttl=60; stored"},
		{"gets by only-if-cached what is fresh", 20 * time.Second, []string{"Cache-Control", "only-if-cached"}, "larder; hit; ttl=40"},
		{"gets by only-if-cached nothing that is stale", 70 * time.Second, []string{"Cache-Control", "only-if-cached, max-stale"}, "larder; detail=only-if-cached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, tagged(`"1"`, "Cache-Control", "max-age=60"))
				if got := s.after(c.at, c.fields...).status(); got != c.want {
					t.Errorf("Cache-Status is %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestNothingIsStoredForARequestThatSaysNoStore(t *testing.T) {
	for _, obeys := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, &httpcache.Options{ObeyClients: obeys}, saying("hello", "Cache-Control", "max-age=60"))
			first, second := s.twice("Cache-Control", "no-store")
			if first.status() != "larder; fwd=uri-miss" || second.status() != "larder; fwd=uri-miss" || second.body != "hello" {
				t.Errorf("%s, then %s", first.status(), second.status())
			}
		})
	}
}

// What is stored stays, and what a request with no-store brings does not take its place.
func TestARequestThatSaysNoStoreChangesNothingThatIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, &httpcache.Options{ObeyClients: true}, func(w http.ResponseWriter, r *http.Request) {
			n++
			saying(strconv.Itoa(n), "Cache-Control", "max-age=60")(w, r)
		})
		if a := s.after(20*time.Second, "Cache-Control", "no-store, no-cache"); a.body != "2" || a.status() != "larder; fwd=request" {
			t.Errorf("%q %s", a.body, a.status())
		}
		if a := s.get("/x"); a.body != "1" || !a.isHit() {
			t.Errorf("afterwards %q %s", a.body, a.status())
		}
	})
}

func TestOnlyIfCachedIs504WhereNothingIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.do(method, "/x", "Cache-Control", "only-if-cached")
			if a.StatusCode != http.StatusGatewayTimeout || a.status() != "larder; detail=only-if-cached" || s.calls.Load() != 0 {
				t.Errorf("%s: %d %s, after %d calls", method, a.StatusCode, a.status(), s.calls.Load())
			}
		}
	})
}

func TestWhatAClientHasFetchedAnewIsStoredForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s := serve(t, &httpcache.Options{ObeyClients: true}, func(w http.ResponseWriter, r *http.Request) {
			n++
			saying(strconv.Itoa(n), "Cache-Control", "max-age=60")(w, r)
		})
		if a := s.after(20*time.Second, "Cache-Control", "no-cache"); a.body != "2" || a.status() != "larder; fwd=request; ttl=60; stored" {
			t.Errorf("%q %s", a.body, a.status())
		}
		if a := s.get("/x"); a.body != "2" || !a.isHit() {
			t.Errorf("afterwards %q %s", a.body, a.status())
		}
	})
}
