package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// errOwnKey is a loader that waits for itself.
var errOwnKey = errors.New("its own loader asks for it")

// job is what the callers of GetOrLoad ask for, without its type.
type job struct {
	c      *Cache
	policy *Policy
	schema uint64
	// load calls the loader for the keys of the flights and gives each its value, encoded, or its error.
	load func(ctx context.Context, flights []*flight) []result
	// valid tells whether a stored value is one of the type.
	valid func(value []byte) bool
}

// result is what a loader came to for one key.
type result struct {
	value   []byte
	err     error
	missing bool // the source has no such thing; err says so
}

// use returns what a stored value is good for to a caller who wants this schema.
func (j *job) use(s stored) stored {
	s.limit(j.policy)
	if s.standing != absent && s.standing != negative && (s.frame.schema != j.schema || !j.valid(s.value)) {
		s.standing = absent
	}
	return s
}

// loadsContextKey has the innermost of the loads that a loader runs for.
type loadsContextKey struct{}

type loads struct {
	flights *flights
	group   *group
	above   *loads
}

// isOwn tells whether ctx is that of the loader of r, which has not ended.
func (l *flights) isOwn(ctx context.Context, r route) bool {
	at, _ := ctx.Value(loadsContextKey{}).(*loads)
	for ; at != nil; at = at.above {
		if at.flights == l && slices.ContainsFunc(at.group.flights, func(f *flight) bool { return f.route == r && !f.hasLanded() }) {
			return true
		}
	}
	return false
}

func (f *flight) hasLanded() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// join takes part in the load of keys, ks to the store, and begins it where nobody has. It returns what the flights came to, in the order of keys. trouble is what
// the caller's own read of the store gave; asked is when the store was asked for more since, zero for not yet.
func (j *job) join(ctx context.Context, ks, keys []string, trouble error, asked time.Time) ([]result, error) {
	l := &j.c.flights
	routes := j.routes(ks)
	for _, r := range routes {
		if l.isOwn(ctx, r) {
			return nil, errOwnKey
		}
	}
	all, mine, err := l.takeOff(ctx, routes, keys, j.markerKeys(), false)
	if err != nil {
		return nil, err
	}
	if mine != nil {
		go j.run(mine, trouble, asked, outer(ctx))
	}
	defer func() {
		for _, f := range all {
			l.leave(f)
		}
	}()
	results := make([]result, len(all))
	for i, f := range all {
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		results[i] = f.result
	}
	return results, nil
}

// refresh loads keys in the background, but for those that somebody loads.
func (j *job) refresh(ctx context.Context, ks, keys []string) {
	l := &j.c.flights
	routes := j.routes(ks)
	if slices.ContainsFunc(routes, func(r route) bool { return l.isOwn(ctx, r) }) {
		return
	}
	_, mine, err := l.takeOff(ctx, routes, keys, j.markerKeys(), true)
	if errors.Is(err, errTooMany) {
		j.c.emit("refresh", j.c.now(), ResultRefused, err)
	}
	if mine != nil {
		go j.run(mine, nil, time.Time{}, outer(ctx))
	}
}

func (j *job) routes(ks []string) []route {
	routes := make([]route, len(ks))
	for i, k := range ks {
		routes[i] = route{k, j.schema}
	}
	return routes
}

// outer is the load in whose loader ctx is used.
func outer(ctx context.Context) *loads {
	above, _ := ctx.Value(loadsContextKey{}).(*loads)
	return above
}

func (j *job) markerKeys() []string {
	var ks []string
	for _, name := range j.policy.Tags {
		for _, k := range markerKeys(j.c.scopes(), name) {
			ks = append(ks, k)
		}
	}
	return ks
}

// errSlow is why what was loaded was not stored.
var errSlow = fmt.Errorf("%w: it has not said in time what is there", ErrUnavailable)

// run makes the flights of a group land. asked is when the store was asked for more than its first read, zero for not yet.
func (j *job) run(g *group, trouble error, asked time.Time, above *loads) {
	l := &j.c.flights
	defer l.end(g)
	defer j.rescue(g.flights)
	if asked.IsZero() {
		asked = time.Now()
	}
	var all sync.WaitGroup
	defer all.Wait()
	var p prepared
	var late <-chan prepared
	if trouble == nil {
		p, late, trouble = j.prepareInTime(g, j.c.timeout-time.Since(asked), &all)
	}
	if trouble != nil { // the store is not asked for anything else but to take the value
		p = prepared{}
		for _, f := range g.flights {
			if !f.hasLanded() {
				p.open = append(p.open, opening{flight: f})
			}
		}
	}
	for _, o := range p.others {
		all.Go(func() {
			defer j.rescue([]*flight{o.flight})
			j.await(g, o, p.tags, above)
		})
	}
	j.loadOpen(g, p.open, p.tags, late, trouble, j.c.timeout-time.Since(asked), above)
}

// prepared is what is to be known before the source is asked.
type prepared struct {
	open, others []opening // those to load, and those that other processes load
	tags         []tag
	err          error
}

