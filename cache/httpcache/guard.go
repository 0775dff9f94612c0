package httpcache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// guard keeps a store from delaying requests for longer than the timeout, also one that does not keep to its own. Watching over an operation takes a goroutine,
// which costs more than reading from memory does: a store that has been quick many times in a row is not watched when it is read, until it is slow once.
type guard struct {
	timeout time.Duration
	streak  atomic.Int32 // of operations that were quick
	waiting atomic.Int32 // goroutines that wait for the store
}

const (
	quick      = 5 * time.Millisecond
	trustAfter = 64
	// maxWaiting is how many goroutines may wait for a store that hangs. Beyond it the store counts as down.
	maxWaiting = 256
)

var (
	errStoreHangs    = errors.New("httpcache: the store does not answer")
	errStorePanicked = errors.New("httpcache: the store panicked")
)

// trusts reports whether the store has been quick for long enough.
func (g *guard) trusts() bool { return g.streak.Load() >= trustAfter }

// watch runs f, and returns when the time that is left is over though f has not: f must share nothing with the caller but what it returns. A
// panic of the store's is an error.
func watch[T any](ctx context.Context, g *guard, left time.Duration, f func(context.Context) (T, error)) (T, error) {
	var none T
	if left <= 0 {
		return none, errStoreHangs
	}
	if g.waiting.Add(1) > maxWaiting {
		g.waiting.Add(-1)
		return none, errStoreHangs
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer g.waiting.Add(-1)
		value, err := timed(ctx, g, f)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// timed runs f and counts whether it was quick.
func timed[T any](ctx context.Context, g *guard, f func(context.Context) (T, error)) (value T, err error) {
	var now time.Time
	defer g.count(ctx, time.Now(), &now, &err)
	return f(ctx)
}

// count is deferred by what has used the store since start. It makes an error of a panic, and tells when it was called.
func (g *guard) count(ctx context.Context, start time.Time, now *time.Time, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errStorePanicked, p)
	}
	*now = time.Now()
	if *err != nil && ctx.Err() == nil || now.Sub(start) > quick {
		g.streak.Store(0)
	} else if g.streak.Load() < trustAfter {
		g.streak.Add(1)
	}
}
