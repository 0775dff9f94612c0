package httpcache_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseCanBeCalledAgain(t *testing.T) {
	s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
	for range 3 {
		if err := s.cache.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestHandlersGoOnAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := refreshed(t, nil, numbered)
		_ = s.cache.Close()
		for range 3 {
			if a := s.get("/x"); a.body != "page 1" || a.status() != "larder; hit; ttl=-5" {
				t.Errorf("a stale response after Close: %q, %s", a.body, a.status())
			}
		}
		settle()
		s.wantCalls(t, 1)                                   // nothing is refreshed
		for _, want := range []string{"page 2", "page 3"} { // nothing is stored
			if a := s.get("/y"); a.body != want || a.status() != "larder; fwd=uri-miss; ttl=10" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		<-time.After(time.Minute)
		if a := s.get("/x"); a.body != "page 4" {
			t.Errorf("once it may not be stale any more: %q, %s", a.body, a.status())
		}
		s.do(http.MethodPost, "/x")
		if a := s.get("/x"); a.body != "page 6" {
			t.Errorf("after a POST: %q, %s", a.body, a.status())
		}
	})
}

func TestCloseEndsARefreshAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		ended := false
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			<-over
			numbered(n, w, r)
			ended = true
		})
		s.get("/x")
		settle()
		s.wantCalls(t, 2)
		start, closed := time.Now(), make(chan struct{})
		for range 2 {
			go func() {
				_ = s.cache.Close()
				if !ended {
					t.Error("Close did not wait for the refresh")
				}
				closed <- struct{}{}
			}()
		}
		settle()
		select {
		case <-closed:
			t.Error("Close has returned")
		default:
		}
		close(over)
		<-closed
		<-closed
		if got := time.Since(start); got != 0 {
			t.Errorf("the refresh was told of it after %v", got)
		}
		if a := s.get("/x"); a.body != "page 1" {
			t.Errorf("what the handler said after Close is stored: %q", a.body)
		}
	})
}

func TestCloseWaitsForWhatIsBeingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := hook(t)
		s := serveOver(t, store, nil, saying("page", "Cache-Control", "max-age=60"))
		gate := make(chan struct{})
		store.on(func(o operation) error {
			if o.name == "CompareAndSwap" {
				<-gate
			}
			return nil
		})
		s.get("/x")
		closed := make(chan struct{})
		go func() {
			_ = s.cache.Close()
			close(closed)
		}()
		settle()
		select {
		case <-closed:
			t.Error("Close has returned")
		default:
		}
		close(gate)
		<-closed
		if a := s.get("/x"); !a.isHit() {
			t.Errorf("Cache-Status: %s", a.status())
		}
	})
}

func TestCloseLeavesRequestsInProgressAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			<-gate
			w.Header().Set("Cache-Control", "max-age=60")
			if err := r.Context().Err(); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(w, "page")
		})
		all := s.beginMany(3, "/x")
		_ = s.cache.Close()
		close(gate)
		for _, c := range all {
			if a := <-c; a.body != "page" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		s.wantCalls(t, 1)
		if a := s.get("/x"); a.isHit() {
			t.Errorf("it was stored after Close; Cache-Status: %s", a.status())
		}
	})
}

func TestTheStoreStaysOpen(t *testing.T) {
	s := serve(t, nil, saying("page", "Cache-Control", "max-age=60"))
	_ = s.cache.Close()
	if err := s.store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
