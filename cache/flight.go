package cache

import (
	"context"
	"fmt"
	"slices"
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

// flights are the loads of a store that are under way in this process, one at a time for each key and schema.
type flights struct {
	writers // who keeps loads from storing

	count atomic.Int64 // of active; for those who write, who mostly find none

	mu        sync.Mutex
	joinable  map[route]*flight    // those that callers may wait for
	active    map[string][]*flight // those that may still store, by the store's key
	groups    map[*group]struct{}
	refreshes int
	closed    bool
	running   sync.WaitGroup // a group each
}

// route is what callers must have in common to share a load.
type route struct {
	k      string // the store's key
	schema uint64
}

// flight is the load of one key.
type flight struct {
	route

	group   *group
	key     string   // the caller's
	markers []string // of its tags, in the namespace of its caller
	done    chan struct{}
	turn    chan struct{} // holds a token while the value is being stored
	older   []*flight     // of the key, which may be storing yet

	// Of flights.mu until done is closed, which they are set before:
	result

	// Of flights.mu:
	waiters int
	landed  bool // done is closed
	closed  bool // it is not joinable any more
	retired bool // it is not active any more
	undo    bool // somebody has to write who could not wait until it had stored: what it stores is to be deleted

	overruled atomic.Bool // what it loads must not be stored: somebody has written since it began, or nobody waits for it
}

func (f *flight) hasLanded() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// errTooMany is why a refresh is not begun.
var errTooMany = fmt.Errorf("%d refreshes are under way", maxRefreshes)

// takeOff returns the flights of the routes, which the caller now waits for, and the group of those that it has to run, or nil. For a refresh it
// takes only keys that nobody loads, and gives errTooMany where too many run. Where a loader would wait for itself it gives errCircular.
func (l *flights) takeOff(ctx context.Context, routes []route, keys []string, markers []string, refresh bool) (all []*flight, mine *group, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, ErrClosed
	}
	within := groupOf(ctx)
	if slices.ContainsFunc(routes, func(r route) bool { return l.isCircular(within, r) }) {
		return nil, nil, errCircular
	}
	for i, r := range routes {
		f := l.joinable[r]
		switch {
		case f != nil && refresh:
			continue
		case f != nil:
			f.waiters++
			if f.waiters == 1 {
				f.group.live++
			}
		case refresh && l.refreshes >= maxRefreshes:
			return nil, nil, errTooMany
		default:
			if mine == nil {
				mine = l.newGroup(ctx, refresh)
			}
			f = &flight{route: r, group: mine, key: keys[i], markers: markers, done: make(chan struct{}), turn: make(chan struct{}, 1), waiters: 1}
			mine.flights = append(mine.flights, f)
			mine.live++
			l.begin(f)
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
	if w := within.nearest(l); w != nil && !refresh {
		w.waits = append(w.waits, all...)
	}
	return all, mine, nil
}

// begin makes a flight joinable and active. Whoever is writing at this moment may have read what is there before: it stores nothing. Nor do those of the key that nobody
// may join any more.
func (l *flights) begin(f *flight) {
	if l.joinable == nil {
		l.joinable, l.active, l.groups = make(map[route]*flight), make(map[string][]*flight), make(map[*group]struct{})
	}
	for _, other := range l.active[f.k] {
		if other.closed {
			other.overruled.Store(true)
			f.older = append(f.older, other)
		}
	}
	l.joinable[f.route] = f
	l.active[f.k] = append(l.active[f.k], f)
	l.count.Add(1)
	if l.isWritten(f.k) { // after it was counted: who begins to write from now on finds it
		f.overruled.Store(true)
	}
}

// end is called when nothing runs for a group any more.
func (l *flights) end(g *group) {
	l.mu.Lock()
	for _, f := range g.flights {
		l.abandonLocked(f, errGoexit) // of the store, a codec or who listens: all else has landed
		l.shut(f)
		l.retire(f)
	}
	delete(l.groups, g)
	if g.refresh {
		l.refreshes--
	}
	l.mu.Unlock()
	g.cancel(nil)
	l.running.Done()
}

// shut makes the next caller begin another flight.
func (l *flights) shut(f *flight) {
	if !f.closed {
		f.closed = true
		delete(l.joinable, f.route)
	}
}

// retire is for a flight that stores nothing any more.
func (l *flights) retire(f *flight) {
	if f.retired {
		return
	}
	f.retired = true
	l.count.Add(-1)
	all := slices.DeleteFunc(l.active[f.k], func(other *flight) bool { return other == f })
	if len(all) == 0 {
		delete(l.active, f.k)
	} else {
		l.active[f.k] = all
	}
}

// retireUnlessUndone is retire, unless what the flight has stored is to be deleted.
func (l *flights) retireUnlessUndone(f *flight) (retired bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.undo {
		f.undo = false
		return false
	}
	l.retire(f)
	return true
}

// land gives those who wait for f what it came to, the first time, when it stores nothing any more. Who comes from now on begins another.
func (l *flights) land(f *flight, r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.landLocked(f, r)
	l.shut(f)
	l.retire(f)
}

// landEarly is land for a flight whose value is still to be stored: who comes meanwhile gets it too, instead of loading it once more. An error nobody else gets.
func (l *flights) landEarly(f *flight, r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.landLocked(f, r)
	if r.err != nil {
		l.shut(f)
	}
}

func (l *flights) landLocked(f *flight, r result) {
	if !f.landed {
		f.landed, f.result = true, r
		close(f.done)
	}
}

// abandon lands the flights that have not with an error. What the loader still returns is not used.
func (l *flights) abandon(flights []*flight, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range flights {
		l.abandonLocked(f, err)
	}
}

func (l *flights) abandonLocked(f *flight, err error) {
	if !f.landed {
		f.overruled.Store(true)
		l.landLocked(f, result{err: opError("get or load", f.key, err)})
		l.shut(f)
	}
}

// expire makes the next callers begin other flights than these, which store nothing.
func (l *flights) expire(flights []*flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range flights {
		f.overruled.Store(true)
		l.shut(f)
	}
}

// leave is called by each who waits for f, when he does not any more, with the context that he began to wait with. With the last one the load is called off.
func (l *flights) leave(ctx context.Context, f *flight) {
	within := groupOf(ctx).nearest(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if within != nil {
		i := slices.Index(within.waits, f)
		within.waits = slices.Delete(within.waits, i, i+1)
	}
	f.waiters--
	if f.waiters > 0 {
		return
	}
	l.abandonLocked(f, context.Canceled)
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
			l.abandonLocked(f, ErrClosed)
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
