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
	value []byte
	err   error
}

// use returns what a stored value is good for to a caller who wants this schema.
func (j *job) use(s stored) stored {
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

// isOwn tells whether ctx is that of the loader of k.
func (l *flights) isOwn(ctx context.Context, k string) bool {
	at, _ := ctx.Value(loadsContextKey{}).(*loads)
	for ; at != nil; at = at.above {
		if at.flights == l && slices.ContainsFunc(at.group.flights, func(f *flight) bool { return f.k == k }) {
			return true
		}
	}
	return false
}

// join takes part in the load of keys, ks to the store, and begins it where nobody has. It returns what the flights came to, in the order of keys. trouble is what
// the caller's own read of the store gave; asked is when the store was asked for more since, zero for not yet.
func (j *job) join(ctx context.Context, ks, keys []string, trouble error, asked time.Time) ([]result, error) {
	l := &j.c.flights
	for _, k := range ks {
		if l.isOwn(ctx, k) {
			return nil, errOwnKey
		}
	}
	all, mine, err := l.takeOff(ctx, ks, keys, j.markerKeys(), false)
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
		results[i] = result{f.value, f.err}
	}
	return results, nil
}

// refresh loads keys in the background, but for those that somebody loads.
func (j *job) refresh(ctx context.Context, ks, keys []string) {
	l := &j.c.flights
	if slices.ContainsFunc(ks, func(k string) bool { return l.isOwn(ctx, k) }) {
		return
	}
	_, mine, err := l.takeOff(ctx, ks, keys, j.markerKeys(), true)
	if errors.Is(err, errTooMany) {
		j.c.emit("refresh", j.c.now(), ResultRefused, err)
	}
	if mine != nil {
		go j.run(mine, nil, time.Time{}, outer(ctx))
	}
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
	defer l.rescue(g.flights)
	if asked.IsZero() {
		asked = time.Now()
	}
	var all sync.WaitGroup
	defer all.Wait()
	var p prepared
	if trouble == nil {
		p, trouble = j.prepareInTime(g, j.c.timeout-time.Since(asked), &all)
	}
	if trouble != nil { // the store is not asked for anything else but to take the value
		p = prepared{}
		for _, f := range g.flights {
			p.open = append(p.open, opening{flight: f})
		}
	}
	for _, o := range p.others {
		all.Go(func() {
			defer l.rescue([]*flight{o.flight})
			j.await(g, o, p.tags, above)
		})
	}
	j.loadOpen(g, p.open, p.tags, trouble, j.c.timeout-time.Since(asked), above)
}

// prepared is what is to be known before the source is asked.
type prepared struct {
	open, others []opening // those to load, and those that other processes load
	tags         []tag
}

// prepareInTime is prepare, or errSlow if that takes longer than d: it goes on then, and gives back the leases that it still gets.
func (j *job) prepareInTime(g *group, d time.Duration, running *sync.WaitGroup) (prepared, error) {
	type outcome struct {
		prepared

		err error
	}
	if d <= 0 {
		return prepared{}, errSlow
	}
	done, late := make(chan outcome), make(chan struct{})
	running.Go(func() {
		defer j.c.flights.rescue(g.flights)
		p, err := j.prepare(g)
		select {
		case done <- outcome{p, err}:
		case <-late:
			for i := range p.open {
				j.release(&p.open[i])
			}
		}
	})
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.prepared, o.err
	case <-timer.C:
		close(late)
		return prepared{}, errSlow
	}
}

// opening is a flight that has to load.
type opening struct {
	*flight

	before stored // what was stored
	lease  []byte // what was put in its place, where the load is exclusive
}

// prepare reads once more, for another may have been faster since the callers did, lands what it finds and takes the leases.
func (j *job) prepare(g *group) (p prepared, err error) {
	ctx := g.ctx
	if len(j.policy.Tags) > 0 { // before anything is read: what is invalidated from now on is
		if p.tags, err = j.c.tagged(ctx, j.policy.Tags, j.policy.needed(j.c)); err != nil {
			return p, err
		}
	}
	ks := make([]string, len(g.flights))
	for i, f := range g.flights {
		ks[i] = f.k
	}
	found, err := j.c.judgeMany(ctx, ks)
	if err != nil {
		return p, err
	}
	for i, f := range g.flights {
		s := j.use(found[i])
		if j.landed(f, s) {
			continue
		}
		p.open = append(p.open, opening{flight: f, before: s})
	}
	if j.policy.Exclusive > 0 {
		p.open, p.others, err = j.lease(ctx, p.open)
	}
	return p, err
}

// landed lands f with what is stored, where that is good enough: to a refresh, what is stale is not.
func (j *job) landed(f *flight, s stored) bool {
	switch s.standing {
	case fresh:
		j.c.flights.land(f, s.value, nil)
	case negative:
		j.c.flights.land(f, nil, opError("get or load", f.key, ErrNotFound))
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

// loadOpen calls the loader, stores what it returns and lands the flights, when it has been stored or after the time that is left for that.
func (j *job) loadOpen(g *group, open []opening, tags []tag, trouble error, left time.Duration, above *loads) {
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
		if err := r.err; errors.Is(err, ErrNotFound) {
			j.c.emit(op, start, ResultMiss, nil)
		} else {
			j.c.emit(op, start, ResultOK, err)
		}
	}
	landAll := func() {
		for i, r := range results {
			j.c.flights.landEarly(flights[i], r.value, r.err)
		}
	}
	if left > 0 {
		defer time.AfterFunc(left, landAll).Stop()
	} else {
		landAll()
	}
	for i, r := range results {
		f := flights[i]
		if err := j.keep(&open[i], r, tags, trouble); err != nil {
			j.c.emit("fill", start, ResultRefused, err)
		}
		if r.err != nil && !errors.Is(r.err, ErrNotFound) && j.policy.StaleIfError > 0 && trouble == nil {
			j.landFallback(f)
		}
		j.c.flights.land(f, r.value, r.err)
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
