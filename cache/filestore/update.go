package filestore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
)

var (
	_ cache.Adder       = (*Store)(nil)
	_ cache.Incrementer = (*Store)(nil)
	_ cache.Swapper     = (*Store)(nil)
	_ cache.Renewer     = (*Store)(nil)
	_ cache.Limiter     = (*Store)(nil)
)

// change is what an operation makes of an entry. The zero value is that it leaves it as it is.
type change struct {
	stores, removes  bool
	value            []byte
	expires, created int64
}

func store(value []byte, expires, now int64) change {
	return change{stores: true, value: value, expires: expires, created: now}
}

// renewed is e with another lifetime. Its value was stored when it was: that decides whether it had been invalidated before.
func renewed(e *entry, expires int64) change {
	return change{stores: true, value: e.value, expires: expires, created: e.created}
}

// update does to the entry under key what f says, in one atomic step. f gets nil where there is none; it is called in another goroutine, and must
// use nothing that is the caller's.
func update[T any](ctx context.Context, s *Store, key string, f func(old *entry, now int64) (change, T, error)) (T, error) {
	p := s.placeOf(key)
	return run(ctx, s, p.shard, func(ctx context.Context) (T, error) {
		var none T
		d, err := p.shard.lock(ctx, false)
		if errors.Is(err, errNoShard) {
			// Where nothing is to be stored, as by a Touch, no directory is made.
			if c, result, err := f(nil, clock()); err != nil || !c.stores {
				return result, err
			}
			d, err = p.shard.lock(ctx, true)
		}
		if err != nil {
			return none, err
		}
		defer d.unlock()
		e, err := s.read(d, p)
		if err != nil {
			return none, &refusal{err}
		}
		now := clock()
		old := e
		if !s.live(e, now) {
			old = nil
		}
		c, result, err := f(old, now)
		if err != nil {
			return none, err
		}
		if err := s.apply(ctx, d, p, c); err != nil {
			return none, err
		}
		return result, nil
	})
}

// apply makes a change in a directory that is locked.
func (s *Store) apply(ctx context.Context, d *directory, p place, c change) error {
	switch {
	case c.stores:
		if err := s.fits(p.key, c.value); err != nil {
			return err
		}
		return s.replace(ctx, d, p, encode(p.key, c.value, c.expires, c.created), c.created)
	case c.removes:
		return s.remove(d, p)
	}
	return nil
}

// Add stores a copy of value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, opError("add", key, err)
	}
	value = bytes.Clone(value)
	stored, err = update(ctx, s, key, func(old *entry, now int64) (change, bool, error) {
		if old != nil {
			return change{}, false, nil
		}
		return store(value, expiry(now, ttl), now), true, nil
	})
	return stored, opError("add", key, err)
}

// Increment adds delta to the number under key.
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	sum, err := update(ctx, s, key, func(old *entry, now int64) (change, int64, error) {
		if old == nil {
			if ttl == cache.KeepTTL {
				return change{}, 0, cache.ErrNotFound
			}
			return store(strconv.AppendInt(nil, delta, 10), expiry(now, ttl), now), delta, nil
		}
		sum, err := cache.Sum(old.value, delta)
		return store(strconv.AppendInt(nil, sum, 10), old.expires, now), sum, err
	})
	return sum, opError("increment", key, err)
}

// CompareAndSwap replaces the value under key by a copy of replacement if it equals old.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (swapped bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, opError("swap", key, err)
	}
	old, replacement = bytes.Clone(old), bytes.Clone(replacement)
	swapped, err = update(ctx, s, key, func(have *entry, now int64) (change, bool, error) {
		if have == nil || !bytes.Equal(have.value, old) {
			return change{}, false, nil
		}
		expires := have.expires
		if ttl != cache.KeepTTL {
			expires = expiry(now, ttl)
		}
		return store(replacement, expires, now), true, nil
	})
	return swapped, opError("swap", key, err)
}

// CompareAndDelete removes the entry under key if its value equals old.
func (s *Store) CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error) {
	if err := s.begin(ctx); err != nil {
		return false, opError("compare and delete", key, err)
	}
	old = bytes.Clone(old)
	deleted, err = update(ctx, s, key, func(have *entry, _ int64) (change, bool, error) {
		equal := have != nil && bytes.Equal(have.value, old)
		return change{removes: equal}, equal, nil
	})
	return deleted, opError("compare and delete", key, err)
}

// GetAndRenew is Get, and sets the lifetime of an entry that has one. It writes the entry's file anew, were the value long.
func (s *Store) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	value, err = update(ctx, s, key, func(old *entry, now int64) (change, []byte, error) {
		if old == nil {
			return change{}, nil, nil
		}
		if old.expires == permanent {
			return change{}, old.value, nil
		}
		return renewed(old, expiry(now, ttl)), old.value, nil
	})
	return value, value != nil, opError("renew", key, err)
}

// Touch sets the lifetime of the entry under key. It writes the entry's file anew, were the value long.
func (s *Store) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	found, err = update(ctx, s, key, func(old *entry, now int64) (change, bool, error) {
		if old == nil {
			return change{}, false, nil
		}
		return renewed(old, expiry(now, ttl)), true, nil
	})
	return found, opError("touch", key, err)
}

// Take takes cost from the limits of key, on the wall clock.
func (s *Store) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	limits = slices.Clone(limits)
	d, err := update(ctx, s, key, func(old *entry, now int64) (change, cache.Decision, error) {
		var state []byte
		if old != nil {
			state = old.value
		}
		micros := max(0, now/int64(time.Microsecond))
		next, ttl, d, err := cache.Meter(state, micros, limits, cost)
		if err != nil || next == nil {
			return change{}, d, err
		}
		return store(next, expiry(micros*int64(time.Microsecond), ttl), now), d, nil
	})
	return d, opError("take", key, err)
}
