package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

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
	broken  bool // the source has a value that does not encode; err says so
}

// use returns what a stored value is good for to a caller who wants this schema.
func (j *job) use(s stored) stored {
	s.limit(j.policy)
	if s.standing != absent && (s.frame.schema != j.schema || s.standing != negative && !j.valid(s.value)) {
		s.standing = absent
	}
	return s
}

// join takes part in the load of keys, ks to the store, and begins it where nobody has. It returns what the flights came to, in the order of keys. trouble is what
// the caller's own read of the store gave; asked is when the store was asked for more since, zero for not yet.
func (j *job) join(ctx context.Context, ks, keys []string, trouble error, asked time.Time) ([]result, error) {
	l := &j.c.flights
	all, mine, err := l.takeOff(ctx, j.routes(ks), keys, j.c.markerKeys(j.policy.Tags), false)
	if err != nil {
		return nil, err
	}
	if mine != nil {
		go j.run(mine, trouble, asked)
	}
	defer func() {
		for _, f := range all {
			l.leave(ctx, f)
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
	_, mine, err := j.c.flights.takeOff(ctx, j.routes(ks), keys, j.c.markerKeys(j.policy.Tags), true)
	if errors.Is(err, errTooMany) {
		j.c.emit("refresh", j.c.now(), ResultRefused, err)
	}
	if mine != nil {
		go j.run(mine, nil, time.Time{})
	}
}

func (j *job) routes(ks []string) []route {
	routes := make([]route, len(ks))
	for i, k := range ks {
		routes[i] = route{k, j.schema}
	}
	return routes
}

// errSlow is why what was loaded was not stored.
var errSlow = fmt.Errorf("%w: it has not said in time what is there", ErrUnavailable)

// run makes the flights of a group land. asked is when the store was asked for more than its first read, zero for not yet.
func (j *job) run(g *group, trouble error, asked time.Time) {
	defer j.c.flights.end(g)
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
	for _, d := range p.landed {
		j.c.flights.land(d.flight, d.result)
	}
	if trouble != nil && p.open == nil { // the store is not asked for anything else but to take the value
		for _, f := range g.flights {
			if !f.hasLanded() {
				p.open = append(p.open, opening{flight: f})
			}
		}
	}
	for _, o := range p.others {
		all.Go(func() {
			defer j.rescue([]*flight{o.flight})
			j.await(g, o, p.tags)
		})
	}
	j.loadOpen(g, p.open, p.tags, late, trouble, j.c.timeout-time.Since(asked))
}

// loadOpen calls the loader, stores what it returns and lands the flights, when it has been stored or after the time that is left for that. late is what the store will say,
// if it has not in time.
func (j *job) loadOpen(g *group, open []opening, tags []tag, late <-chan prepared, trouble error, left time.Duration) {
	if len(open) == 0 {
		return
	}
	defer func() { // also where something panics, or the loader ends the goroutine
		learn(open, late)
		for i := range open {
			j.release(&open[i])
		}
	}()
	flights := make([]*flight, len(open))
	for i := range open {
		flights[i] = open[i].flight
	}
	if g.ctx.Err() != nil { // nobody waits any more
		j.c.flights.abandon(flights, context.Cause(g.ctx))
		return
	}
	start := j.c.now()
	results := j.call(g, open, flights)
	for _, r := range results {
		if r.missing {
			j.c.emit(g.op(), start, ResultMiss, nil)
		} else {
			j.c.emit(g.op(), start, ResultOK, r.err)
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
	learn(open, late)
	parallel(len(results), func(i int) {
		if err := j.keep(&open[i], results[i], tags, trouble); err != nil {
			j.c.emit("fill", start, ResultRefused, err)
		}
		open[i].lease = nil // it has been dealt with
		if j.mayFallBack(results[i]) {
			j.landFallback(flights[i : i+1])
		}
		j.c.flights.land(flights[i], results[i])
	})
}

// keysOf returns the keys that flights are for.
func keysOf(flights []*flight) []string {
	keys := make([]string, len(flights))
	for i, f := range flights {
		keys[i] = f.key
	}
	return keys
}
