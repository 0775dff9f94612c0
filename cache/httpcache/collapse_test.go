package httpcache_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

func TestConcurrentMissesRunTheHandlerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			<-gate
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("X-Own", "kept")
			_, _ = io.WriteString(w, strings.Repeat("page ", 1000))
		})
		all := s.beginMany(100, "/x")
		s.wantCalls(t, 1)
		close(gate)
		statuses := map[string]int{}
		first := (<-all[0]).answer
		for i, c := range all {
			a := first
			if i > 0 {
				a = (<-c).answer
			}
			statuses[a.status()]++
			if a.StatusCode != http.StatusOK || a.body != first.body || len(a.body) != 5000 || a.Header.Get("X-Own") != "kept" {
				t.Errorf("request %d got %d, %d bytes, %v", i, a.StatusCode, len(a.body), a.Header)
			}
		}
		if want := map[string]int{"larder; fwd=uri-miss; ttl=60; stored": 1, "larder; fwd=uri-miss; collapsed": 99}; !maps.Equal(statuses, want) {
			t.Errorf("Cache-Status: %v, want %v", statuses, want)
		}
		s.wantCalls(t, 1)
		settle()
		s.get("/x").wantStatus(t, "larder; hit; ttl=60")
	})
}

func TestConcurrentRequestsForAStaleResponseValidateItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Etag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				<-gate
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, "page")
		})
		s.get("/x")
		<-time.After(2 * time.Minute)
		all := s.beginMany(20, "/x")
		s.wantCalls(t, 2)
		close(gate)
		for i, c := range all {
			a := <-c
			if a.StatusCode != http.StatusOK || a.body != "page" {
				t.Errorf("request %d got %d %q", i, a.StatusCode, a.body)
			}
			if got := a.status(); got != "larder; fwd=stale; collapsed" && got != "larder; fwd=stale; fwd-status=304; ttl=60; stored" {
				t.Errorf("request %d has Cache-Status %q", i, got)
			}
		}
		s.wantCalls(t, 2)
	})
}

// unshareable are responses that answer one request only: their fields by the reason.
func unshareable() map[string][]string {
	return map[string][]string{
		"private":                           {"Cache-Control", "private, max-age=60"},
		"no-store":                          {"Cache-Control", "no-store"},
		"a cookie is set":                   {"Cache-Control", "max-age=60", "Set-Cookie", "session=1"},
		"varies by everything":              {"Cache-Control", "max-age=60", "Vary", "*"},
		"nothing says how long it is fresh": {},
		"stale from the start":              {"Cache-Control", "max-age=0", "Etag", `"1"`},
		"to be validated each time":         {"Cache-Control", "no-cache, max-age=60", "Etag", `"1"`},
		"an event stream":                   {"Cache-Control", "max-age=60", "Content-Type", "text/event-stream"},
		"too long":                          {"Cache-Control", "max-age=60", "Content-Length", "9000000"},
		"with trailers":                     {"Cache-Control", "max-age=60", "Trailer", "X-Sum"},
	}
}

func TestWhatCannotBeSharedIsAskedForConcurrentlyOnceItsHeaderIsThere(t *testing.T) {
	for name, fields := range unshareable() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				known, gate := make(chan struct{}), make(chan struct{})
				var count atomic.Int64
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					n := count.Add(1)
					<-known
					saying("", fields...)(w, r)
					body := fmt.Sprint(n) + strings.Repeat("x", 4096) // more than is held back: the header goes
					_, _ = io.WriteString(w, body[:4096])
					<-gate
					_, _ = io.WriteString(w, body[4096:])
				})
				all := s.beginMany(10, "/x")
				s.wantCalls(t, 1)
				close(known)
				settle()
				s.wantCalls(t, 10)
				close(gate)
				bodies := map[string]bool{}
				for _, c := range all {
					a := <-c
					if strings.Contains(a.status(), "collapsed") {
						t.Errorf("Cache-Status: %s", a.status())
					}
					bodies[a.body] = true
				}
				if len(bodies) != 10 {
					t.Errorf("10 requests got %d bodies", len(bodies))
				}
				s.wantCalls(t, 10)
			})
		})
	}
}

