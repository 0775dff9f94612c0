package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// PanicError is what all callers of a load get whose loader panicked, or a codec or the store meanwhile.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the goroutine, as [debug.Stack] formats it
}

// Error has the stack, which nobody else prints.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value of the panic where that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is a loader that called [runtime.Goexit], as a test's FailNow does.
var errGoexit = errors.New("the loader ended its goroutine")

// call calls the loader. It does not return if the loader does not: then the flights land with an error when LoadTimeout is over.
func (j *job) call(g *group, flights []*flight) (results []result) {
	l := &j.c.flights
	timeout := j.policy.loadTimeout()
	late := fmt.Errorf("the loader has not returned within %v: %w", timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(g.ctx, timeout, late)
	defer cancel()
	over := time.AfterFunc(timeout, func() {
		if j.policy.StaleIfError > 0 {
			for _, f := range flights {
				j.landFallback(f)
			}
		}
		l.abandon(flights, late)
	})
	defer over.Stop()
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			results = make([]result, len(flights))
			for i, f := range flights {
				results[i].err = opError("get or load", f.key, &PanicError{Value: v, Stack: debug.Stack()})
			}
			return
		}
		// The goroutine is ending, and only what is deferred still runs.
		for _, f := range flights {
			if j.policy.StaleIfError > 0 {
				j.landFallback(f)
			}
			l.land(f, result{err: opError("get or load", f.key, errGoexit)})
		}
	}()
	results = j.load(ctx, flights)
	returned = true
	for i, r := range results {
		if ctx.Err() != nil && errors.Is(r.err, ctx.Err()) {
			results[i] = result{err: opError("get or load", flights[i].key, context.Cause(ctx))}
		}
	}
	return results
}

// rescue, deferred, lands the flights of a goroutine in which a codec, the store or who listens to events panics.
func (j *job) rescue(flights []*flight) {
	switch v := recover().(type) {
	case nil:
	case *PanicError: // of another goroutine
		j.c.flights.abandon(flights, v)
	default:
		j.c.flights.abandon(flights, &PanicError{Value: v, Stack: debug.Stack()})
	}
}
