package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/lifecycle"
)

func TestStopAttemptsEveryHookThoughOthersFailHangAndPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		cause := errors.New("no luck")
		l := lifecycle.New(nil)
		add(t, l,
			log.hook("a"),
			lifecycle.Hook{Name: "b", Stop: func(context.Context) error { return cause }},
			log.hook("c"),
			lifecycle.Hook{Name: "d", Stop: hangs(t), Timeout: 3 * time.Second},
			log.hook("e"),
			lifecycle.Hook{Name: "f", Stop: panics(cause)},
			log.hook("g"),
			lifecycle.Hook{Name: "h", Stop: goexits},
			log.hook("i"))
		want(t, l.Start(t.Context()))
		log = journal{}
		begin := time.Now()
		err := l.Stop(t.Context())
		wantTook(t, begin, 3*time.Second)
		log.want(t, "stop i", "stop g", "stop e", "stop c", "stop a")
		wantError(t, err, strings.Join([]string{
			`stop "h": it ended its goroutine (runtime.Goexit)`,
			`stop "f": panic: no luck`,
			`stop "d": abandoned, it is still running: its budget of 3s is spent: context deadline exceeded`,
			`stop "b": no luck`,
		}, "\n"))
		if !errors.Is(err, cause) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error("the hooks' own errors are not in the chain")
		}
	})
}

func TestBudgetIsTheDrainDelayAndTheTimeoutOfEveryStop(t *testing.T) {
	l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Second})
	add(t, l,
		lifecycle.Hook{Name: "a", Stop: heeds, Timeout: 2 * time.Second},
		lifecycle.Hook{Name: "b has the default", Stop: heeds},
		lifecycle.Hook{Name: "c has no Stop", Start: heeds, Timeout: time.Minute})
	if got := l.Budget(); got != 8*time.Second {
		t.Errorf("the budget is %s, want 8s", got)
	}
}

func TestAStopThatHangsEverywhereTakesTheBudgetAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Second})
		add(t, l,
			lifecycle.Hook{Name: "a", Stop: hangs(t), Timeout: 2 * time.Second},
			lifecycle.Hook{Name: "b", Stop: hangs(t)},
			lifecycle.Hook{Name: "c", Stop: hangs(t), Timeout: 10 * time.Millisecond})
		want(t, l.Start(t.Context()))
		begin := time.Now()
		if l.Stop(t.Context()) == nil {
			t.Error("Stop gives no error")
		}
		wantTook(t, begin, l.Budget())
	})
}

func TestStopDrainsFirstAndIsDrainingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var stoppedAfter time.Duration
		l := lifecycle.New(&lifecycle.Options{DrainDelay: 5 * time.Second})
		add(t, l, lifecycle.Hook{Name: "a", Stop: func(context.Context) error {
			stoppedAfter = time.Since(begin)
			wantState(t, l, lifecycle.Draining)
			return nil
		}})
		want(t, l.Start(t.Context()))
		result := make(chan error)
		go func() { result <- l.Stop(t.Context()) }()
		synctest.Wait()
		wantState(t, l, lifecycle.Draining)
		want(t, <-result)
		if stoppedAfter != 5*time.Second {
			t.Errorf("the hook was stopped after %s, want the drain delay, 5s", stoppedAfter)
		}
	})
}

func TestANegativeDrainDelayIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(&lifecycle.Options{DrainDelay: -time.Hour})
		add(t, l, lifecycle.Hook{Name: "a", Stop: heeds, Timeout: time.Second})
		if got := l.Budget(); got != time.Second {
			t.Errorf("the budget is %s, want the hook's, 1s", got)
		}
	})
}

func TestTheEndOfStopsContextEndsTheDrainDelayAndStillAttemptsEveryHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		done := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				log.add("stop " + name)
				return ctx.Err()
			}
		}
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
		add(t, l,
			lifecycle.Hook{Name: "a", Stop: done("a")},
			lifecycle.Hook{Name: "b", Stop: hangs(t)},
			lifecycle.Hook{Name: "c", Stop: done("c")})
		want(t, l.Start(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		wantError(t, l.Stop(ctx), strings.Join([]string{
			`stop "c": context deadline exceeded`,
			`stop "b": abandoned, it is still running: context deadline exceeded`,
			`stop "a": context deadline exceeded`,
		}, "\n"))
		wantTook(t, begin, 2*time.Second+100*time.Millisecond)
		log.want(t, "stop c", "stop a")
	})
}

func TestTheEndOfStopsContextLeavesARunningHook100Milliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(nil)
		add(t, l,
			lifecycle.Hook{Name: "too slow", Stop: func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(101 * time.Millisecond)
				return nil
			}},
			lifecycle.Hook{Name: "in time", Stop: func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(99 * time.Millisecond)
				return nil
			}})
		want(t, l.Start(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		wantError(t, l.Stop(ctx), `stop "too slow": abandoned, it is still running: context deadline exceeded`)
		wantTook(t, begin, time.Second+199*time.Millisecond)
		<-time.After(time.Second) // the abandoned hook ends, and hurts nobody
	})
}

