package httpcache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// guard keeps a store from delaying requests for longer than the timeout, also one that does not keep to its own. Watching over an operation takes a goroutine,
// which costs more than reading from memory does: a store that has been quick many times in a row is not watched when it is read, until it is slow once
// or somebody waits for it.
type guard struct {
	timeout time.Duration
	streak  atomic.Int32 // of operations that were quick
	waiting atomic.Int32 // goroutines that wait for the store
	inside  atomic.Int32 // reads that are not watched
	sign    atomic.Int64 // when one of these ended last, or began where there was none: nanoseconds since 1970
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

// enter reports whether the caller may read the store without being watched; it calls leave then. A store that is being read and gives no sign is
// not trusted.
func (g *guard) enter(now time.Time) bool {
	if g.streak.Load() < trustAfter {
		return false
	}
	if g.inside.Load() == 0 {
		g.sign.Store(now.UnixNano())
	} else if now.UnixNano()-g.sign.Load() > int64(quick) {
		g.streak.Store(0)
		return false
	}
	g.inside.Add(1)
	return true
}

// leave is deferred by who has entered at start. It makes an error of a panic, and tells when it was called.
func (g *guard) leave(ctx context.Context, start time.Time, now *time.Time, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errStorePanicked, p)
	}
	*now = time.Now()
	g.sign.Store(now.UnixNano())
	g.inside.Add(-1)
	g.count(ctx, now.Sub(start), *err)
}

// start runs f, which waits for the store, in a goroutine, and reports false where too many do so.
func (g *guard) start(f func()) bool {
	if g.waiting.Add(1) > maxWaiting {
		g.waiting.Add(-1)
		return false
	}
	go func() {
		defer g.waiting.Add(-1)
		f()
	}()
	return true
}

// watch runs f, and returns when the time that is left is over though f has not: f must share nothing with the caller but what it returns. A
// panic of the store's is an error.
func watch[T any](ctx context.Context, g *guard, left time.Duration, f func(context.Context) (T, error)) (T, error) {
	var none T
	if left <= 0 {
		return none, errStoreHangs
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	started := g.start(func() {
		value, err := timed(ctx, g, f)
		done <- result{value, err}
	})
	if !started {
		return none, errStoreHangs
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// timed runs f and counts whether it was quick. A panic of f's is an error.
func timed[T any](ctx context.Context, g *guard, f func(context.Context) (T, error)) (value T, err error) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errStorePanicked, p)
		}
		g.count(ctx, time.Since(start), err)
	}()
	return f(ctx)
}

// count counts an operation that took so long.
func (g *guard) count(ctx context.Context, took time.Duration, err error) {
	if err != nil && ctx.Err() == nil || took > quick {
		g.streak.Store(0)
	} else if g.streak.Load() < trustAfter {
		g.streak.Add(1)
	}
}
