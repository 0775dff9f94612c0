package health_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/internal/health"
)

// turns returns how long the readiness probe takes to answer with the status.
func turns(t *testing.T, h *health.Health, status int, limit time.Duration) time.Duration {
	t.Helper()
	begin := time.Now()
	for get(h.Ready()).Code != status {
		if time.Since(begin) > limit {
			t.Fatalf("the probe did not answer %d within %v", status, limit)
		}
		<-time.After(50 * time.Millisecond)
	}
	return time.Since(begin)
}

func TestReadinessTurnsInTime(t *testing.T) {
	for _, interval := range []time.Duration{2 * time.Second, time.Minute} {
		t.Run("within an interval and a timeout, and back within 5 s, at an interval of "+interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 2 * time.Second
				var hangs atomic.Bool
				ping := func(ctx context.Context) error {
					if hangs.Load() {
						<-ctx.Done()
						return ctx.Err()
					}
					return nil
				}
				h := start(t, health.Options{Interval: interval}, health.Check{Name: "cache", Run: ping, Timeout: timeout})
				for range 8 {
					hangs.Store(true)
					turns(t, h, http.StatusServiceUnavailable, interval+timeout)
					<-time.After(3 * interval / 2)
					hangs.Store(false)
					turns(t, h, http.StatusOK, 5*time.Second)
				}
			})
		})
	}
}

func TestRuns(t *testing.T) {
	t.Run("come once an interval, at most a tenth early and never late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var last time.Time
			var gaps []time.Duration
			start(t, health.Options{Interval: 10 * time.Second}, health.Check{Name: "cache", Run: func(context.Context) error {
				if !last.IsZero() {
					gaps = append(gaps, time.Since(last))
				}
				last = time.Now()
				return nil
			}})
			<-time.After(10 * time.Minute)
			synctest.Wait()
			if len(gaps) < 60 {
				t.Fatalf("%d runs in 10 min at an interval of 10 s", len(gaps))
			}
			equal := true
			for _, gap := range gaps {
				if gap < 9*time.Second || gap > 10*time.Second {
					t.Errorf("a gap of %v", gap)
				}
				equal = equal && gap == gaps[0]
			}
			if equal {
				t.Error("all gaps are equal: there is no jitter")
			}
		})
	})
	t.Run("have a context with the timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var left time.Duration
			start(t, health.Options{}, health.Check{Name: "cache", Timeout: 3 * time.Second, Run: func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				left = time.Until(deadline)
				return nil
			}})
			if left != 3*time.Second {
				t.Errorf("%v left, want 3s", left)
			}
		})
	})
	t.Run("of one check do not wait for those of another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			var d dependency
			start(t, health.Options{Interval: time.Second},
				health.Check{Name: "slow", Run: slow, Timeout: time.Hour}, health.Check{Name: "fast", Run: d.ping})
			<-time.After(10 * time.Second)
			if d.runs.Load() < 10 {
				t.Errorf("%d runs of the fast check in 10 s", d.runs.Load())
			}
		})
	})
	t.Run("do not depend on how often somebody probes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var d dependency
			h := start(t, health.Options{Interval: time.Minute}, health.Check{Name: "cache", Run: d.ping})
			for range 100 {
				get(h.Ready())
				get(h.Live())
			}
			if d.runs.Load() != 1 {
				t.Errorf("%d runs, want 1", d.runs.Load())
			}
		})
	})
}

func TestHangingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		release := make(chan struct{})
		hang := func(context.Context) error { // ignores its context
			runs.Add(1)
			<-release
			return nil
		}
		h := health.New(health.Options{Interval: time.Second, Details: true})
		if err := h.Add(health.Check{Name: "cache", Run: hang, Timeout: 2 * time.Second}); err != nil {
			t.Fatal(err)
		}
		before := runtime.NumGoroutine()
		started := make(chan error, 1)
		go func() { started <- h.Start(t.Context()) }()
		synctest.Wait()
		if got := get(h.Ready()).Body.String(); !strings.Contains(got, `"cache":"failed: not checked yet"`) {
			t.Errorf("before the timeout: %s", got)
		}
		<-time.After(2*time.Second + time.Millisecond)
		select {
		case err := <-started:
			if err != nil {
				t.Errorf("Start: %v", err)
			}
		default:
			t.Error("Start has not returned though there is a first result")
		}
		if got := get(h.Ready()).Body.String(); !strings.Contains(got, `"cache":"failed: no answer within 2s"`) {
			t.Errorf("after the timeout: %s", got)
		}
		<-time.After(time.Hour)
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs while the first hangs, want 1", n)
		}
		if n := runtime.NumGoroutine() - before; n != 1 {
			t.Errorf("it holds %d goroutines, want 1", n)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Stop(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `check "cache" is still running`) {
			t.Errorf("Stop: %v, want DeadlineExceeded and the check's name", err)
		}
		close(release)
		if err := h.Stop(t.Context()); err != nil {
			t.Errorf("Stop, when the check has returned: %v", err)
		}
	})
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		run  func(context.Context) error
		want string
	}{
		{"an error is shown", func(context.Context) error { return errors.New("connection refused") }, "connection refused"},
		{"an error that reads OK is a failure", func(context.Context) error { return errors.New("OK") }, "OK"},
		{"a panic is a failure", func(context.Context) error { panic("index out of range") }, "panic: index out of range"},
		{"an error with a panicking Error method is a failure", func(context.Context) error { return (*nilError)(nil) }, "<nil>"},
		{"a goroutine that ends is a failure", func(context.Context) error { runtime.Goexit(); return nil }, "the check ended its goroutine and is not run again"},
		{"an answer after the timeout is a failure", func(context.Context) error { <-time.After(2500 * time.Millisecond); return nil }, "no answer within 2s"},
		{"the end of the run's context is told as the timeout", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "no answer within 2s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, health.Options{Details: true}, health.Check{Name: "cache", Run: tt.run})
				<-time.After(time.Minute)
				r := h.Results()[0]
				if r.Err == nil || r.Err.Error() != tt.want {
					t.Errorf("got %v, want %q", r.Err, tt.want)
				}
				if code := get(h.Ready()).Code; code != http.StatusServiceUnavailable {
					t.Errorf("readiness is %d", code)
				}
			})
		})
	}
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestStaleResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dependency
		h := start(t, health.Options{Interval: 2 * time.Second, Details: true}, health.Check{Name: "cache", Run: d.ping, Timeout: time.Second})
		if err := h.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(7 * time.Second)
		if code := get(h.Ready()).Code; code != http.StatusOK {
			t.Errorf("after three intervals and a timeout: %d, want 200", code)
		}
		<-time.After(time.Millisecond)
		w := get(h.Ready())
		if want := "failed: no result since 2000-01-01T00:00:00Z"; w.Code != 503 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("a moment later: %d %s, want 503 with %q", w.Code, w.Body, want)
		}
		if r := h.Results()[0]; r.Err == nil {
			t.Error("Results shows the stale result as healthy")
		}
	})
}

func TestLog(t *testing.T) {
	t.Run("is one line when a check turns to failing and one when it is back", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			var d dependency
			start(t, health.Options{Interval: time.Second, Logger: logger(&log)}, health.Check{Name: "cache", Run: d.ping, Degrade: true})
			<-time.After(time.Minute)
			d.fail(errors.New("dial redis://:hunter2@db: refused"))
			<-time.After(time.Minute)
			d.err.Store(nil)
			<-time.After(time.Minute)
			synctest.Wait()
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if len(lines) != 2 {
				t.Fatalf("%d lines, want 2:\n%s", len(lines), &log)
			}
			const failing = `level=WARN msg="health check is failing" check=cache reason="withheld, it may contain credentials" degrade=true`
			if lines[0] != failing {
				t.Errorf("got  %s\nwant %s", lines[0], failing)
			}
			if !strings.HasPrefix(lines[1], `level=INFO msg="health check is back" check=cache failed_for=`) {
				t.Errorf("got %s", lines[1])
			}
			_, after, _ := strings.Cut(lines[1], "failed_for=")
			if failed, err := time.ParseDuration(after); err != nil || (failed-time.Minute).Abs() > 2*time.Second {
				t.Errorf("failed for %s, want about 1m", after)
			}
		})
	})
	t.Run("keeps its order when it is slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			log := slow{slog.DiscardHandler, make(chan string, 10)}
			var runs atomic.Int64
			late := func(context.Context) error {
				if runs.Add(1) == 1 {
					<-time.After(2500 * time.Millisecond)
				}
				return nil
			}
			start(t, health.Options{Logger: slog.New(log)}, health.Check{Name: "cache", Run: late, Timeout: 2 * time.Second})
			<-time.After(time.Minute)
			if first, second := <-log.lines, <-log.lines; first != "health check is failing" || second != "health check is back" {
				t.Errorf("first %q, then %q", first, second)
			}
		})
	})
	t.Run("says nothing of a run that Stop has ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			h := health.New(health.Options{Logger: logger(&log)})
			if err := h.Add(health.Check{Name: "cache", Run: wait}); err != nil {
				t.Fatal(err)
			}
			started := make(chan error, 1)
			go func() { started <- h.Start(t.Context()) }()
			synctest.Wait()
			if err := h.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-started; err != nil {
				t.Errorf("Start: %v", err)
			}
			if log.Len() > 0 {
				t.Errorf("it logged %s", &log)
			}
		})
	})
}

// slow is a log that takes longer for a warning than the pause after a failure. It has no lock of its own.
type slow struct {
	slog.Handler
	lines chan string
}

func (slow) Enabled(context.Context, slog.Level) bool { return true }

func (s slow) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		<-time.After(5 * time.Second)
	}
	s.lines <- r.Message
	return nil
}