func TestConcurrentStopsGetTheSameResultAndRunTheHooksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Second})
		add(t, l, lifecycle.Hook{Name: "a", Stop: func(context.Context) error { calls++; return errors.New("no luck") }})
		want(t, l.Start(t.Context()))
		begin := time.Now()
		results := make(chan error)
		for range 10 {
			go func() { results <- l.Stop(t.Context()) }()
		}
		first := <-results
		wantError(t, first, `stop "a": no luck`)
		for range 9 {
			if err := <-results; err != first {
				t.Errorf("a Stop gives %v, another %v", err, first)
			}
		}
		wantTook(t, begin, time.Second)
		if err := l.Stop(t.Context()); err != first {
			t.Errorf("a later Stop gives %v, want the same as before", err)
		}
		if calls != 1 {
			t.Errorf("the hook was stopped %d times", calls)
		}
	})
}

func TestALaterStopLeavesOnItsOwnContextAndDoesNotHurryTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(&lifecycle.Options{DrainDelay: 10 * time.Second})
		want(t, l.Start(t.Context()))
		begin := time.Now()
		result := make(chan error)
		go func() { result <- l.Stop(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantError(t, l.Stop(ctx), "wait for the stop in progress: context deadline exceeded")
		wantTook(t, begin, time.Second)
		want(t, <-result)
		wantTook(t, begin, 10*time.Second)
		want(t, l.Stop(ctx)) // the result is there, so the context does not matter
	})
}

func TestAStopBeforeStartRunsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
		add(t, l, log.hook("a"))
		begin := time.Now()
		want(t, l.Stop(t.Context()))
		want(t, l.Stop(t.Context()))
		wantTook(t, begin, 0)
		wantState(t, l, lifecycle.Stopped)
		wantError(t, l.Start(t.Context()), "start: the lifecycle is already stopped")
		log.want(t)
	})
}

// Both calls return, whatever the hook that is starting does about it.
func TestAStopDuringStartCancelsItAndRollsBack(t *testing.T) {
	for name, c := range map[string]struct {
		start func(*testing.T) func(context.Context) error
		want  string
		after time.Duration
	}{
		"the hook heeds its context": {always(heeds), `start "b": context canceled`, 0},
		"the hook hangs": {hangs, `start "b": abandoned, it is still running: stopped before it was ready: context canceled`,
			100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log journal
				l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
				add(t, l, log.hook("a"), lifecycle.Hook{Name: "b", Start: c.start(t), Timeout: time.Hour}, log.hook("c"))
				started := make(chan error)
				go func() { started <- l.Start(t.Context()) }()
				synctest.Wait()
				wantState(t, l, lifecycle.Starting)
				begin := time.Now()
				want(t, l.Stop(t.Context()))
				wantError(t, <-started, c.want)
				wantTook(t, begin, c.after)
				wantState(t, l, lifecycle.Stopped)
				log.want(t, "start a", "stop a")
			})
		})
	}
}

func TestAStopDuringStartStopsAHookThatStartsNevertheless(t *testing.T) {
	for name, c := range map[string]struct {
		last bool
		want string
	}{
		"the last hook":      {true, "start: stopped before it was ready: context canceled\nstop \"a\": no luck"},
		"one before another": {false, "start \"b\": not begun: stopped before it was ready: context canceled\nstop \"a\": no luck"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := lifecycle.New(nil)
				add(t, l, lifecycle.Hook{Name: "a", Start: func(ctx context.Context) error { <-ctx.Done(); return nil }, Stop: fail("no luck")})
				if !c.last {
					add(t, l, lifecycle.Hook{Name: "b"})
				}
				started := make(chan error)
				go func() { started <- l.Start(t.Context()) }()
				synctest.Wait()
				wantError(t, l.Stop(t.Context()), `stop "a": no luck`)
				wantError(t, <-started, c.want)
			})
		})
	}
}

func TestAStopDuringTheRollbackOfAFailedStartWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(nil)
		add(t, l, lifecycle.Hook{Name: "a", Stop: func(context.Context) error {
			<-time.After(time.Second)
			return errors.New("no luck")
		}}, lifecycle.Hook{Name: "b", Start: fail("broken")})
		started := make(chan error)
		go func() { started <- l.Start(t.Context()) }()
		synctest.Wait()
		wantState(t, l, lifecycle.Draining)
		begin := time.Now()
		go func() { wantError(t, <-started, "start \"b\": broken\nstop \"a\": no luck") }()
		wantError(t, l.Stop(t.Context()), `stop "a": no luck`)
		wantTook(t, begin, time.Second)
	})
}

func TestTheStackOfAPanicGoesToTheLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := lifecycle.New(&lifecycle.Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
		add(t, l, lifecycle.Hook{Name: "redis", Stop: panics("no luck")})
		want(t, l.Start(t.Context()))
		wantError(t, l.Stop(t.Context()), `stop "redis": panic: no luck`)
		for _, want := range []string{"hook=redis", "during=stop", `panic="no luck"`, ".panics."} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, out.String())
			}
		}
	})
}

func TestStatesHaveNames(t *testing.T) {
	for state, want := range map[lifecycle.State]string{
		lifecycle.Initial: "new", lifecycle.Starting: "starting", lifecycle.Ready: "ready",
		lifecycle.Draining: "draining", lifecycle.Stopped: "stopped", 9: "State(9)",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d is called %q, want %q", int(state), got, want)
		}
	}
	wantState(t, lifecycle.New(nil), lifecycle.Initial)
}
