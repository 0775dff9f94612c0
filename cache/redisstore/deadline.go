package redisstore

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines bounds operations. What is read and written takes its deadline from the context's Deadline; a channel that is closed is
// wanted only where an operation waits for a connection. A timer for each operation, most of which never wait, would cost more
// than everything else that a Store adds to its client. So those that begin within a sixteenth of the timeout share one, which ends with
// the last of them.
type deadlines struct {
	timeout time.Duration
	current atomic.Pointer[tick]
}

// tick is what operations that began at about the same time share.
type tick struct {
	last time.Time     // no operation that begins later shares it
	end  time.Time     // of an operation that begins at last
	done chan struct{} // closed at end
}

// bound returns a context that ends within the timeout, and when: the caller's own, if that ends first.
func (d *deadlines) bound(parent context.Context) (ctx context.Context, end time.Time) {
	now := time.Now()
	t := d.current.Load()
	for t == nil || now.After(t.last) {
		t = d.renew(t, now)
	}
	if own, ok := parent.Deadline(); ok && !own.After(t.end) {
		return parent, own
	}
	end = now.Add(d.timeout)
	return &bounded{Context: parent, end: end, done: t.done}, end
}

// renew puts a new tick in the place of old, unless somebody else has.
func (d *deadlines) renew(old *tick, now time.Time) *tick {
	last := now.Add(d.timeout / 16)
	t := &tick{last: last, end: last.Add(d.timeout), done: make(chan struct{})}
	if !d.current.CompareAndSwap(old, t) {
		return d.current.Load()
	}
	time.AfterFunc(t.end.Sub(now), func() { close(t.done) })
	return t
}

// bounded is a context with a deadline and without a timer of its own. Its Done, which says nothing of the caller's cancellation, is closed at
// most a sixteenth of the timeout after its end.
type bounded struct {
	context.Context // the caller's: what it carries, and whether it was cancelled
	end             time.Time
	done            <-chan struct{}
}

// Deadline is the end of the operation, exactly.
func (b *bounded) Deadline() (time.Time, bool) { return b.end, true }

// Done is closed soon after the end of the operation.
func (b *bounded) Done() <-chan struct{} { return b.done }

// Err tells why Done is closed.
func (b *bounded) Err() error {
	select {
	case <-b.done:
	default:
		return nil
	}
	if err := b.Context.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}