// prepareInTime is prepare, or errSlow if that takes longer than d, and what it will have come to.
func (j *job) prepareInTime(g *group, d time.Duration, running *sync.WaitGroup) (p prepared, late <-chan prepared, err error) {
	if d <= 0 {
		return prepared{}, nil, errSlow
	}
	done := make(chan prepared, 1)
	running.Go(func() {
		defer j.rescue(g.flights)
		defer close(done) // also where it panics
		p := j.prepare(g)
		done <- p
	})
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case p := <-done:
		return p, nil, p.err
	case <-timer.C:
		return prepared{}, done, errSlow
	}
}

// opening is a flight that has to load.
type opening struct {
	*flight

	known  bool   // the store has said what was stored
	before stored // what was stored
	lease  []byte // what was put in its place, where the load is exclusive
}

// prepare reads once more, for another may have been faster since the callers did, lands what it finds and takes the leases.
func (j *job) prepare(g *group) (p prepared) {
	ctx := g.ctx
	if len(j.policy.Tags) > 0 { // before anything is read: what is invalidated from now on is
		if p.tags, p.err = j.c.tagged(ctx, j.policy.Tags, j.policy.needed(j.c)); p.err != nil {
			return p
		}
	}
	ks := make([]string, len(g.flights))
	for i, f := range g.flights {
		ks[i] = f.k
	}
	found, err := j.c.judgeMany(ctx, ks)
	if err != nil {
		p.err = err
		return p
	}
	for i, f := range g.flights {
		s := j.use(found[i])
		if j.landed(f, s) {
			continue
		}
		p.open = append(p.open, opening{flight: f, known: true, before: s})
	}
	if j.policy.Exclusive > 0 {
		p.open, p.others, p.err = j.lease(ctx, p.open)
	}
	return p
}

// landed lands f with what is stored, where that is good enough: to a refresh, what is stale is not.
func (j *job) landed(f *flight, s stored) bool {
	switch s.standing {
	case fresh:
		j.c.flights.land(f, result{value: s.value})
	case negative:
		j.c.flights.land(f, result{err: opError("get or load", f.key, ErrNotFound), missing: true})
	default:
		return false
	}
	return true
}

// judgeMany is judge for what is stored under the store's keys, in their order.
func (c *Cache) judgeMany(ctx context.Context, ks []string) ([]stored, error) {
	raws, err := c.rawMany(ctx, ks)
	if err != nil {
		return nil, err
	}
	all := make([]stored, len(ks))
	tagged := false
	for i, k := range ks {
		raw, found := raws[k]
		switch {
		case !found:
		case isFramed(raw):
			all[i] = judgeFrame(raw)
			tagged = tagged || len(all[i].frame.tags) > 0
		default:
			all[i] = stored{standing: fresh, raw: raw, value: raw}
		}
	}
	if !tagged {
		return all, nil
	}
	markers, err := c.markers(ctx, slices.Values(all))
	if err != nil {
		return nil, err
	}
	scopes := c.scopes()
	for i := range all {
		all[i].compare(scopes, markers)
	}
	return all, nil
}

// loadOpen calls the loader, stores what it returns and lands the flights, when it has been stored or after the time that is left for that. late is what the store will say,
// if it has not in time.
func (j *job) loadOpen(g *group, open []opening, tags []tag, late <-chan prepared, trouble error, left time.Duration, above *loads) {
	if len(open) == 0 {
		return
	}
	flights := make([]*flight, len(open))
	for i := range open {
		flights[i] = open[i].flight
	}
	op := "load"
	if g.refresh {
		op = "refresh"
	}
	start := j.c.now()
	results := j.call(g, open, flights, above)
	for _, r := range results {
		if r.missing {
			j.c.emit(op, start, ResultMiss, nil)
		} else {
			j.c.emit(op, start, ResultOK, r.err)
		}
	}
	landAll := func() {
		for i, r := range results {
			j.c.flights.landEarly(flights[i], r)
		}
	}
	if left > 0 {
		defer time.AfterFunc(left, landAll).Stop()
	} else {
		landAll()
	}
	if late != nil {
		learn(open, <-late)
	}
	for i, r := range results {
		f := flights[i]
		if err := j.keep(&open[i], r, tags, trouble); err != nil {
			j.c.emit("fill", start, ResultRefused, err)
		}
		if j.mayFallBack(r) {
			j.landFallback(f)
		}
		j.c.flights.land(f, r)
	}
}

// learn takes over what the store has said late: a lease that was taken when the load had begun guards nothing, but what it stands for can be discarded.
func learn(open []opening, p prepared) {
	if p.err != nil || p.open == nil && p.others == nil {
		return
	}
	for i := range open {
		open[i].known = true
		for _, o := range p.open {
			if o.flight == open[i].flight {
				open[i] = o
			}
		}
	}
}

// keysOf returns the keys that flights are for.
func keysOf(flights []*flight) []string {
	keys := make([]string, len(flights))
	for i, f := range flights {
		keys[i] = f.key
	}
	return keys
}
