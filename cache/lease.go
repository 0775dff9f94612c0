package cache

import (
	"context"
	"crypto/rand"
	"time"
)

// How often somebody who waits for another's lease looks at the entry: after an eighth of the time that he has waited, within these.
const (
	minPoll = 2 * time.Millisecond
	maxPoll = 50 * time.Millisecond
)

// isLeased tells whether somebody has a lease on what is stored that has not run out.
func (s *stored) isLeased() bool {
	return s.framed && s.frame.flags&flagLease != 0 && time.Now().UnixNano() < s.frame.deadline
}

// lease takes the leases of the openings, as many as are to be had, and returns those whose keys others have.
func (j *job) lease(ctx context.Context, open []opening) (mine, others []opening, err error) {
	done := false
	defer func() { // also where the store panics
		for i := range open {
			if !done || err != nil {
				j.release(&open[i])
				open[i].lease = nil
			}
		}
	}()
	errs := make([]error, len(open))
	parallel(len(open), func(i int) {
		if errs[i] = ctx.Err(); errs[i] == nil && !open[i].before.isLeased() {
			errs[i] = j.take(ctx, &open[i])
		}
	})
	for i, o := range open {
		switch {
		case errs[i] != nil:
			err = errs[i]
		case o.lease != nil:
			mine = append(mine, o)
		default:
			others = append(others, o)
		}
	}
	done = true
	return mine, others, err
}

// take puts a lease in the place of what is stored, unless somebody was faster. What may be used meanwhile stays in it. Nobody's leaving ends it half-way. After an error or
// a panic it may have been put there, and is to be given back.
func (j *job) take(ctx context.Context, o *opening) error {
	ctx = context.WithoutCancel(ctx)
	var f frame
	if s := o.before; s.standing == stale || s.standing == fallback {
		f = s.frame
	}
	now := time.Now().UnixNano()
	f.flags |= flagLease
	_, _ = rand.Read(f.token[:]) // never fails
	f.deadline = after(now, j.policy.Exclusive)
	raw, life := f.encode(), f.life(now)
	o.lease = raw
	var taken bool
	var err error
	if o.before.raw == nil {
		taken, err = j.c.adder.Add(ctx, o.k, raw, life)
	} else {
		taken, err = j.c.swapper.CompareAndSwap(ctx, o.k, o.before.raw, raw, life)
	}
	if err == nil && !taken {
		o.lease = nil
	}
	return err
}

// release gives a lease back, if it still is there, so that others need not wait until it has run out. What was used meanwhile is put back.
func (j *job) release(o *opening) {
	if o.lease == nil {
		return
	}
	ctx := context.WithoutCancel(o.group.ctx)
	if s := o.before; s.standing == stale || s.standing == fallback {
		_, _ = j.c.swapper.CompareAndSwap(ctx, o.k, o.lease, s.raw, s.frame.life(time.Now().UnixNano()))
		return
	}
	_, _ = j.c.swapper.CompareAndDelete(ctx, o.k, o.lease)
}

// await waits for what another has a lease for, until it is there, or the lease is to be had.
func (j *job) await(g *group, o opening, tags []tag) {
	begun := time.Now()
	for {
		wait := time.NewTimer(min(max(minPoll, time.Since(begun)/8), maxPoll))
		select {
		case <-wait.C:
		case <-g.ctx.Done():
			wait.Stop()
			j.c.flights.land(o.flight, result{err: opError("get or load", o.key, context.Cause(g.ctx))})
			return
		}
		s, err := j.c.look(g.ctx, o.k)
		if err == nil {
			s = j.use(s)
			if r, ok := o.resultIn(s); ok {
				j.c.flights.land(o.flight, r)
				return
			}
			if s.isLeased() {
				continue
			}
			o.before = s
			if err = j.take(g.ctx, &o); err == nil && o.lease == nil {
				continue
			}
			if err != nil {
				j.release(&o)
				o.lease = nil
			}
		}
		j.loadOpen(g, []opening{o}, tags, nil, err, j.c.timeout)
		return
	}
}
