package httpcache_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAnotherProcessHasStoredMeanwhileIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := hook(t)
		page := saying("page", "Cache-Control", "max-age=60")
		here, there := serveOver(t, store, nil, page), serveOver(t, store, nil, page)
		gate := make(chan struct{})
		var adds atomic.Int64
		store.on(func(o operation) error {
			if o.name == "Add" && adds.Add(1) == 1 { // between a look and the lease
				<-gate
			}
			return nil
		})
		all := here.beginMany(3, "/x")
		there.get("/x")
		settle()
		close(gate)
		told := map[string]int{}
		for _, c := range all {
			a := <-c
			told[a.status()]++
			if a.body != "page" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		if told["larder; hit; ttl=60"] != 3 {
			t.Errorf("Cache-Status: %v", told)
		}
		here.wantCalls(t, 0)
	})
}

func TestNothingIsSaidToBeStoredWhereTheStoreFailsBeforeTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := hook(t)
		s := serveOver(t, store, nil, saying("page", "Cache-Control", "max-age=60", "Etag", `"1"`))
		s.get("/x")
		<-time.After(2 * time.Minute)
		var operations atomic.Int64
		store.on(func(operation) error {
			if operations.Add(1) > 1 {
				return errors.New("down")
			}
			return nil
		})
		s.get("/x").wantStatus(t, "larder; fwd=stale; ttl=60")
	})
}

func TestAnOldCallEndsNoNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gates := map[string]chan struct{}{"old": make(chan struct{}), "new": make(chan struct{})}
		version := "old"
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				version = "new"
				return
			}
			body := version
			<-gates[body]
			saying(body, "Cache-Control", "max-age=60")(w, r)
		})
		old := s.begin(request(http.MethodGet, "/x"))
		settle()
		s.do(http.MethodPost, "/x")
		all := s.beginMany(2, "/x")
		close(gates["old"])
		<-old
		settle()
		all = append(all, s.beginMany(2, "/x")...)
		s.wantCalls(t, 3)
		close(gates["new"])
		for _, c := range all {
			if a := <-c; a.body != "new" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
	})
}

func TestACallThatStoresNothingLeavesNothingInTheStore(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a panic":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a private page": saying("page", "Cache-Control", "private"),
		"an error":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"half a page":    saying("page", "Cache-Control", "max-age=60", "Content-Length", "9"),
		"a flushed page": func(w http.ResponseWriter, r *http.Request) {
			saying(page(1), "Cache-Control", "max-age=60")(w, r)
			_ = http.NewResponseController(w).Flush()
		},
		"nothing of note": saying("page"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := hook(t)
				s := serveOver(t, store, nil, handler)
				<-s.begin(request(http.MethodGet, "/x"))
				settle()
				if all := store.records(t); len(all) != 0 {
					t.Errorf("it left %s", fmt.Sprint(all))
				}
			})
		})
	}
}
