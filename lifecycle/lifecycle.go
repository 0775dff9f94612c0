// Package lifecycle starts the parts of a program in order, and stops them in reverse.
//
// A part is a [Hook]. A failed start undoes what had started. A stop first lets the program be taken out of the load
// balancer (the drain delay), then attempts every hook, though others failed, hang or panicked, and reports all that
// went wrong, by name. Every hook has a time budget of its own.
//
// The package knows no signals: its user turns the first one into [Lifecycle.Stop] and may turn the second one into
// [Lifecycle.Kill].
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options configures a Lifecycle. The zero value and a nil pointer are fine.
type Options struct {
	// DrainDelay is how long Stop waits in state Draining before it stops the first hook, so that load balancers can
	// see the readiness probe fail while requests are still served. 0 or less: no wait.
	DrainDelay time.Duration

	// Logger gets the stack of a hook's panic; the error of Start or Stop has its value only. Nil: nothing is logged.
	Logger *slog.Logger
}

// Lifecycle runs hooks. It is made by New, used for one start and one stop, and safe for concurrent use. Its methods
// must not be called by its own hooks, except Kill, State and Budget: a hook that waits for Stop waits for itself.
type Lifecycle struct {
	drainDelay time.Duration
	logger     *slog.Logger
	killed     chan struct{} // closed by kill
	kill       func()

	state atomic.Int32 // a State; changed only under mu

	mu          sync.Mutex
	hooks       []Hook
	cancelStart context.CancelCauseFunc // set in Starting

	startEnded chan struct{} // closed when Start runs no more Start hooks, in state Ready or Draining
	started    []Hook        // those to stop; Start's own until startEnded is closed, then the stopper's
	stopped    chan struct{} // closed in state Stopped
	stopErr    error         // read only after stopped is closed
}

// Causes of a hook's ended context. They match context.Canceled, as the context's own error does.
var (
	errKilled  = fmt.Errorf("killed: %w", context.Canceled)
	errStopped = fmt.Errorf("stopped before it was ready: %w", context.Canceled)
)

// New returns a Lifecycle without hooks, in state Initial.
func New(o *Options) *Lifecycle {
	if o == nil {
		o = &Options{}
	}
	killed := make(chan struct{})
	l := &Lifecycle{
		drainDelay: max(o.DrainDelay, 0),
		logger:     o.Logger,
		killed:     killed,
		kill:       sync.OnceFunc(func() { close(killed) }),
		startEnded: make(chan struct{}),
		stopped:    make(chan struct{}),
	}
	if l.logger == nil {
		l.logger = slog.New(slog.DiscardHandler)
	}
	return l
}

// Add appends a hook: it starts after all that were added before it, and stops before them. An empty name, a name that
// was added before and a negative timeout are errors, and so is any Add after Start or Stop; the hook is then not added.
func (l *Lifecycle) Add(h Hook) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.State() != Initial:
		return fmt.Errorf("add hook %q: too late, the lifecycle is %s", h.Name, l.State())
	case h.Name == "":
		return errors.New("add hook: it has no name")
	case slices.ContainsFunc(l.hooks, func(other Hook) bool { return other.Name == h.Name }):
		return fmt.Errorf("add hook %q: the name is taken", h.Name)
	case h.Timeout < 0:
		return fmt.Errorf("add hook %q: its timeout %s is negative", h.Name, h.Timeout)
	}
	l.hooks = append(l.hooks, h)
	return nil
}

// Start runs every Start hook in the order of Add, and returns nil in state Ready.
//
// When a hook fails, panics or outlives its timeout, when ctx is done, or when Stop or Kill is called meanwhile, the
// hooks that had started are stopped in reverse, without the drain delay and though ctx is done, and Start returns the
// reason joined with the errors of that, in state Stopped. The Stop of the hook that failed is not called: a Start that
// fails undoes its own work. A second Start, or one after Stop, is an error that changes nothing.
func (l *Lifecycle) Start(ctx context.Context) error {
	l.mu.Lock()
	if state := l.State(); state != Initial {
		l.mu.Unlock()
		return fmt.Errorf("start: the lifecycle is already %s", state)
	}
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.cancelStart = cancel
	l.setState(Starting)
	hooks := l.hooks
	l.mu.Unlock()

	err := l.startAll(starting, hooks)

	l.mu.Lock()
	stopping := l.State() == Draining
	switch {
	case stopping:
		if err == nil { // the last hook did not mind being cancelled
			err = fmt.Errorf("start: %w", errStopped)
		}
	case err != nil:
		l.setState(Draining)
	default:
		l.setState(Ready)
	}
	close(l.startEnded)
	l.mu.Unlock()

	switch {
	case stopping: // Stop does the rollback, within its own context
		<-l.stopped
		return errors.Join(err, l.stopErr)
	case err != nil:
		return errors.Join(err, l.stopAll(context.WithoutCancel(ctx)))
	}
	return nil
}

