package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
)

// redisOperations compares single operations of the store, and of a cache over it, with those of two clients alone, whose user writes the whole key and
// sets no deadline: go-redis, which the store is made of and which gives every operation a connection, and rueidis, which puts what is wanted at once on few.
func redisOperations(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	r, err := newRedisContenders(server, b.scale.keys)
	if err != nil {
		return nil, err
	}
	defer r.rueidis.Close()
	var results []result
	for _, size := range []int{128, 1024} {
		value := entryValue(size)
		if err := server.populate(ctx, r.prefix, len(r.keys), value, lifetime); err != nil {
			return nil, err
		}
		for _, operation := range []struct {
			name       string
			contenders []contender
		}{
			{"Get", r.gets(value)},
			{"Set", r.sets(value)},
		} {
			for _, goroutines := range b.scale.crowds {
				more, err := r.compare(ctx, b, fmt.Sprintf("%s, %d B", operation.name, size), goroutines, operation.contenders)
				if err != nil {
					return nil, err
				}
				results = append(results, more...)
			}
		}
	}
	return results, nil
}

func (r *redisContenders) compare(ctx context.Context, b *bench, what string, goroutines int, contenders []contender) ([]result, error) {
	what = fmt.Sprintf("%s, goroutines: %d", what, goroutines)
	b.logf("%s", what)
	s := b.scale
	s.goroutines = goroutines
	f, err := s.race(ctx, contenders...)
	if err != nil {
		return nil, err
	}
	raw, other, store, whole := f[0], f[1], f[2], f[3]
	return []result{
		{what: what, base: raw.calls, measured: store.calls, unit: perSecond, target: target{ratioAtLeast, 0.95}},
		{what: what, base: other.calls, measured: store.calls, unit: perSecond},
		{what: what, base: raw.calls, measured: whole.calls, unit: perSecond},
		{what: what + ": allocations a call", base: raw.allocations, measured: store.allocations, unit: decimal},
	}, nil
}

// redisContenders are ways to the same entries, each with connections of its own.
type redisContenders struct {
	client  *redis.Client
	rueidis rueidis.Client
	store   *redisstore.Store
	cache   *cache.Cache

	prefix  string
	keys    []string
	rawKeys []string // the same with the prefix
}

func newRedisContenders(s *redisServer, keys int) (*redisContenders, error) {
	prefix := s.prefix("operations")
	store, err := s.store(prefix)
	if err != nil {
		return nil, err
	}
	below, err := s.store(prefix)
	if err != nil {
		return nil, err
	}
	c, err := cache.New(below, nil)
	if err != nil {
		return nil, err
	}
	multiplexed, err := s.rueidis()
	if err != nil {
		return nil, err
	}
	return &redisContenders{
		client: s.client(), rueidis: multiplexed, store: store, cache: c,
		prefix: prefix, keys: entryKeys("", keys), rawKeys: entryKeys(prefix, keys),
	}, nil
}

func (r *redisContenders) gets(want []byte) []contender {
	check := func(value []byte, found bool, err error) error {
		if err == nil && (!found || !bytes.Equal(value, want)) {
			err = errors.New("get: not the value that was stored")
		}
		return err
	}
	return []contender{
		{"go-redis", func(ctx context.Context, goroutine, call int) error {
			value, err := r.client.Get(ctx, r.rawKeys[entryIndex(goroutine, call, len(r.rawKeys))]).Bytes()
			return check(value, true, err)
		}},
		{"rueidis", func(ctx context.Context, goroutine, call int) error {
			key := r.rawKeys[entryIndex(goroutine, call, len(r.rawKeys))]
			value, err := r.rueidis.Do(ctx, r.rueidis.B().Get().Key(key).Build()).AsBytes()
			return check(value, true, err)
		}},
		{"redisstore", func(ctx context.Context, goroutine, call int) error {
			return check(r.store.Get(ctx, r.keys[entryIndex(goroutine, call, len(r.keys))]))
		}},
		{"cache over redisstore", func(ctx context.Context, goroutine, call int) error {
			return check(r.cache.Get(ctx, r.keys[entryIndex(goroutine, call, len(r.keys))]))
		}},
	}
}

func (r *redisContenders) sets(value []byte) []contender {
	return []contender{
		{"go-redis", func(ctx context.Context, goroutine, call int) error {
			return r.client.Set(ctx, r.rawKeys[entryIndex(goroutine, call, len(r.rawKeys))], value, lifetime).Err()
		}},
		{"rueidis", func(ctx context.Context, goroutine, call int) error {
			key := r.rawKeys[entryIndex(goroutine, call, len(r.rawKeys))]
			return r.rueidis.Do(ctx, r.rueidis.B().Set().Key(key).Value(rueidis.BinaryString(value)).Px(lifetime).Build()).Error()
		}},
		{"redisstore", func(ctx context.Context, goroutine, call int) error {
			return r.store.Set(ctx, r.keys[entryIndex(goroutine, call, len(r.keys))], value, lifetime)
		}},
		{"cache over redisstore", func(ctx context.Context, goroutine, call int) error {
			return r.cache.Set(ctx, r.keys[entryIndex(goroutine, call, len(r.keys))], value, lifetime)
		}},
	}
}
