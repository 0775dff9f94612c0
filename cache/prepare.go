package cache

import (
	"context"
	"slices"
	"sync"
	"time"
)

// prepared is what is to be known before the source is asked. After an error it is what is known of it, and nothing has a lease.
type prepared struct {
	landed       []landing // those that need not be loaded
	open, others []opening // those to load, and those that other processes load
	tags         []tag
	err          error
}

// landing is a flight whose result is stored already.
type landing struct {
	*flight
	result
}

// opening is a flight that has to load.
type opening struct {
	*flight

	known  bool   // the store has said what was stored
	before stored // what was stored
	lease  []byte // what was put in its place, where the load is exclusive
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

// prepare reads once more, for another may have been faster since the callers did, and takes the leases of what is not there. It reads to the end though nobody may wait any more: what it
// finds tells what may be deleted, and the markers that a slow store has not made in time are there for the next load.
func (j *job) prepare(g *group) (p prepared) {
	ctx := context.WithoutCancel(g.ctx)
	ks := make([]string, len(g.flights))
	for i, f := range g.flights {
		ks[i] = f.k
	}
	// The numbers of the tags are read before the source is asked: what is invalidated from now on is.
	found, markers, err := j.c.judgeMany(ctx, ks, j.c.markerKeys(j.policy.Tags))
	if err != nil {
		return prepared{err: err}
	}
	for i, f := range g.flights {
		s := j.use(found[i])
		if r, ok := f.resultIn(s); ok {
			p.landed = append(p.landed, landing{f, r})
		} else {
			p.open = append(p.open, opening{flight: f, known: true, before: s})
		}
	}
	if p.tags, p.err = j.c.tagged(ctx, j.policy.Tags, markers, j.policy.needed(j.c)); p.err != nil || j.policy.Exclusive == 0 {
		return p
	}
	if mine, others, err := j.lease(g.ctx, p.open); err != nil {
		p.err = err
	} else {
		p.open, p.others = mine, others
	}
	return p
}

// resultIn is what is stored, where that is good enough: to a refresh, what is stale is not.
func (f *flight) resultIn(s stored) (r result, ok bool) {
	switch s.standing {
	case fresh:
		return result{value: s.value}, true
	case negative:
		return result{err: opError("get or load", f.key, ErrNotFound), missing: true}, true
	}
	return result{}, false
}

// learn takes over what the store has said late, or will: a lease that was taken when the load had begun guards nothing, but what it stands for can be discarded.
func learn(open []opening, late <-chan prepared) {
	if late == nil {
		return
	}
	p, ok := <-late
	if !ok {
		return
	}
	for i := range open {
		same := func(o opening) bool { return o.flight == open[i].flight }
		if at := slices.IndexFunc(p.open, same); at >= 0 {
			open[i] = p.open[at]
		}
		open[i].known = open[i].known || slices.ContainsFunc(p.others, same)
	}
}
