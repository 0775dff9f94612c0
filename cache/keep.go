package cache

import (
	"context"
	"errors"
	"time"
)

// errOverruled is why a value was not stored: it may be older than what is there now.
var errOverruled = errors.New("the entry was written, or nobody waited for the value any more, while it was being loaded")

// keep stores what was loaded, and returns why it did not.
func (j *job) keep(o *opening, r result, tags []tag, trouble error) error {
	// The value is here, whoever has left. The store has a timeout of its own.
	ctx := context.WithoutCancel(o.group.ctx)
	o.turn <- struct{}{}
	defer func() { <-o.turn }()
	for _, f := range o.older { // what one of them is storing is older
		f.turn <- struct{}{}
		<-f.turn
	}
	err := j.store(ctx, o, r, tags, trouble)
	for !j.c.flights.retireUnlessUndone(o.flight) {
		_ = j.c.store.Delete(ctx, o.k) // for somebody who had to write and could not wait
	}
	return err
}

// store does what keep says, while it is the opening's turn.
func (j *job) store(ctx context.Context, o *opening, r result, tags []tag, trouble error) error {
	switch {
	case r.err != nil && !r.missing:
		j.release(o)
		return nil
	case o.overruled.Load():
		j.release(o)
		return errOverruled
	case trouble != nil && (j.policy.Exclusive > 0 || len(j.policy.Tags) > 0):
		// Without its lease or the numbers of its tags it may be older than it seems; and what is stored is.
		if o.known {
			_ = j.discard(ctx, o, nil) // but not the lease of another process
		} else {
			_ = j.c.store.Delete(ctx, o.k) // which the store remembers if it fails
		}
		return trouble
	case r.missing && j.policy.NegativeTTL == 0:
		return j.discard(ctx, o, trouble)
	}
	raw, life := j.frame(r, tags)
	err := j.put(ctx, o, raw, life)
	switch { // what is stored is older, and must not be served instead; why the new one is not is err
	case err == nil, errors.Is(err, errOverruled):
	case errors.Is(err, ErrTooLarge):
		_ = j.discard(ctx, o, trouble)
	default: // a store remembers a Delete that failed, and no comparison
		_ = j.c.store.Delete(ctx, o.k)
	}
	return err
}

// frame is what is stored of a result, and for how long.
func (j *job) frame(r result, tags []tag) (raw []byte, life time.Duration) {
	p := j.policy
	f := frame{flags: flagValue, value: r.value, tags: tags, schema: j.schema}
	ttl := p.ttl(j.c)
	if r.err != nil {
		f.flags, f.value, ttl = flagNegative|flagSoft, nil, p.NegativeTTL
	} else if p.StaleFor > 0 || p.StaleIfError > 0 {
		f.flags |= flagSoft
		f.staleFor, f.staleIfError = int64(p.StaleFor), int64(p.StaleIfError)
	}
	if len(tags) > 0 {
		f.flags |= flagTags
	}
	if j.schema != 0 {
		f.flags |= flagSchema
	}
	life = shortened(ttl)
	if f.flags&flagSoft != 0 {
		now := time.Now().UnixNano()
		f.fresh = after(now, life)
		life = f.life(now)
	}
	return f.encode(), life
}

// put stores raw for an opening: over its lease, if it has one and nobody has written since.
func (j *job) put(ctx context.Context, o *opening, raw []byte, life time.Duration) error {
	if len(raw) > MaxValueLen {
		return tooLarge(raw)
	}
	if o.lease == nil {
		return j.c.store.Set(ctx, o.k, raw, life)
	}
	swapped, err := j.c.swapper.CompareAndSwap(ctx, o.k, o.lease, raw, life)
	if err == nil && !swapped {
		err = errOverruled
	}
	return err
}

// discard removes what was stored before the load, or may have been where trouble kept it from being read: it was there no more when the source was asked.
func (j *job) discard(ctx context.Context, o *opening, trouble error) error {
	if o.lease != nil {
		if _, err := j.c.swapper.CompareAndDelete(ctx, o.k, o.lease); err == nil {
			return nil
		}
		// A store remembers a Delete that failed, and no comparison.
	} else if o.before.raw == nil && trouble == nil || o.before.isLeased() { // by another process
		return nil
	}
	return j.c.store.Delete(ctx, o.k)
}

// mayFallBack tells whether the policy has an old value served instead of the result.
func (j *job) mayFallBack(r result) bool {
	return r.err != nil && !r.missing && !r.broken && j.policy.StaleIfError > 0
}

// landFallback lands flights with what is stored and may be used where the source fails. It is read once more: somebody may have invalidated it meanwhile.
func (j *job) landFallback(flights []*flight) {
	if j.policy.StaleIfError == 0 {
		return
	}
	ks := make([]string, len(flights))
	for i, f := range flights {
		ks[i] = f.k
	}
	all, _, err := j.c.judgeMany(context.WithoutCancel(flights[0].group.ctx), ks, nil)
	if err != nil {
		return
	}
	for i, f := range flights {
		if s := j.use(all[i]); s.standing == fresh || s.standing == stale || s.standing == fallback {
			j.c.flights.landEarly(f, result{value: s.value})
		}
	}
}
