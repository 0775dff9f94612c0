package cache

import (
	"bytes"
	"context"
	"time"
)

// CompareAndSwap replaces the value under key by replacement if it equals old, byte for byte, and its lifetime by ttl, in one atomic step,
// and tells whether it did. A nil old equals an empty value, not an absent one. With [KeepTTL] the entry keeps its lifetime; with any
// other ttl <= 0 it is deleted. Both slices stay the caller's. After an error the value may have been swapped.
//
// On a nil cache there is nothing to swap. A store that is no [Swapper] gives [errors.ErrUnsupported].
func (c *Cache) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (swapped bool, err error) {
	if c == nil {
		return false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = c.flights.write(ctx, k, func() (err error) {
			swapped, err = c.swap(ctx, k, old, replacement, c.lifetime(ttl))
			return err
		})
	}
	if err != nil {
		swapped, err = false, opError("swap", key, err)
	}
	c.emit("swap", start, okOrMiss(swapped), err)
	return swapped, err
}

func (c *Cache) swap(ctx context.Context, k string, old, replacement []byte, ttl time.Duration) (bool, error) {
	switch {
	case len(replacement) > MaxValueLen:
		return false, tooLarge(replacement)
	case c.swapper == nil:
		return false, c.unsupported("Swapper")
	case ttl <= 0 && ttl != KeepTTL:
		return c.compareAndDelete(ctx, k, old)
	}
	replacement = conceal(replacement)
	swapped, err := c.swapper.CompareAndSwap(ctx, k, conceal(old), replacement, ttl)
	if err != nil || swapped {
		return swapped, err
	}
	return c.overFrame(ctx, k, old, func(s *stored) (bool, error) {
		life := ttl
		if ttl == KeepTTL {
			life = s.left(c)
		}
		return c.swapOver(ctx, k, s, replacement, life)
	})
}

func (c *Cache) compareAndDelete(ctx context.Context, k string, old []byte) (bool, error) {
	deleted, err := c.swapper.CompareAndDelete(ctx, k, conceal(old))
	if err != nil || deleted {
		return deleted, err
	}
	return c.overFrame(ctx, k, old, func(s *stored) (bool, error) { return c.swapper.CompareAndDelete(ctx, k, s.raw) })
}

// overFrame calls do where what is stored is a frame around old, until it has done it.
func (c *Cache) overFrame(ctx context.Context, k string, old []byte, do func(s *stored) (bool, error)) (bool, error) {
	for range maxTries {
		s, err := c.look(ctx, k)
		if err != nil || !s.framed || s.standing != fresh || !bytes.Equal(s.value, old) {
			return false, err
		}
		if done, err := do(&s); err != nil || done {
			return done, err
		}
	}
	return false, errContended()
}

// CompareAndDelete removes the entry under key if its value equals old, in one atomic step, and tells whether it did. A nil old equals an
// empty value, not an absent one. After an error the entry may have been removed.
//
// On a nil cache there is nothing to delete. A store that is no [Swapper] gives [errors.ErrUnsupported].
func (c *Cache) CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error) {
	if c == nil {
		return false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	switch {
	case err != nil:
	case c.swapper == nil:
		err = c.unsupported("Swapper")
	default:
		err = c.flights.write(ctx, k, func() (err error) {
			deleted, err = c.compareAndDelete(ctx, k, old)
			return err
		})
	}
	if err != nil {
		deleted, err = false, opError("compare and delete", key, err)
	}
	c.emit("compare and delete", start, okOrMiss(deleted), err)
	return deleted, err
}

// swapOver stores value, concealed, in the place of what was found stored, if it still is there.
func (c *Cache) swapOver(ctx context.Context, k string, s *stored, value []byte, ttl time.Duration) (bool, error) {
	if c.swapper == nil {
		return false, c.unsupported("Swapper")
	}
	return c.swapper.CompareAndSwap(ctx, k, s.raw, value, ttl)
}
