package httpcache_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// run is a world with visitors and a cache between them.
type run struct {
	*world

	t        *testing.T
	s        *service
	requests int
	hits     int
	shared   int
	seen     map[string]string // the last tag of each URL
	group    sync.WaitGroup
}

// TestNobodyGetsWhatIsNotForThemNorWhatIsOld lets visitors, editors and a clock do as they like. Every answer has to be one that the handler made,
// whole, for this visitor or for all, not older than it may be, and not from before a change that had been made when it was asked for.
func TestNobodyGetsWhatIsNotForThemNorWhatIsOld(t *testing.T) {
	hits, shared := 0, 0
	for seed := range uint64(40) {
		for name, trouble := range map[string]int{"": 0, ", over a store that fails now and then": 20} {
			t.Run(fmt.Sprint("seed ", seed, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRun(t, seed, trouble)
					for range 150 {
						r.step()
					}
					r.group.Wait()
					hits, shared = hits+r.hits, shared+r.shared
				})
			})
		}
	}
	if hits < 500 || shared < 20 {
		t.Errorf("in all runs %d hits and %d shared calls: the model says nothing of a cache", hits, shared)
	}
}

func newRun(t *testing.T, seed uint64, trouble int) *run {
	t.Helper()
	w := newWorld(seed)
	store := hook(t)
	o := &httpcache.Options{MaxVariants: 3, Rule: httpcache.Rule{Tags: func(r *http.Request) []string {
		if r.URL.Path == "/0" || r.URL.Path == "/1" {
			return []string{"low"}
		}
		return nil
	}}}
	r := &run{world: w, t: t, s: serveOver(t, store, o, w.ServeHTTP), seen: map[string]string{}}
	if trouble > 0 {
		store.on(func(o operation) error {
			switch o.name {
			case "Get", "GetMany", "Add", "CompareAndSwap", "CompareAndDelete":
				if w.intn(trouble) == 0 {
					return errors.New("down")
				}
			}
			return nil
		})
	}
	return r
}

func (r *run) step() {
	path := fmt.Sprint("/", r.intn(4))
	switch n := r.intn(20); {
	case n < 12:
		for range 1 + r.intn(3) {
			r.ask(path)
		}
	case n == 12:
		r.s.do(http.MethodPost, path)
		r.mu.Lock()
		r.number[path] = r.page(path).number
		r.mu.Unlock()
	case n == 13:
		r.mu.Lock()
		serial := r.serial
		r.mu.Unlock()
		if err := r.s.cache.InvalidateTags(context.Background(), "low"); err != nil {
			r.t.Error(err)
		}
		r.mu.Lock()
		r.least["/0"], r.least["/1"] = serial+1, serial+1
		r.mu.Unlock()
	case n == 14:
		settle()
	default:
		<-time.After(time.Duration(r.intn(6000)) * time.Millisecond)
	}
}

// ask asks for a path, as somebody, in a goroutine.
func (r *run) ask(path string) {
	r.requests++
	visitor := []string{"nobody", "nobody", "ann", "bob", "eve"}[r.intn(5)]
	q := &asked{request: fmt.Sprint(r.requests), path: path, accept: fmt.Sprint(r.intn(4)), visitor: visitor, at: time.Now()}
	req := request(http.MethodGet, path, "Accept", q.accept, "X-Visitor", visitor, "X-Req", q.request)
	switch visitor {
	case "ann", "bob":
		q.cookie = "session=" + visitor
		req.Header.Set("Cookie", q.cookie)
	case "eve":
		req.SetBasicAuth("eve", "secret")
	}
	r.mu.Lock()
	q.least, q.number = r.least[path], r.number[path]
	if r.random.IntN(5) == 0 && r.seen[path] != "" {
		q.tag = r.seen[path]
		req.Header.Set("If-None-Match", q.tag)
	}
	r.mu.Unlock()
	leaves := r.intn(10) == 0
	if leaves {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.intn(3000))*time.Millisecond)
		req = req.WithContext(ctx)
		r.t.Cleanup(cancel)
	}
	c := r.s.begin(req)
	r.group.Go(func() {
		e := <-c
		if e.panicked != nil {
			return // as the handler did: the model knows of what was answered
		}
		if err := r.check(q, e.answer, time.Now()); err != nil {
			r.t.Errorf("request %+v gets %v; %d, Cache-Status: %s", *q, err, e.StatusCode, e.status())
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if e.isHit() {
			r.hits++
		}
		if strings.Contains(e.status(), "collapsed") {
			r.shared++
		}
		r.seen[path] = e.Header.Get("Etag")
	})
}
