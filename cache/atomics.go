package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Add stores value under key if there is no entry, in one atomic step, and tells whether it did: of any number of
// concurrent calls exactly one is told that it stored. [KeepTTL] is the default here. With a ttl <= 0 the answer is as usual
// and nothing is stored. On a nil cache Add says stored. A store that cannot add gives [errors.ErrUnsupported].
//
// After an error the value may have been stored. Where it is a lock, make it unlike any other: Get then tells whose it is.
func (c *Cache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if c == nil {
		return true, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = c.flights.write(ctx, k, func() (err error) {
			stored, err = c.add(ctx, k, value, ttl)
			return err
		})
	}
	if err != nil {
		stored, err = false, opError("add", key, err)
	}
	c.emit("add", start, okOrMiss(stored), err)
	return stored, err
}

func (c *Cache) add(ctx context.Context, k string, value []byte, ttl time.Duration) (bool, error) {
	if len(value) > MaxValueLen {
		return false, tooLarge(value)
	}
	ttl = c.lifetimeOfNew(ttl)
	switch {
	case c.adder == nil:
		return false, c.unsupported("Adder")
	case ttl <= 0:
		found, err := c.exists(ctx, k)
		return !found, err
	}
	value = conceal(value)
	for range maxTries {
		stored, err := c.adder.Add(ctx, k, value, ttl)
		if err != nil || stored {
			return stored, err
		}
		s, err := c.look(ctx, k)
		if err != nil || s.standing == fresh {
			return false, err
		}
		if s.raw == nil {
			continue // it was there
		}
		if stored, err = c.swapOver(ctx, k, &s, value, ttl); err != nil || stored {
			return stored, err
		}
	}
	return false, errContended()
}

// Increment adds delta, which may be negative or 0, to the number under key in one atomic step and returns the sum. A number that is
// there keeps its lifetime; an absent one counts as 0 and is made with the lifetime ttl, for which [KeepTTL] is the default. With a
// ttl <= 0 an absent number is not made and the answer is delta.
//
// A number is canonical decimal text ("-7", not "+7" or "07"): anything else is [ErrNotInteger], a sum past int64 is [ErrOverflow],
// and neither changes anything. After any other error delta may have been added. A nil cache counts from nothing each time. A store that
// is no [Incrementer], nor [Adder] and [Swapper], gives [errors.ErrUnsupported].
func (c *Cache) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	if c == nil {
		return delta, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	var n int64
	if err == nil {
		err = c.flights.write(ctx, k, func() (err error) {
			n, err = c.increment(ctx, k, delta, c.lifetimeOfNew(ttl))
			return err
		})
	}
	if err != nil {
		n, err = 0, opError("increment", key, err)
	}
	c.emit("increment", start, ResultOK, err)
	return n, err
}

func (c *Cache) increment(ctx context.Context, k string, delta int64, ttl time.Duration) (int64, error) {
	if ttl <= 0 {
		ttl = KeepTTL
	}
	var n int64
	var err error
	switch {
	case c.incrementer != nil:
		n, err = c.incrementer.Increment(ctx, k, delta, ttl)
	case c.adder != nil && c.swapper != nil:
		n, err = c.incrementBySwapping(ctx, k, delta, ttl)
	default:
		return 0, c.unsupported("Incrementer")
	}
	if errors.Is(err, ErrNotInteger) && c.swapper != nil { // it may be one that was loaded
		n, err = c.incrementBySwapping(ctx, k, delta, ttl)
	}
	if ttl == KeepTTL && errors.Is(err, ErrNotFound) {
		return delta, nil
	}
	return n, err
}

// incrementBySwapping starts over where others are faster.
func (c *Cache) incrementBySwapping(ctx context.Context, k string, delta int64, ttl time.Duration) (int64, error) {
	for range maxTries {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		s, err := c.look(ctx, k)
		if err != nil {
			return 0, err
		}
		if s.standing != fresh && ttl == KeepTTL {
			return 0, ErrNotFound
		}
		sum, done := delta, false
		switch {
		case s.standing == fresh:
			if sum, err = Sum(s.value, delta); err == nil {
				done, err = c.swapOver(ctx, k, &s, strconv.AppendInt(nil, sum, 10), s.left(c))
			}
		case s.raw == nil && c.adder == nil:
			return 0, c.unsupported("Adder")
		case s.raw == nil:
			done, err = c.adder.Add(ctx, k, strconv.AppendInt(nil, sum, 10), ttl)
		default:
			done, err = c.swapOver(ctx, k, &s, strconv.AppendInt(nil, sum, 10), ttl)
		}
		if err != nil {
			return 0, err
		}
		if done {
			return sum, nil
		}
	}
	return 0, errContended()
}

// Sum returns the number in value plus delta, by the rules of [Incrementer]: [ErrNotInteger] where value is not canonical decimal text of an
// int64, [ErrOverflow] where the sum is none. It is for stores.
func Sum(value []byte, delta int64) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(value) {
		return 0, fmt.Errorf("%w: the entry has %d bytes; allowed: the decimal digits of a 64-bit number, without leading zeros or '+'", ErrNotInteger, len(value))
	}
	if sum := n + delta; (sum > n) == (delta > 0) {
		return sum, nil
	}
	return 0, fmt.Errorf("%w: %d%+d", ErrOverflow, n, delta)
}
