package httpcache_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPassGetsTheClientsConditionsAsTheyAre(t *testing.T) {
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Range"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got string
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					got = r.Header.Get(name)
					saying("page", "Cache-Control", "private")(w, r)
				})
				s.get("/x", name, "first")
				if got != "" {
					t.Errorf("the handler was asked under %s: %s, and its answer might have been for all", name, got)
				}
				s.get("/x", name, "second")
				if got != "second" {
					t.Errorf("the handler was not told %s of who alone gets its answer", name)
				}
			})
		})
	}
}

func TestAnErrorIsWaitedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if s.calls.Load() == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			<-gate
			saying("page", "Cache-Control", "max-age=60")(w, r)
		})
		s.get("/x")
		settle()
		all := s.beginMany(5, "/x")
		s.wantCalls(t, 2)
		close(gate)
		for _, c := range all {
			<-c
		}
		s.wantCalls(t, 2)
	})
}

func TestA304ThatMakesAResponseOfNoUseToOthersIsAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{}, 10)
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			if r.Header.Get("If-None-Match") != "" {
				w.Header().Set("Cache-Control", "no-cache")
				w.WriteHeader(http.StatusNotModified)
				return
			}
			saying("page", "Cache-Control", "max-age=60", "Etag", `"1"`)(w, r)
		})
		gate <- struct{}{}
		s.get("/x")
		<-time.After(2 * time.Minute)
		gate <- struct{}{}
		s.get("/x").wantStatus(t, "larder; fwd=stale; fwd-status=304; ttl=0; stored")
		settle()
		all := s.beginMany(3, "/x")
		s.wantCalls(t, 5)
		close(gate)
		for _, c := range all {
			if a := <-c; a.body != "page" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
	})
}

func TestNoMoreThanTenThousandPassesAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Wait") != "" {
				<-gate
			}
			saying("page", "Cache-Control", "private")(w, r)
		})
		for i := range 10_001 {
			s.get(fmt.Sprint("/", i))
		}
		settle()
		all := s.beginMany(3, "/9999", "X-Wait", "yes")
		s.wantCalls(t, 10_001+3)
		all = append(all, s.beginMany(3, "/10000", "X-Wait", "yes")...)
		s.wantCalls(t, 10_001+3+1)
		close(gate)
		for _, c := range all {
			<-c
		}
	})
}