func (l *Lifecycle) startAll(ctx context.Context, hooks []Hook) error {
	for _, h := range hooks {
		if err := l.ended(ctx); err != nil {
			return fmt.Errorf("start %q: not begun: %w", h.Name, err)
		}
		if err := l.run(ctx, "start", h, h.Start); err != nil {
			return err
		}
		l.started = append(l.started, h)
	}
	if err := l.ended(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// ended is why ctx is done, or that Kill was called, else nil.
func (l *Lifecycle) ended(ctx context.Context) error {
	select {
	case <-l.killed:
		return errKilled
	default:
		return context.Cause(ctx)
	}
}

// Stop stops what has started, and returns nil only if all of it stopped well.
//
// The state is Draining at once. After the drain delay every Stop hook runs, in reverse order, each with its own budget
// though another failed, panicked or hangs. A hook that hangs is abandoned when its budget is spent: its goroutine is
// left behind, and the error says so. Errors are joined, and each names its hook.
//
// The end of ctx bounds the whole: it ends the drain delay and the running hook's context, and the remaining hooks are
// still called, with a context that is done. From then on each hook is waited for 100 milliseconds at most. Kill does
// the same to a Stop whose ctx is not done.
//
// Stop may be called again and from several goroutines: later callers wait for the first one's result and get the same,
// or the error of their own ctx if that is done before. A Stop before Start leaves nothing to start or stop. A Stop
// during Start cancels it; there is no drain delay then, as nothing was ready. After a failed Start, Stop gives the
// errors of its rollback.
func (l *Lifecycle) Stop(ctx context.Context) error {
	l.mu.Lock()
	before := l.State()
	switch before {
	case Initial:
		l.setState(Stopped)
		close(l.stopped)
	case Starting:
		l.setState(Draining)
		l.cancelStart(errStopped)
	case Ready:
		l.setState(Draining)
	}
	l.mu.Unlock()

	switch before {
	case Starting:
		<-l.startEnded // at most 100 ms from now
		return l.stopAll(ctx)
	case Ready:
		l.drain(ctx)
		return l.stopAll(ctx)
	}
	select {
	case <-l.stopped:
		return l.stopErr
	default:
	}
	select {
	case <-l.stopped:
		return l.stopErr
	case <-ctx.Done():
		return fmt.Errorf("wait for the stop in progress: %w", context.Cause(ctx))
	}
}

func (l *Lifecycle) drain(ctx context.Context) {
	timer := time.NewTimer(l.drainDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-l.killed:
	}
}

func (l *Lifecycle) stopAll(ctx context.Context) error {
	var errs []error
	for _, h := range slices.Backward(l.started) {
		errs = append(errs, l.run(ctx, "stop", h, h.Stop))
	}
	l.stopErr = errors.Join(errs...)
	l.mu.Lock()
	l.setState(Stopped)
	l.mu.Unlock()
	close(l.stopped)
	return l.stopErr
}

// Kill hurries a Start or Stop that runs, and any later one: the drain delay ends, the contexts of running hooks are
// cancelled, remaining Stop hooks run with a cancelled context, and each hook is waited for 100 milliseconds at most.
// A Start that is killed fails and rolls back. Kill stops nothing by itself, returns at once, and may be called again.
func (l *Lifecycle) Kill() { l.kill() }

// Budget returns how long a Stop takes at most without Kill: the drain delay and the timeout of every hook that has a
// Stop. The time that a program's supervisor grants it must be longer.
func (l *Lifecycle) Budget() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	budget := l.drainDelay
	for _, h := range l.hooks {
		if h.Stop != nil {
			budget += h.timeout()
		}
	}
	return budget
}
