package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	defaultTimeout = 5 * time.Second

	// patience is how long a hook may take to return once its context is done: enough to close a socket.
	patience = 100 * time.Millisecond
)

// Hook is one part of a program: a listener, a store, a worker.
//
// Start begins the work and returns; it must not run for as long as the program does. The context of either function
// ends when the function returns, so work that goes on in the background needs another. It ends a little before the
// Timeout, by a tenth of it or 100 milliseconds, whichever is less, so that a hook that heeds it is in time.
type Hook struct {
	Name  string                      // as errors give it; unique
	Start func(context.Context) error // nil: nothing to do
	Stop  func(context.Context) error // nil: nothing to do; called once at most, and only if Start returned nil

	// Timeout bounds Start, and Stop again. 0: 5 seconds.
	Timeout time.Duration
}

func (h Hook) timeout() time.Duration {
	if h.Timeout == 0 {
		return defaultTimeout
	}
	return h.Timeout
}

var errGoexit = errors.New("it ended its goroutine (runtime.Goexit)")

// run calls f, which is h.Start or h.Stop as verb says, in a goroutine of its own, since only so can it be abandoned.
// It returns within h's timeout, and within the patience from when ctx is done or Kill is called.
func (l *Lifecycle) run(ctx context.Context, verb string, h Hook, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	budget := h.timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, release := context.WithTimeoutCause(ctx, budget-min(patience, budget/10),
		fmt.Errorf("its budget of %s is spent: %w", budget, context.DeadlineExceeded))
	defer release()
	select {
	case <-l.killed: // before f can see that its context is not done
		cancel(errKilled)
	default:
	}

	done := make(chan error, 1) // buffered for a hook that returns after it was abandoned
	go func() {
		err := errGoexit // unless f returns or panics
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
				l.logger.Error("lifecycle hook panicked", "hook", h.Name, "during", verb, "panic", v, "stack", string(debug.Stack()))
			}
			done <- err
		}()
		err = f(ctx)
	}()

	if err := l.await(ctx, cancel, done, budget); err != nil {
		return fmt.Errorf("%s %q: %w", verb, h.Name, err)
	}
	return nil
}

// await returns what the hook sends to done, or gives the hook up.
func (l *Lifecycle) await(ctx context.Context, cancel context.CancelCauseFunc, done <-chan error, budget time.Duration) error {
	end := time.NewTimer(budget)
	defer end.Stop()
	select {
	case err := <-done:
		return err
	case <-l.killed:
		cancel(errKilled)
	case <-ctx.Done():
	}
	last := time.NewTimer(patience)
	defer last.Stop()
	select {
	case err := <-done:
		return err
	case <-end.C:
	case <-last.C:
	}
	select {
	case err := <-done: // at the last moment
		return err
	default:
		return fmt.Errorf("abandoned, it is still running: %w", context.Cause(ctx))
	}
}
