package httpcache_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

func TestARefreshThatFailsLeavesTheResponseAndIsTriedAgain(t *testing.T) {
	tests := map[string]func(w http.ResponseWriter){
		"panics":             func(http.ResponseWriter) { panic("failed") },
		"panics in the body": func(w http.ResponseWriter) { _, _ = io.WriteString(w, page(1)); panic("failed") },
		"aborts":             func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"fails":              func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
		"writes too little":  func(w http.ResponseWriter) { w.Header().Set("Content-Length", "50"); _, _ = io.WriteString(w, "x") },
		"says private":       func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "private") },
		"sets a cookie":      func(w http.ResponseWriter) { w.Header().Set("Set-Cookie", "session=1") },
		"flushes":            func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"flushes as of old":  func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"writes 2 MiB":       func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 2<<20)) },
		"sends a part":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusPartialContent) },
		"varies by all":      func(w http.ResponseWriter) { w.Header().Set("Vary", "*") },
		"sends 103 and fails": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusInternalServerError)
		},
	}
	for name, fail := range tests {
		t.Run("a handler that "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := refreshed(t, &httpcache.Options{Logger: slog.New(slog.DiscardHandler)}, func(n int64, w http.ResponseWriter, r *http.Request) {
					if n == 2 {
						fail(w)
						return
					}
					numbered(n, w, r)
				})
				s.get("/x")
				settle()
				s.wantCalls(t, 2)
				if a := s.get("/x"); a.body != "page 1" || !a.isHit() {
					t.Errorf("after the failure: %q, %s", a.body, a.status())
				}
				settle()
				s.wantCalls(t, 3)
				if a := s.get("/x"); a.body != "page 3" || !a.isHit() {
					t.Errorf("after the next refresh: %q, %s", a.body, a.status())
				}
			})
		})
	}
}

func TestAPanicInTheBackgroundIsLogged(t *testing.T) {
	for name, tt := range map[string]struct {
		panics any
		logged bool
	}{
		"a panic":  {"boom", true},
		"an abort": {fmt.Errorf("gone: %w", http.ErrAbortHandler), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := refreshed(t, &httpcache.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(int64, http.ResponseWriter, *http.Request) { panic(tt.panics) })
				s.get("/x")
				settle()
				s.wantCalls(t, 2)
				if got := log.String(); tt.logged != strings.Contains(got, "panic=boom") || tt.logged != strings.Contains(got, "refresh_test.go") {
					t.Errorf("the log says %q", got)
				}
			})
		})
	}
}

func TestARefreshHasThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var start, end time.Time
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			start = time.Now()
			<-r.Context().Done()
			end = time.Now()
			numbered(n, w, r)
		})
		s.get("/x")
		<-time.After(40 * time.Second)
		settle()
		if got := end.Sub(start); got != 30*time.Second {
			t.Errorf("the context of the refresh was done after %v", got)
		}
		if a := s.get("/x"); a.body != "page 1" {
			t.Errorf("what came after that is stored: %q", a.body)
		}
		<-time.After(time.Minute)
	})
}

func TestRequestsAreServedWhileARefreshHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s := refreshed(t, nil, func(n int64, w http.ResponseWriter, r *http.Request) {
			if n == 2 {
				<-gate
			}
			numbered(n, w, r)
		})
		start := time.Now()
		for range 5 {
			if a := s.get("/x"); a.body != "page 1" {
				t.Errorf("%q, %s", a.body, a.status())
			}
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("they took %v", got)
		}
		<-time.After(time.Minute)
		start = time.Now()
		if a := s.get("/x"); a.body != "page 3" || time.Since(start) != 0 {
			t.Errorf("once it may not be stale any more: %q after %v, %s", a.body, time.Since(start), a.status())
		}
		close(gate)
	})
}

func TestARefreshIsNoMoreThanSixtyFourAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var s *service
		s = serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			if s.calls.Load() > 100 {
				<-gate
			}
			saying(r.URL.Path, "Cache-Control", "max-age=10, stale-while-revalidate=60")(w, r)
		})
		all := func() {
			for i := range 100 {
				path := fmt.Sprint("/", i)
				if a := s.get(path); a.body != path {
					t.Errorf("%s has %q, %s", path, a.body, a.status())
				}
			}
			settle()
		}
		all()
		<-time.After(15 * time.Second)
		all()
		s.wantCalls(t, 164)
		close(gate)
		settle()
		all() // those that had no room have not been given up
		s.wantCalls(t, 200)
	})
}
