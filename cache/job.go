package cache

import (
	"context"
	"errors"
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
// the caller's own read of the store gave.
func (j *job) join(ctx context.Context, ks, keys []string, trouble error) ([]result, error) {
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
		go j.run(mine, trouble, outer(ctx))
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
		go j.run(mine, nil, outer(ctx))
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

// tookLong is when the store is so slow that nobody waits for it to take the value too: a caller waits for the source and for two operations.
const tookLong = 100 * time.Millisecond

// run makes the flights of a group land.
func (j *job) run(g *group, trouble error, above *loads) {
	l := &j.c.flights
	defer l.end(g)
	defer l.rescue(g.flights)
	begun := time.Now()
	var open, others []opening
	var tags []tag
	if trouble == nil {
		open, others, tags, trouble = j.prepare(g)
	}
	if trouble != nil { // the store is not asked for anything else but to take the value
		open, others = nil, nil
		for _, f := range g.flights {
			open = append(open, opening{flight: f})
		}
	}
	var waits sync.WaitGroup
	defer waits.Wait()
	for _, o := range others {
		waits.Go(func() {
			defer l.rescue([]*flight{o.flight})
			j.await(g, o, tags, above)
		})
	}
	j.loadOpen(g, open, tags, trouble, time.Since(begun) > tookLong, above)
}

// opening is a flight that has to load.
type opening struct {
	*flight

	before stored // what was stored
	lease  []byte // what was put in its place, where the load is exclusive
}

// prepare reads once more, for another may have been faster since the callers did, lands what it finds and takes the leases.
func (j *job) prepare(g *group) (open, others []opening, tags []tag, err error) {
	ctx := g.ctx
	if len(j.policy.Tags) > 0 { // before anything is read: what is invalidated from now on is
		if tags, err = j.c.tagged(ctx, j.policy.Tags, j.policy.needed(j.c)); err != nil {
			return nil, nil, nil, err
		}
	}
	ks := make([]string, len(g.flights))
	for i, f := range g.flights {
		ks[i] = f.k
	}
	found, err := j.c.judgeMany(ctx, ks)
	if err != nil {
		return nil, nil, nil, err
	}
	for i, f := range g.flights {
		s := j.use(found[i])
		if j.landed(f, s) {
			continue
		}
		open = append(open, opening{flight: f, before: s})
	}
	if j.policy.Exclusive > 0 {
		open, others, err = j.lease(ctx, open)
	}
	return open, others, tags, err
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

// loadOpen calls the loader, stores what it returns and lands the flights. slow is that the store has taken long already.
func (j *job) loadOpen(g *group, open []opening, tags []tag, trouble error, slow bool, above *loads) {
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
	for i, r := range results {
		f := flights[i]
		if slow {
			j.c.flights.land(f, r.value, r.err)
		}
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