func TestWhatCannotBeSharedIsNotWaitedForAgain(t *testing.T) {
	for name, fields := range unshareable() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{}, 100)
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					<-gate
					saying("page", fields...)(w, r)
				})
				gate <- struct{}{}
				s.get("/x")
				before := s.calls.Load()
				all := s.beginMany(10, "/x")
				s.wantCalls(t, before+10)
				other := s.beginMany(10, "/y")
				s.wantCalls(t, before+11)
				for range 20 {
					gate <- struct{}{}
				}
				for _, c := range append(all, other...) {
					<-c
				}
			})
		})
	}
}

func TestAPassIsRememberedForHalfAMinuteToAMinute(t *testing.T) {
	type phase = time.Duration // of the clock by which what is remembered is forgotten
	for _, at := range []phase{0, 10 * time.Second, 20 * time.Second, 24 * time.Second, 28 * time.Second, 29 * time.Second, 31 * time.Second, 59 * time.Second} {
		for after, want := range map[time.Duration]int64{0: 3, 30*time.Second - 1: 3, time.Minute: 1, time.Hour: 1} {
			t.Run(fmt.Sprint(at, " and then ", after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gate := make(chan struct{})
					s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/x" {
							<-gate
						}
						saying("page", "Cache-Control", "private")(w, r)
					})
					s.get("/other")
					<-time.After(at)
					first := s.begin(request(http.MethodGet, "/x"))
					settle()
					gate <- struct{}{}
					<-first
					<-time.After(after)
					before := s.calls.Load()
					all := s.beginMany(3, "/x")
					s.wantCalls(t, before+want)
					close(gate)
					for _, c := range all {
						<-c
					}
				})
			})
		}
	}
}

func TestAPassIsForgottenWhenAResponseCanBeShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		control := "private"
		gate := make(chan struct{}, 10)
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			saying("page", "Cache-Control", control)(w, r)
		})
		gate <- struct{}{}
		s.get("/x")
		settle()
		control = "max-age=60"
		gate <- struct{}{}
		s.get("/x").wantStatus(t, "larder; fwd=uri-miss; ttl=60")
		all := s.beginMany(5, "/x")
		s.wantCalls(t, 3)
		gate <- struct{}{}
		for _, c := range all {
			<-c
		}
		s.wantCalls(t, 3)
		settle()
		if a := s.get("/x"); !a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
	})
}

func TestAClientsOwn304SaysNothingAboutWhatOthersMayShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("X-First") != "":
				w.Header().Set("Set-Cookie", "a=b")
			case r.Header.Get("If-None-Match") != "":
				w.Header().Set("Etag", `"1"`)
				w.WriteHeader(http.StatusNotModified)
				return
			}
			saying("page", "Cache-Control", "max-age=60", "Etag", `"1"`)(w, r)
		})
		s.get("/x", "X-First", "yes")
		for i := range 8 { // each within the time that a pass is remembered
			a := s.get("/x", "If-None-Match", `"1"`)
			if a.StatusCode != http.StatusNotModified || i == 7 && !a.isHit() {
				t.Errorf("%d seconds after the only response that was not for all: %d, Cache-Status: %s", i*10, a.StatusCode, a.status())
			}
			settle()
			<-time.After(10 * time.Second)
		}
	})
}

func TestFollowersGetTheFieldsOfTheLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, &httpcache.Options{Rule: httpcache.Rule{TTL: time.Minute}}, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			saying("gone", "Content-Type", "text/plain", "X-A", "1", "X-A", "2")(w, r)
		})
		all := s.beginMany(3, "/x")
		close(gate)
		var headers []http.Header
		for _, c := range all {
			h := (<-c).Header
			delete(h, "Cache-Status")
			for _, name := range []string{"Age", "Content-Length", "Date"} { // which net/http adds to what the handler itself sends
				delete(h, name)
			}
			headers = append(headers, h)
		}
		for _, h := range headers[1:] {
			if !reflect.DeepEqual(h, headers[0]) {
				t.Errorf("the fields are %v and %v", h, headers[0])
			}
		}
	})
}
