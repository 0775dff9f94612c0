package httpcache

import (
	"context"
	"sync"
	"time"
)

// limited is a context that ends at a moment. It makes a timer only for those who wait for it, as stores that serve from memory do not.
type limited struct {
	context.Context //nolint:containedctx // its parent

	until  time.Time
	once   sync.Once
	timed  context.Context //nolint:containedctx // nil where nobody waits
	cancel context.CancelFunc
}

func (l *limited) Deadline() (time.Time, bool) {
	if at, ok := l.Context.Deadline(); ok && at.Before(l.until) {
		return at, true
	}
	return l.until, true
}

func (l *limited) Err() error {
	if err := l.Context.Err(); err != nil {
		return err
	}
	if time.Until(l.until) <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func (l *limited) Done() <-chan struct{} { return l.waited().Done() }

// AfterFunc keeps package context from starting a goroutine for each context made from this one.
func (l *limited) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(l.waited(), f) }

func (l *limited) waited() context.Context {
	l.once.Do(func() { l.timed, l.cancel = context.WithDeadline(l.Context, l.until) })
	if l.timed == nil {
		return l.Context // the operation has ended, and what it has left behind waits for the request
	}
	return l.timed
}

// end is called when the operation has ended.
func (l *limited) end() {
	l.once.Do(func() {})
	if l.cancel != nil {
		l.cancel()
	}
}
