package redisstore

import (
	"context"
	"errors"
	"maps"
	"slices"
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

// Entry is a value and what remained of its lifetime a moment later.
type Entry struct {
	Value []byte
	TTL   time.Duration // cache.Forever: it has none
}

// GetWithTTL returns the entry under key. The value and the lifetime come from one round trip, but another client may write between the two.
func (s *Store) GetWithTTL(ctx context.Context, key string) (e Entry, found bool, err error) {
	op, err := s.begin(ctx, "get", key)
	if err != nil {
		return Entry{}, false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return Entry{}, false, s.fail(op, err)
	}
	entries, err := s.getWithTTL(op.ctx, []string{key})
	e, found = entries[key]
	return e, found, s.fail(op, err)
}

// GetManyWithTTL is GetWithTTL for the entries that are there under the keys, and one round trip for every 1,000 keys.
func (s *Store) GetManyWithTTL(ctx context.Context, keys []string) (map[string]Entry, error) {
	op, err := s.beginMany(ctx, "get many", len(keys))
	if err != nil {
		return nil, err
	}
	entries := make(map[string]Entry, len(keys))
	for chunk := range slices.Chunk(keys, maxBatchKeys) {
		usable, err := s.settleToRead(op, chunk)
		if err != nil {
			return nil, err
		}
		step, err := s.next(op)
		if err != nil {
			return nil, err
		}
		some, err := s.getWithTTL(step.ctx, usable)
		if err != nil {
			return nil, s.fail(step, err)
		}
		maps.Copy(entries, some)
	}
	return entries, nil
}

func (s *Store) getWithTTL(ctx context.Context, keys []string) (map[string]Entry, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	twice := make([]string, 0, 2*len(keys))
	for _, key := range s.full(keys) {
		twice = append(twice, key, key)
	}
	cmds, err := read(func() ([]redis.Cmder, error) {
		cmds := make([]redis.Cmder, 0, len(twice))
		for i := 0; i < len(twice); i += 2 {
			cmds = append(cmds, newString(ctx, "get", twice[i]), newInt(ctx, "pttl", twice[i]))
		}
		return cmds, s.processAll(ctx, twice, cmds)
	})
	if err != nil {
		return nil, err
	}
	entries := make(map[string]Entry, len(keys))
	for i, key := range keys {
		get, pttl := cmds[2*i].(stringCmd), cmds[2*i+1].(intCmd)
		value, err := get.Bytes()
		ttl, found := remaining(pttl.Val())
		if err == nil && found {
			entries[key] = Entry{Value: bytesOf(value), TTL: ttl}
		}
	}
	return entries, nil
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
