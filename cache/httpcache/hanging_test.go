package httpcache_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestALeaderThatHangsIsWaitedForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			if s.calls.Load() == 1 {
				<-gate
			}
			saying("page", "Cache-Control", "max-age=1")(w, nil)
		})
		leader := s.begin(request(http.MethodGet, "/x"))
		settle()
		start := time.Now()
		<-time.After(time.Second)
		for i, c := range s.beginMany(3, "/x") {
			if a := <-c; a.body != "page" || time.Since(start) != 5*time.Second {
				t.Errorf("follower %d has %q after %v, want it 5s after the leader began", i, a.body, time.Since(start))
			}
		}
		<-time.After(5 * time.Second) // until what they have stored is stale
		start = time.Now()
		if a := s.get("/x"); a.body != "page" || time.Since(start) != 0 {
			t.Errorf("a later request has %q after %v, want it at once", a.body, time.Since(start))
		}
		if hasEnded(leader) {
			t.Error("the leader has ended")
		}
		close(gate)
		if a := <-leader; a.body != "page" {
			t.Errorf("the leader has %q", a.body)
		}
	})
}

func TestWithoutAStoreALeaderThatHangsDelaysNobodyForMoreThanFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var s *service
		s = serveNothing(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			if s.calls.Load() == 1 {
				<-gate
			}
			saying("page", "Cache-Control", "max-age=60")(w, nil)
		})
		leader := s.begin(request(http.MethodGet, "/x"))
		settle()
		start := time.Now()
		for range 5 {
			s.get("/x")
		}
		if got := time.Since(start); got != 5*time.Second {
			t.Errorf("5 requests one after the other took %v", got)
		}
		close(gate)
		<-leader
	})
}

func TestAFollowerThatDisconnectsStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-gate:
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
			saying("page", "Cache-Control", "max-age=60")(w, r)
		})
		leader := s.begin(request(http.MethodGet, "/x"))
		settle()
		others := s.beginMany(3, "/x")
		r, leave := leaving(http.MethodGet, "/x")
		gone := s.begin(r)
		settle()
		leave()
		if !hasEnded(gone) {
			t.Error("a follower whose client has gone goes on to wait")
		}
		close(gate)
		for _, c := range append(others, leader) {
			if a := <-c; a.body != "page" || a.panicked != nil {
				t.Errorf("%q, %v", a.body, a.panicked)
			}
		}
		settle()
		if a := s.get("/x"); !a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
	})
}

func TestALeaderThatPanicsDoesSoInItsOwnRequestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		boom := fmt.Errorf("boom: %w", context.Canceled)
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			if s.calls.Load() == 1 {
				<-gate
				panic(boom)
			}
			saying("page", "Cache-Control", "max-age=60")(w, nil)
		})
		leader := s.begin(request(http.MethodGet, "/x"))
		settle()
		others := s.beginMany(3, "/x")
		close(gate)
		if e := <-leader; e.panicked != boom {
			t.Errorf("the leader panics with %v", e.panicked)
		}
		for _, c := range others {
			if e := <-c; e.panicked != nil || e.body != "page" {
				t.Errorf("a follower panics with %v, its body is %q", e.panicked, e.body)
			}
		}
	})
}
