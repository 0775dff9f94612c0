package cache

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// The shortest and the longest lifetime that an entry can be renewed to.
const (
	minRenewal = time.Millisecond
	maxRenewal = 400 * 24 * time.Hour
)

// GetAndRenew is [Cache.Get], and in the same atomic step sets the lifetime of the entry to ttl if it has one, were it in its last
// millisecond. A permanent entry stays permanent. The lifetime, after [DefaultTTL] is resolved, is 1 ms to 400 days: anything else,
// [KeepTTL] and [Forever] too, is [ErrInvalidTTL] and changes nothing.
//
// On a nil cache it misses. A store that is no [Renewer] gives [errors.ErrUnsupported].
func (c *Cache) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	if c == nil {
		return nil, false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	d := c.lifetime(ttl)
	switch {
	case err != nil:
	case d < minRenewal || d > maxRenewal:
		err = fmt.Errorf("%w: %s; allowed: %v to %v", ErrInvalidTTL, lifetimeText(d), minRenewal, maxRenewal)
	case c.renewer == nil:
		err = c.unsupported("Renewer")
	default:
		value, found, err = c.getAndRenew(ctx, k, d)
	}
	if err != nil {
		value, found, err = nil, false, opError("renew", key, err)
	}
	c.emit("renew", start, hitOrMiss(found), err)
	return value, found, err
}

func (c *Cache) getAndRenew(ctx context.Context, k string, ttl time.Duration) (value []byte, found bool, err error) {
	for range maxTries {
		raw, found, err := c.renewer.GetAndRenew(ctx, k, ttl)
		if err != nil || !found || !isFramed(raw) {
			return raw, found, err
		}
		s, err := c.judge(ctx, raw)
		if err == nil {
			err = c.prolong(ctx, &s, ttl)
		}
		switch {
		case err != nil:
			return nil, false, err
		case !s.isSpecial():
			return s.value, true, nil
		case c.swapper == nil:
			return nil, false, c.unsupported("Swapper")
		}
		// What is stored has a time of its own, and what is nothing to callers must not live longer for it.
		replacement, life := raw, s.frame.life(time.Now().UnixNano())
		if s.standing == fresh {
			replacement, life = s.renewed(ttl)
		}
		swapped, err := c.swapper.CompareAndSwap(ctx, k, raw, replacement, life)
		if err != nil || s.standing != fresh {
			return nil, false, err
		}
		if swapped {
			return s.value, true, nil
		}
	}
	return nil, false, errContended()
}

// Touch sets the lifetime of the entry under key to ttl, also of a permanent one, and tells whether there is an entry. [Forever] makes it
// permanent, [KeepTTL] changes nothing, and any other ttl <= 0 deletes it, for which the store must be a [Swapper].
//
// On a nil cache there is no entry. A store that is no [Toucher], nor [Swapper], gives [errors.ErrUnsupported].
func (c *Cache) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	if c == nil {
		return false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		found, err = c.touch(ctx, k, c.lifetime(ttl))
	}
	if err != nil {
		found, err = false, opError("touch", key, err)
	}
	c.emit("touch", start, hitOrMiss(found), err)
	return found, err
}

func (c *Cache) touch(ctx context.Context, k string, ttl time.Duration) (bool, error) {
	switch {
	case c.toucher == nil && c.swapper == nil:
		return false, c.unsupported("Toucher")
	case ttl == KeepTTL:
		return c.exists(ctx, k)
	case ttl <= 0 && c.swapper == nil:
		return false, c.unsupported("Swapper") // Exists and then Delete would tell two callers that they deleted one entry
	case ttl > 0 && c.toucher != nil:
		s, err := c.look(ctx, k)
		if err == nil {
			err = c.prolong(ctx, &s, ttl)
		}
		switch {
		case err != nil || s.standing != fresh:
			return false, err
		case !s.isSpecial():
			return c.toucher.Touch(ctx, k, ttl)
		case c.swapper == nil:
			return false, c.unsupported("Swapper")
		}
	}
	if ttl > 0 {
		return c.touchBySwapping(ctx, k, ttl)
	}
	found := false
	err := c.flights.write(ctx, k, func() (err error) {
		found, err = c.touchBySwapping(ctx, k, ttl)
		return err
	})
	return found, err
}

// touchBySwapping swaps the value for itself, or deletes it, and starts over where others are faster.
func (c *Cache) touchBySwapping(ctx context.Context, k string, ttl time.Duration) (bool, error) {
	for range maxTries {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		s, err := c.look(ctx, k)
		if err == nil && ttl > 0 {
			err = c.prolong(ctx, &s, ttl)
		}
		if err != nil || s.standing != fresh {
			return false, err
		}
		var done bool
		switch {
		case ttl <= 0:
			done, err = c.swapper.CompareAndDelete(ctx, k, s.raw)
		case s.isSpecial():
			raw, life := s.renewed(ttl)
			done, err = c.swapper.CompareAndSwap(ctx, k, s.raw, raw, life)
		default:
			done, err = c.swapper.CompareAndSwap(ctx, k, s.raw, bytes.Clone(s.raw), ttl)
		}
		if err != nil || done {
			return done, err
		}
	}
	return false, errContended()
}

// TTL returns what remains of the lifetime of the entry under key, more than 0; [Forever] if the entry is permanent; found is false where
// there is none.
//
// On a nil cache there is none. A store that is no [Toucher] gives [errors.ErrUnsupported].
func (c *Cache) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if c == nil {
		return 0, false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	switch {
	case err != nil:
	case c.toucher == nil:
		err = c.unsupported("Toucher")
	default:
		ttl, found, err = c.left(ctx, k)
	}
	if err != nil {
		found, err = false, opError("ttl", key, err)
	}
	if !found {
		ttl = 0
	}
	c.emit("ttl", start, hitOrMiss(found), err)
	return ttl, found, err
}

// left is what remains of the lifetime of what is stored under k.
func (c *Cache) left(ctx context.Context, k string) (ttl time.Duration, found bool, err error) {
	s, err := c.look(ctx, k)
	switch {
	case err != nil || s.standing != fresh:
		return 0, false, err
	case s.isSpecial():
		return s.left(c), true, nil
	}
	return c.toucher.TTL(ctx, k)
}

// lifetimeText names the special values, whose numbers say nothing.
func lifetimeText(d time.Duration) string {
	switch d {
	case Forever:
		return "Forever"
	case KeepTTL:
		return "KeepTTL"
	}
	return d.String()
}
