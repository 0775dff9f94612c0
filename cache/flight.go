package cache

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxRefreshes is how many background refreshes of one store run at once. Where there are more, what is stale is served once more and the next caller tries.
	maxRefreshes = 64
	// closeWait is how long Close waits for loaders that do not end though their context is done.
	closeWait = 5 * time.Second
)

// flights are the loads of a store that are under way in this process, one at a time for each key.
type flights struct {
	count atomic.Int64 // of byKey; for those who write, who mostly find none

	mu        sync.Mutex
	byKey     map[string]*flight // by the store's key
	groups    map[*group]struct{}
	refreshes int
	closed    bool
	running   sync.WaitGroup // a group each
}

// group is what one call of a loader loads.
type group struct {
	ctx     context.Context //nolint:containedctx // the loader's: done when nobody waits any more
	cancel  context.CancelCauseFunc
	refresh bool
	live    int // flights that somebody waits for; of flights.mu
	flights []*flight
}

// newGroup is that of a call with ctx, whose values its loader has.
func newGroup(ctx context.Context, refresh bool) *group {
	g := &group{refresh: refresh}
	g.ctx, g.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return g
}

// flight is the load of one key.
type flight struct {
	group   *group
	k       string   // the store's key
	key     string   // the caller's
	markers []string // of its tags, in the namespace of its caller
	done    chan struct{}
	turn    chan struct{} // holds a token while the value is being stored

	// Of flights.mu until done is closed, which they are set before:
	value []byte
	err   error

	// Of flights.mu:
	waiters int
	landed  bool // done is closed
	left    bool // it is not in byKey any more

	overruled atomic.Bool // what it loads must not be stored: somebody has written since it began, or nobody waits for it
}

// errTooMany is why a refresh is not begun.
var errTooMany = fmt.Errorf("%d refreshes are under way", maxRefreshes)

// takeOff returns the flights of the store's keys ks, which the caller now waits for, and the group of those that it has to run, or nil. For a refresh it
// takes only keys that nobody loads, and gives errTooMany where too many run.
func (l *flights) takeOff(ctx context.Context, ks, keys []string, markers []string, refresh bool) (all []*flight, mine *group, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrClosed
	}
	if refresh && l.refreshes >= maxRefreshes {
		return nil, nil, errTooMany
	}
	for i, k := range ks {
		f := l.byKey[k]
		switch {
		case f != nil && refresh:
			continue
		case f != nil:
			f.waiters++
			if f.waiters == 1 {
				f.group.live++
			}
		default:
			if mine == nil {
				mine = newGroup(ctx, refresh)
			}
			f = &flight{group: mine, k: k, key: keys[i], markers: markers, done: make(chan struct{}), turn: make(chan struct{}, 1), waiters: 1}
			mine.flights = append(mine.flights, f)
			mine.live++
			if l.byKey == nil {
				l.byKey, l.groups = make(map[string]*flight), make(map[*group]struct{})
			}
			l.byKey[k] = f
			l.count.Add(1)
		}
		all = append(all, f)
	}
	if mine != nil {
		l.groups[mine] = struct{}{}
		l.running.Add(1)
		if refresh {
			l.refreshes++
		}
	}
	return all, mine, nil
}

// end is called when nothing runs for a group any more.
func (l *flights) end(g *group) {
	l.mu.Lock()
	for _, f := range g.flights {
		l.remove(f)
	}
	delete(l.groups, g)
	if g.refresh {
		l.refreshes--
	}
	l.mu.Unlock()
	g.cancel(nil)
	l.running.Done()
}

// remove makes the next caller begin another flight.
func (l *flights) remove(f *flight) {
	if !f.left {
		f.left = true
		delete(l.byKey, f.k)
		l.count.Add(-1)
	}
}

// land gives those who wait for f what it came to, the first time. Who comes from now on begins another.
func (l *flights) land(f *flight, value []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.landLocked(f, value, err)
	l.remove(f)
}

// landEarly is land for a flight whose value is being stored: who comes meanwhile gets it too, instead of loading it once more.
func (l *flights) landEarly(f *flight, value []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.landLocked(f, value, err)
}

func (l *flights) landLocked(f *flight, value []byte, err error) {
	if !f.landed {
		f.landed, f.value, f.err = true, value, err
		close(f.done)
	}
}

// rescue, deferred, lands the flights of a goroutine in which a codec or a store panics.
func (l *flights) rescue(flights []*flight) {
	if v := recover(); v != nil {
		l.abandon(flights, &PanicError{Value: v, Stack: debug.Stack()})
	}
}

// abandon lands the flights that have not with an error. What the loader still returns is not used.
func (l *flights) abandon(flights []*flight, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range flights {
		if !f.landed {
			f.overruled.Store(true)
			l.landLocked(f, nil, err)
			l.remove(f)
		}
	}
}

// leave is called by each who waits for f, when he does not any more. With the last one the load is called off.
func (l *flights) leave(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	if !f.landed {
		f.overruled.Store(true)
		l.landLocked(f, nil, context.Canceled)
		l.remove(f)
	}
	f.group.live--
	if f.group.live == 0 {
		f.group.cancel(nil)
	}
}

// close calls all loads off and waits for them, but not for long for loaders that go on regardless.
func (l *flights) close() {
	l.mu.Lock()
	l.closed = true
	for g := range l.groups {
		for _, f := range g.flights {
			if !f.landed {
				f.overruled.Store(true)
				l.landLocked(f, nil, opError("get or load", f.key, ErrClosed))
			}
		}
		g.cancel(ErrClosed)
	}
	l.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.running.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(closeWait):
	}
}
