package httpcache_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// troubles are what a store does instead of an operation, or before it. over is closed when the trouble is.
func troubles() map[string]func(o operation, over <-chan struct{}) error {
	return map[string]func(o operation, over <-chan struct{}) error{
		"refuses": func(operation, <-chan struct{}) error { return errors.New("down") },
		"panics":  func(operation, <-chan struct{}) error { panic("the store has a bug") },
		"takes 100ms": func(operation, <-chan struct{}) error {
			<-time.After(100 * time.Millisecond)
			return nil
		},
		"takes 249ms": func(operation, <-chan struct{}) error {
			<-time.After(249 * time.Millisecond)
			return nil
		},
		"takes 10s": func(o operation, _ <-chan struct{}) error {
			select {
			case <-time.After(10 * time.Second):
				return nil
			case <-o.ctx.Done():
				return o.ctx.Err()
			}
		},
		"hangs": func(_ operation, over <-chan struct{}) error {
			<-over
			return errors.New("down")
		},
		"hangs and then goes on": func(_ operation, over <-chan struct{}) error {
			<-over
			return nil
		},
	}
}

// troubled is a service over a store that can be in trouble.
type troubled struct {
	*service

	store *hooked
	over  chan struct{}
	met   atomic.Bool // there was trouble
}

// trouble makes the store do so from the operation after the next n on.
func (s *troubled) trouble(n int, what func(o operation, over <-chan struct{}) error) {
	var count atomic.Int64
	s.store.on(func(o operation) error {
		if count.Add(1) <= int64(n) {
			return nil
		}
		s.met.Store(true)
		return what(o, s.over)
	})
}

// end ends the trouble.
func (s *troubled) end() {
	s.store.on(nil)
	close(s.over)
	settle()
}

// versions serves documents that have a version, and tell how they want to be made: X-Case of the request.
func versions(t *testing.T, bare bool) *troubled {
	t.Helper()
	store := hook(t)
	var version atomic.Int64
	o := &httpcache.Options{Logger: slog.New(slog.DiscardHandler), Rule: httpcache.Rule{Tags: func(r *http.Request) []string {
		if r.URL.Path == "/tagged" {
			return []string{"tag"}
		}
		return nil
	}}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method == http.MethodPost {
			version.Add(1)
			h.Set("Location", "/page")
			h.Set("Content-Location", "/varying")
			h.Set("Cache-Group-Invalidation", `"group"`)
			return
		}
		h.Set("Cache-Control", "max-age=10")
		tag := fmt.Sprintf(`"%d"`, version.Load())
		h.Set("Etag", tag)
		switch r.URL.Path {
		case "/varying":
			h.Set("Vary", "Accept")
		case "/grouped":
			h.Set("Cache-Groups", `"group"`)
		case "/private":
			h.Set("Cache-Control", "private")
		case "/refreshed":
			h.Set("Cache-Control", "max-age=10, stale-while-revalidate=1000")
		case "/short":
			h.Set("Content-Length", "9000")
		case "/abort":
			defer panic(http.ErrAbortHandler)
		}
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, document(r.URL.Path, version.Load()))
		}
	}
	if bare {
		return &troubled{service: serveOver(t, store.sevenMethods(), o, handler), store: store, over: make(chan struct{})}
	}
	return &troubled{service: serveOver(t, store, o, handler), store: store, over: make(chan struct{})}
}

func document(path string, version int64) string {
	return fmt.Sprint(path, " ", version, " ", strings.Repeat("x", 3000), " end")
}

// step is a request, and what is stored before it.
type step struct {
	method, path string
	before       func(s *troubled)
}

