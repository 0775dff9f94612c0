package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// PanicError is what all callers of a load get whose loader panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the loader, as [debug.Stack] formats it
}

// Error has the stack, which nobody else prints.
func (e *PanicError) Error() string {
	return fmt.Sprintf("cache: the loader panicked: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value of the panic where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is a loader that called [runtime.Goexit], as a test's FailNow does.
var errGoexit = errors.New("cache: the loader ended its goroutine")

// call calls the loader. It does not return if the loader does not: then the flights land with an error when LoadTimeout is over.
func (j *job) call(g *group, open []opening, flights []*flight, above *loads) (results []result) {
	l := &j.c.flights
	timeout := j.policy.loadTimeout()
	late := fmt.Errorf("cache: the loader has not returned within %v: %w", timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(g.ctx, timeout, late)
	defer cancel()
	over := time.AfterFunc(timeout, func() { l.abandon(flights, late) })
	defer over.Stop()
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			results = slices.Repeat([]result{{err: &PanicError{Value: v, Stack: debug.Stack()}}}, len(flights))
			return
		}
		// The goroutine is ending, and only what is deferred still runs.
		for i := range open {
			j.release(&open[i])
			l.land(flights[i], nil, errGoexit)
		}
	}()
	results = j.load(context.WithValue(ctx, loadsContextKey{}, &loads{l, g, above}), flights)
	returned = true
	for i, r := range results {
		if ctx.Err() != nil && errors.Is(r.err, ctx.Err()) {
			results[i].err = context.Cause(ctx)
		}
	}
	return results
}
