package health_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/larder-go/larder/internal/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dependency is what a check asks: it answers with err, or with nil while there is none.
type dependency struct {
	err  atomic.Pointer[error]
	runs atomic.Int64
}

func (d *dependency) fail(err error) { d.err.Store(&err) }

func (d *dependency) ping(context.Context) error {
	d.runs.Add(1)
	if err := d.err.Load(); err != nil {
		return *err
	}
	return nil
}

// start runs the checks until the end of the test. The first runs have ended when it returns.
func start(t *testing.T, o health.Options, checks ...health.Check) *health.Health {
	t.Helper()
	h := health.New(o)
	for _, c := range checks {
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return h
}

func get(h http.Handler) *httptest.ResponseRecorder { return do(h, http.MethodGet, "/") }

func do(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func wantAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("got %d %q, want %d %q", w.Code, w.Body, status, body)
	}
}

func TestAdd(t *testing.T) {
	ok := func(context.Context) error { return nil }
	tests := []struct {
		name  string
		check health.Check
		want  string // "" is success
	}{
		{"takes a name of letters, digits, dash, underscore and dot", health.Check{Name: "Orders_db-1.eu", Run: ok}, ""},
		{"refuses no name", health.Check{Run: ok}, "the name must be"},
		{"refuses a name that is no HTTP field name", health.Check{Name: "orders db", Run: ok}, "the name must be"},
		{"refuses a name of 81 bytes", health.Check{Name: strings.Repeat("a", 81), Run: ok}, "the name must be"},
		{"refuses the name of the state", health.Check{Name: "state", Run: ok}, "the name must be"},
		{"refuses a name that is taken", health.Check{Name: "taken", Run: ok}, `add check "taken": there is a check of that name`},
		{"refuses a check without Run", health.Check{Name: "cache"}, `add check "cache": it has no Run function`},
		{"refuses a negative timeout", health.Check{Name: "cache", Run: ok, Timeout: -1}, "the timeout -1ns is negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := health.New(health.Options{})
			if err := h.Add(health.Check{Name: "taken", Run: ok}); err != nil {
				t.Fatal(err)
			}
			err := h.Add(tt.check)
			if tt.want == "" && err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestOrderOfCalls(t *testing.T) {
	c := health.Check{Name: "cache", Run: func(context.Context) error { return nil }}

	t.Run("nothing can be added after Start, which works once", func(t *testing.T) {
		h := health.New(health.Options{})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.Add(c) == nil {
			t.Error("Add after Start gave no error")
		}
		if h.Start(t.Context()) == nil {
			t.Error("the second Start gave no error")
		}
		for range 2 {
			if err := h.Stop(t.Context()); err != nil {
				t.Errorf("Stop: %v", err)
			}
		}
	})
	t.Run("Stop without Start does nothing, and nothing starts after it", func(t *testing.T) {
		h := health.New(health.Options{})
		if err := h.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.Add(c) == nil || h.Start(t.Context()) == nil {
			t.Error("Add or Start after Stop gave no error")
		}
	})
	t.Run("Start with a context that is done starts nothing", func(t *testing.T) {
		h := health.New(health.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.Start(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("the runners outlive the context of Start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d dependency
			h := health.New(health.Options{Interval: time.Second})
			if err := h.Add(health.Check{Name: "cache", Run: d.ping}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if err := h.Start(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
			<-time.After(10 * time.Second)
			if n := d.runs.Load(); n < 10 {
				t.Errorf("%d runs in 10 s at an interval of 1 s", n)
			}
			if err := h.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New(health.Options{})
		var up, down dependency
		down.fail(errors.New("connection refused"))
		for _, c := range []health.Check{{Name: "up", Run: up.ping}, {Name: "down", Run: down.ping, Degrade: true}} {
			if err := h.Add(c); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range h.Results() {
			if r.Err == nil || r.Err.Error() != "not checked yet" || !r.At.IsZero() {
				t.Errorf("before Start: %+v, want the error \"not checked yet\" and no time", r)
			}
		}
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		now := time.Now()
		r := h.Results()
		if r[0].Name != "up" || r[0].Err != nil || !r[0].At.Equal(now) || r[0].Degrade {
			t.Errorf("first result %+v, want up without an error, at %v", r[0], now)
		}
		if r[1].Name != "down" || r[1].Err == nil || r[1].Err.Error() != "connection refused" || !r[1].Degrade {
			t.Errorf("second result %+v, want down with its error", r[1])
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestStartWaitsForFirstResultsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context) error { <-time.After(time.Second); return nil }
		h := start(t, health.Options{}, health.Check{Name: "slow", Run: slow})
		if code := get(h.Ready()).Code; code != http.StatusOK {
			t.Errorf("the first probe after Start gets %d, want 200", code)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := health.New(health.Options{})
		slow := func(context.Context) error { <-time.After(time.Second); return nil }
		if err := h.Add(health.Check{Name: "slow", Run: slow}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := h.Start(ctx); err != nil {
			t.Errorf("Start: %v, want that it does not wait beyond its context", err)
		}
		if err := h.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
