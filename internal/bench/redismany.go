package main

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/cache"
)

// redisMany compares one GetMany with a Get for each of its keys, one after another by the same cache, and with the MGet of the
// client alone, which is about what can be reached.
func redisMany(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	prefix, n := server.prefix("many"), b.scale.many
	store, err := server.store(prefix)
	if err != nil {
		return nil, err
	}
	c, err := cache.New(store, nil)
	if err != nil {
		return nil, err
	}
	if err := server.populate(ctx, prefix, n, entryValue(128), lifetime); err != nil {
		return nil, err
	}
	client, keys, rawKeys := server.client(), entryKeys("", n), entryKeys(prefix, n)
	b.logf("%d keys at once", n)
	f, err := b.scale.alternate(ctx,
		contender{fmt.Sprintf("%d Gets", n), func(ctx context.Context, _, _ int) error {
			for _, key := range keys {
				_, found, err := c.Get(ctx, key)
				if err == nil && !found {
					err = fmt.Errorf("get %q: a miss", key)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}},
		contender{"MGet of go-redis", func(ctx context.Context, _, _ int) error {
			values, err := client.MGet(ctx, rawKeys...).Result()
			return complete(n-misses(values), n, err)
		}},
		contender{"GetMany", func(ctx context.Context, _, _ int) error {
			items, err := c.GetMany(ctx, keys)
			return complete(len(items), n, err)
		}},
	)
	if err != nil {
		return nil, err
	}
	gets, mget, many := f[0], f[1], f[2]
	what := fmt.Sprintf("%d keys of 128 B, one goroutine", n)
	return []result{
		{what: what + ": times as fast", base: gets, measured: mget, unit: milliseconds, inverse: true},
		{what: what + ": times as fast", base: gets, measured: many, unit: milliseconds, inverse: true, target: target{ratioAtLeast, 40}},
	}, nil
}

func misses(values []any) (n int) {
	for _, v := range values {
		if v == nil {
			n++
		}
	}
	return n
}

func complete(got, want int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%d values; want %d", got, want)
	}
	return err
}
