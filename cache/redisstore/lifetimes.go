package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// GetAndRenew returns the value under key and renews the lifetime of the entry.
func (s *Store) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	op, err := s.begin(ctx, "renew", key)
	if err != nil {
		return nil, false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return nil, false, s.fail(op, err)
	}
	c, err := evaluate(op.ctx, s, s.scripts.renew, key, newString, milliseconds(ttl))
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.fail(op, err)
	}
	value, _ = c.Bytes()
	return bytesOf(value), true, nil
}

// Touch sets the lifetime of the entry under key.
func (s *Store) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	op, err := s.begin(ctx, "touch", key)
	if err != nil {
		return false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return false, s.fail(op, err)
	}
	var c intCmd
	if ttl == cache.Forever {
		c, err = evaluate(op.ctx, s, s.scripts.persist, key, newInt)
	} else {
		c = newInt(op.ctx, "pexpire", s.prefix+key, milliseconds(ttl))
		err = s.process(op.ctx, s.prefix+key, c)
	}
	return err == nil && c.Val() == 1, s.fail(op, err)
}

// TTL returns what remains of the lifetime of the entry under key.
func (s *Store) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	op, err := s.begin(ctx, "ttl", key)
	if err != nil {
		return 0, false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return 0, false, s.fail(op, err)
	}
	ms, err := s.readInt(op.ctx, "pttl", key)
	if err != nil {
		return 0, false, s.fail(op, err)
	}
	ttl, found = remaining(ms)
	return ttl, found, nil
}

// remaining is what PTTL means: 0 in the last millisecond, and what somebody else has set may be longer than a time.Duration holds.
func remaining(ms int64) (ttl time.Duration, found bool) {
	const most = cache.Forever - 1
	switch {
	case ms == -1:
		return cache.Forever, true
	case ms < 0:
		return 0, false
	case ms == 0:
		return time.Millisecond, true
	case ms > int64(most/time.Millisecond):
		return most, true
	}
	return time.Duration(ms) * time.Millisecond, true
}