func steps() map[string]step {
	nothing := func(*troubled) {}
	stored := func(path string, then time.Duration) func(s *troubled) {
		return func(s *troubled) {
			s.get(path)
			settle()
			<-time.After(then)
		}
	}
	return map[string]step{
		"a miss":                        {"GET", "/page", nothing},
		"a hit":                         {"GET", "/page", stored("/page", 0)},
		"a validation":                  {"GET", "/page", stored("/page", 20*time.Second)},
		"a refresh":                     {"GET", "/refreshed", stored("/refreshed", 20*time.Second)},
		"a HEAD":                        {"HEAD", "/page", nothing},
		"a HEAD of what is there":       {"HEAD", "/page", stored("/page", 0)},
		"a HEAD of what is stale":       {"HEAD", "/page", stored("/page", 20*time.Second)},
		"a first variant":               {"GET", "/varying", nothing},
		"a variant":                     {"GET", "/varying", stored("/varying", 0)},
		"a tagged miss":                 {"GET", "/tagged", nothing},
		"a tagged hit":                  {"GET", "/tagged", stored("/tagged", 0)},
		"a hit in a group":              {"GET", "/grouped", stored("/grouped", 0)},
		"a private page":                {"GET", "/private", nothing},
		"an aborted page":               {"GET", "/abort", nothing},
		"a page that is cut short":      {"GET", "/short", nothing},
		"a change":                      {"POST", "/page", stored("/page", 0)},
		"a change of what is not there": {"POST", "/other", nothing},
	}
}

func TestAStoreInTroubleBreaksDelaysAndTruncatesNothing(t *testing.T) {
	for name, what := range troubles() {
		for when, step := range steps() {
			for methods, bare := range map[string]bool{"": false, ", with seven methods": true} {
				t.Run("a store that "+name+", at "+when+methods, func(t *testing.T) {
					for operations, met := 0, true; met; operations++ { // until the step has no more
						synctest.Test(t, func(t *testing.T) {
							s := versions(t, bare)
							step.before(s)
							s.trouble(operations, what)
							status := s.isServed(t, step)
							if operations == 0 && !strings.Contains(name, "ms") && strings.Contains(status, "stored") {
								t.Errorf("nothing can be stored, and Cache-Status is %s", status)
							}
							<-time.After(time.Minute)
							s.end()
							met = s.met.Load()
							<-time.After(time.Minute)
							s.works()
						})
						if t.Failed() {
							t.Fatalf("trouble came after %d operations", operations)
						}
					}
				})
			}
		}
	}
}

// works checks that the cache does what it does, once the trouble is over.
func (s *troubled) works() {
	s.t.Helper()
	for _, path := range []string{"/page", "/tagged", "/varying", "/grouped"} {
		<-time.After(time.Second) // what is asked for at the moment of a change is not stored
		s.get(path)
		settle()
		first := s.get(path)
		if !first.isHit() {
			s.t.Errorf("after the trouble %s has Cache-Status: %s", path, first.status())
		}
		s.do(http.MethodPost, path)
		if a := s.get(path); a.body == first.body || a.isHit() {
			s.t.Errorf("after a POST %s has Cache-Status: %s", path, a.status())
		}
		settle()
	}
}

// isServed takes a step, which must end well and in time, and returns what the cache says of it.
func (s *troubled) isServed(t *testing.T, step step) (status string) {
	t.Helper()
	start, calls := time.Now(), s.calls.Load()
	a := <-s.begin(request(step.method, step.path))
	if got := time.Since(start); got > 250*time.Millisecond {
		t.Errorf("it took %v", got)
	}
	want := ""
	if step.method == http.MethodGet {
		want = document(step.path, 0)
	}
	if aborted := step.path == "/abort"; (a.panicked != nil) != aborted || aborted && a.panicked != http.ErrAbortHandler {
		t.Errorf("it panics with %v", a.panicked)
	}
	if a.StatusCode != http.StatusOK || a.body != want {
		t.Errorf("%d, %d bytes instead of %d", a.StatusCode, len(a.body), len(want))
	}
	status = a.status()
	if !strings.HasPrefix(status, "larder; hit") && !strings.HasPrefix(status, "larder; fwd=") {
		t.Errorf("Cache-Status: %s", status)
	}
	if strings.Contains(status, "fwd") && s.calls.Load() == calls {
		t.Errorf("Cache-Status is %s and the handler was not asked", status)
	}
	return status
}
