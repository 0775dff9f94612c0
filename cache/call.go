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

// call calls the loader. It does not return if the loader does not: then the flights land when LoadTimeout is over, and their leases are given back.
func (j *job) call(g *group, open []opening, flights []*flight) (results []result) {
	start, timeout := j.c.now(), j.policy.loadTimeout()
	late := fmt.Errorf("the loader has not returned within %v: %w", timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(g.ctx, timeout, late)
	defer cancel()
	freed := make(chan struct{})
	over := time.AfterFunc(timeout, func() {
		defer close(freed)
		defer j.rescue(flights)
		j.free(open, flights, late)
	})
	defer func() {
		if !over.Stop() {
			<-freed
		}
	}()
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
		for range flights {
			j.c.emit(g.op(), start, ResultError, errGoexit)
		}
		j.landFallback(flights)
		j.c.flights.abandon(flights, errGoexit)
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

// free ends the flights of a loader that hangs: what it still returns is not stored, and the next caller's begins.
func (j *job) free(open []opening, flights []*flight, late error) {
	l := &j.c.flights
	l.expire(flights)
	j.landFallback(flights)
	l.abandon(flights, late)
	parallel(len(open), func(i int) { j.release(&open[i]) })
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
