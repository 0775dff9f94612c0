package lifecycle_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/lifecycle"
)

func TestStartRunsHooksInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(nil)
		add(t, l, log.hook("a"), log.hook("b"), log.hook("c"))
		want(t, l.Start(t.Context()))
		wantState(t, l, lifecycle.Ready)
		want(t, l.Stop(t.Context()))
		wantState(t, l, lifecycle.Stopped)
		log.want(t, "start a", "start b", "start c", "stop c", "stop b", "stop a")
	})
}

func TestAHookMayLackEitherFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		onlyStart, onlyStop := log.hook("a"), log.hook("b")
		onlyStart.Stop, onlyStop.Start = nil, nil
		l := lifecycle.New(nil)
		add(t, l, onlyStart, onlyStop, lifecycle.Hook{Name: "neither"})
		want(t, l.Start(t.Context()))
		want(t, l.Stop(t.Context()))
		log.want(t, "start a", "stop b")
	})
}

// Whatever goes wrong with the third of four hooks, the first two are stopped and the others are not.
func TestAFailedStartStopsInReverseWhatHadStarted(t *testing.T) {
	for name, c := range map[string]struct {
		start func(*testing.T) func(context.Context) error
		want  string
		after time.Duration
	}{
		"a hook fails":                     {always(fail("no luck")), `start "c": no luck`, 0},
		"a hook panics":                    {always(panics("no luck")), `start "c": panic: no luck`, 0},
		"a hook ends its goroutine":        {always(goexits), `start "c": it ended its goroutine (runtime.Goexit)`, 0},
		"a hook heeds the end of its time": {always(heeds), `start "c": context deadline exceeded`, 900 * time.Millisecond},
		"a hook hangs":                     {hangs, `start "c": abandoned, it is still running: its budget of 1s is spent: context deadline exceeded`, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log journal
				l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
				add(t, l, log.hook("a"), log.hook("b"),
					lifecycle.Hook{Name: "c", Start: c.start(t), Stop: log.hook("c").Stop, Timeout: time.Second}, log.hook("d"))
				begin := time.Now()
				wantError(t, l.Start(t.Context()), c.want)
				wantTook(t, begin, c.after)
				wantState(t, l, lifecycle.Stopped)
				log.want(t, "start a", "start b", "stop b", "stop a")
			})
		})
	}
}

func TestAFailedStartReportsTheErrorsOfItsRollbackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("no luck")
		l := lifecycle.New(nil)
		add(t, l,
			lifecycle.Hook{Name: "a", Stop: fail("stuck")},
			lifecycle.Hook{Name: "b", Stop: panics("worse")},
			lifecycle.Hook{Name: "c", Start: func(context.Context) error { return cause }})
		err := l.Start(t.Context())
		wantError(t, err, "start \"c\": no luck\nstop \"b\": panic: worse\nstop \"a\": stuck")
		if !errors.Is(err, cause) {
			t.Error("the hook's error is not in the chain")
		}
		wantError(t, l.Stop(t.Context()), "stop \"b\": panic: worse\nstop \"a\": stuck")
	})
}

func TestAStartWhoseContextEndsWithinAHookIsRolledBackWithOneThatHasNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), time.Second)
		defer cancel()
		l := lifecycle.New(nil)
		add(t, l,
			lifecycle.Hook{Name: "a", Stop: func(ctx context.Context) error {
				log.add("stop a")
				if ctx.Err() != nil || ctx.Value(key{}) != "kept" {
					t.Errorf("the rollback's context has error %v and value %v, want none and the caller's", ctx.Err(), ctx.Value(key{}))
				}
				return nil
			}},
			lifecycle.Hook{Name: "b", Start: heeds}, log.hook("c"))
		wantError(t, l.Start(ctx), `start "b": context deadline exceeded`)
		log.want(t, "stop a")
	})
}

func TestAStartWhoseContextEndsBetweenHooksBeginsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		ctx, cancel := context.WithCancel(t.Context())
		cancels := log.hook("a")
		cancels.Start = func(context.Context) error { cancel(); return nil }
		l := lifecycle.New(nil)
		add(t, l, cancels, log.hook("b"))
		wantError(t, l.Start(ctx), `start "b": not begun: context canceled`)
		log.want(t, "stop a")
	})
}

func TestAStartWhoseContextEndsWithTheLastHookIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		ctx, cancel := context.WithCancel(t.Context())
		cancels := log.hook("a")
		cancels.Start = func(context.Context) error { cancel(); return nil }
		l := lifecycle.New(nil)
		add(t, l, cancels)
		wantError(t, l.Start(ctx), `start: context canceled`)
		log.want(t, "stop a")
	})
}

func TestEveryStartHasABudgetOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context) error { <-time.After(4 * time.Second); return nil }
		l := lifecycle.New(nil)
		add(t, l,
			lifecycle.Hook{Name: "a", Start: slow},
			lifecycle.Hook{Name: "b", Start: slow},
			lifecycle.Hook{Name: "c", Start: slow})
		begin := time.Now()
		want(t, l.Start(t.Context()))
		wantTook(t, begin, 12*time.Second)
	})
}

func TestAHooksTimeoutIs5SecondsWhereNoneIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(nil)
		add(t, l, lifecycle.Hook{Name: "a", Start: hangs(t)})
		begin := time.Now()
		wantError(t, l.Start(t.Context()), `start "a": abandoned, it is still running: its budget of 5s is spent: context deadline exceeded`)
		wantTook(t, begin, 5*time.Second)
	})
}

func TestStartIsForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lifecycle.New(nil)
		want(t, l.Start(t.Context()))
		wantError(t, l.Start(t.Context()), "start: the lifecycle is already ready")
		wantState(t, l, lifecycle.Ready)
		want(t, l.Stop(t.Context()))
		wantError(t, l.Start(t.Context()), "start: the lifecycle is already stopped")
	})
}

func TestAddRefusesWhatCannotWork(t *testing.T) {
	ready := func(t *testing.T, l *lifecycle.Lifecycle) { want(t, l.Start(t.Context())) }
	for name, c := range map[string]struct {
		before func(*testing.T, *lifecycle.Lifecycle)
		hook   lifecycle.Hook
		want   string
	}{
		"no name":            {nil, lifecycle.Hook{}, "add hook: it has no name"},
		"a name twice":       {nil, lifecycle.Hook{Name: "redis"}, `add hook "redis": the name is taken`},
		"a negative timeout": {nil, lifecycle.Hook{Name: "a", Timeout: -1}, `add hook "a": its timeout -1ns is negative`},
		"a hook after Start": {ready, lifecycle.Hook{Name: "a"}, `add hook "a": too late, the lifecycle is ready`},
		"a hook after Stop": {func(t *testing.T, l *lifecycle.Lifecycle) { want(t, l.Stop(t.Context())) },
			lifecycle.Hook{Name: "a"}, `add hook "a": too late, the lifecycle is stopped`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := lifecycle.New(nil)
				add(t, l, lifecycle.Hook{Name: "redis", Stop: heeds})
				if c.before != nil {
					c.before(t, l)
				}
				wantError(t, l.Add(c.hook), c.want)
				if got := l.Budget(); got != 5*time.Second {
					t.Errorf("the budget is %s after a refused Add, want that of the one hook, 5s", got)
				}
			})
		})
	}
}

type key struct{}

func fail(reason string) func(context.Context) error {
	return func(context.Context) error { return errors.New(reason) }
}

func panics(value any) func(context.Context) error {
	return func(context.Context) error { panic(value) }
}

func goexits(context.Context) error { runtime.Goexit(); return nil }

func always(f func(context.Context) error) func(*testing.T) func(context.Context) error {
	return func(*testing.T) func(context.Context) error { return f }
}

// heeds returns as soon as its context is done.
func heeds(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// hangs ignores its context, until the test ends.
func hangs(t *testing.T) func(context.Context) error {
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return func(context.Context) error { <-end; return nil }
}

func add(t *testing.T, l *lifecycle.Lifecycle, hooks ...lifecycle.Hook) {
	t.Helper()
	for _, h := range hooks {
		want(t, l.Add(h))
	}
}

func want(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Errorf("the error is\n%v\nwant\n%s", err, text)
	}
}

func wantState(t *testing.T, l *lifecycle.Lifecycle, state lifecycle.State) {
	t.Helper()
	if got := l.State(); got != state {
		t.Errorf("the state is %s, want %s", got, state)
	}
}

func wantTook(t *testing.T, begin time.Time, d time.Duration) {
	t.Helper()
	if took := time.Since(begin); took != d {
		t.Errorf("it took %s, want %s", took, d)
	}
}

// journal records what happened, in order. The hooks of one lifecycle never overlap unless one was abandoned, and the
// race detector watches that.
type journal struct{ lines []string }

func (j *journal) add(line string) { j.lines = append(j.lines, line) }

func (j *journal) hook(name string) lifecycle.Hook {
	return lifecycle.Hook{
		Name:  name,
		Start: func(context.Context) error { j.add("start " + name); return nil },
		Stop:  func(context.Context) error { j.add("stop " + name); return nil },
	}
}

func (j *journal) want(t *testing.T, lines ...string) {
	t.Helper()
	if got, want := strings.Join(j.lines, ", "), strings.Join(lines, ", "); got != want {
		t.Errorf("what happened:\n%s\nwant\n%s", got, want)
	}
}
