package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
)

// redisTier compares reads of entries that tierstore has near with those of redisstore on the same server, by one goroutine.
func redisTier(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	s := b.scale
	s.goroutines, s.keys = 1, min(s.keys, 1000)
	prefix, value := server.prefix("tier"), entryValue(128)
	if err := server.populate(ctx, prefix, s.keys, value, lifetime); err != nil {
		return nil, err
	}
	store, err := server.store(prefix)
	if err != nil {
		return nil, err
	}
	tier, err := server.tier(ctx, prefix)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tier.Close() }()
	keys := entryKeys("", s.keys)
	for _, key := range keys { // from now on they are near
		if _, found, err := tier.Get(ctx, key); !found || err != nil {
			return nil, fmt.Errorf("get %q: %t, %w", key, found, err)
		}
	}
	b.logf("entries of 128 B that are near")
	hit := func(found bool, err error) error {
		if err == nil && !found {
			err = errors.New("a miss")
		}
		return err
	}
	var buffer []byte
	f, err := s.race(ctx,
		contender{"Get of redisstore", func(ctx context.Context, goroutine, call int) error {
			_, found, err := store.Get(ctx, keys[entryIndex(goroutine, call, len(keys))])
			return hit(found, err)
		}},
		contender{"Get of tierstore", func(ctx context.Context, goroutine, call int) error {
			_, found, err := tier.Get(ctx, keys[entryIndex(goroutine, call, len(keys))])
			return hit(found, err)
		}},
		contender{"GetAppend of tierstore", func(ctx context.Context, goroutine, call int) (err error) {
			var found bool
			buffer, found, err = tier.GetAppend(ctx, buffer[:0], keys[entryIndex(goroutine, call, len(keys))])
			return hit(found, err)
		}},
	)
	if err != nil {
		return nil, err
	}
	const what = "an entry of 128 B that is near, one goroutine"
	return []result{
		{what: what, base: f[0].calls, measured: f[1].calls, unit: perSecond, target: target{ratioAtLeast, 500}},
		{what: what, base: f[0].calls, measured: f[2].calls, unit: perSecond, target: target{ratioAtLeast, 500}},
	}, nil
}

// tier returns a store over one of its own, once the server tells it of changes.
func (s *redisServer) tier(ctx context.Context, prefix string) (*tierstore.Store, error) {
	near, err := memstore.New(nil)
	if err != nil {
		return nil, err
	}
	far, err := redisstore.Open(ctx, s.url, &redisstore.Options{KeyPrefix: prefix, Timeout: redisTimeout})
	if err != nil {
		return nil, err
	}
	told := make(chan error, 1)
	tier, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) {
		select {
		case told <- err:
		default:
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := <-told; err != nil {
		return nil, errors.Join(err, tier.Close())
	}
	return tier, nil
}
