package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// Add stores value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	op, err := s.begin(ctx, "add", key)
	if err != nil {
		return false, err
	}
	if err := checkValue(value); err != nil {
		return false, s.fail(op, err)
	}
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = s.errClearing(key)
	}
	if err != nil {
		return false, s.fail(op, err)
	}
	if ttl == cache.Forever {
		err = s.set(op.ctx, key, value, "nx")
	} else {
		err = s.set(op.ctx, key, value, "nx", "px", milliseconds(ttl))
	}
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, s.fail(op, err)
}

// Increment adds delta to the number under key.
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	op, err := s.begin(ctx, "increment", key)
	if err != nil {
		return 0, err
	}
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = s.errClearing(key)
	}
	if err != nil {
		return 0, s.fail(op, err)
	}
	c, err := evaluate(op.ctx, s, s.scripts.increment, key, newString, delta, lifetimeOf(ttl))
	switch {
	case errors.Is(err, redis.Nil):
		err = cache.ErrNotFound
	case redis.HasErrorPrefix(err, "value is not an integer"), redis.HasErrorPrefix(err, "WRONGTYPE"):
		err = fmt.Errorf("%w: allowed: the decimal digits of a 64-bit number, without leading zeros or '+'", cache.ErrNotInteger)
	case redis.HasErrorPrefix(err, "increment or decrement would overflow"):
		err = fmt.Errorf("%w: by %+d", cache.ErrOverflow, delta)
	}
	if err != nil {
		return 0, s.fail(op, err)
	}
	n, err := c.Int64()
	return n, s.fail(op, err)
}

// CompareAndSwap replaces the value under key if it equals old.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (swapped bool, err error) {
	return s.ifEqual(ctx, "swap", s.scripts.swap, key, checkValue(value), bytesOf(old), bytesOf(value), lifetimeOf(ttl))
}

// CompareAndDelete removes the entry under key if its value equals old.
func (s *Store) CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error) {
	return s.ifEqual(ctx, "compare and delete", s.scripts.unlinkEqual, key, nil, bytesOf(old))
}

// ifEqual runs one of the scripts that compare, unless it is refused.
func (s *Store) ifEqual(ctx context.Context, name string, sc script, key string, refused error, args ...any) (done bool, err error) {
	op, err := s.begin(ctx, name, key)
	if err != nil {
		return false, err
	}
	if refused != nil {
		return false, s.fail(op, refused)
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return false, s.fail(op, err)
	}
	c, err := evaluate(op.ctx, s, sc, key, newInt, args...)
	return err == nil && c.Val() == 1, s.fail(op, err)
}

// lifetimeOf is what the scripts call a lifetime.
func lifetimeOf(ttl time.Duration) any {
	switch ttl {
	case cache.Forever:
		return "forever"
	case cache.KeepTTL:
		return "keep"
	}
	return milliseconds(ttl)
}
