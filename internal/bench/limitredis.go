package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-redis/redis_rate/v10"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

// limitRedis compares decisions on one Redis: redis_rate's, ours alone, and ours in a request.
func limitRedis(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	library, err := limitByRedisRate(server, b.scale.keys)
	if err != nil {
		return nil, err
	}
	c, err := limitCacheOn(server, "take")
	if err != nil {
		return nil, err
	}
	behind, err := limitCacheOn(server, "limit")
	if err != nil {
		return nil, err
	}
	request, err := limitByRequest(behind, b.scale)
	if err != nil {
		return nil, err
	}
	return b.raceRedis(ctx, server, "a decision on Redis", library, limitByTake(c, b.scale.keys), request)
}

func limitCacheOn(s *redisServer, name string) (*cache.Cache, error) {
	prefix := s.prefix(name)
	s.prefixes = append(s.prefixes, prefix)
	store, err := s.store(prefix)
	if err != nil {
		return nil, err
	}
	return cache.New(store, nil)
}

func limitByRedisRate(s *redisServer, clients int) (contender, error) {
	prefix := s.prefix("redis-rate")
	s.prefixes = append(s.prefixes, "rate:"+prefix) // which the library writes before it
	l, keys := redis_rate.NewLimiter(s.client()), entryKeys(prefix, clients)
	limit := redis_rate.Limit{Rate: manyRequests, Burst: manyRequests, Period: limitPeriod}
	take := taker(func(ctx context.Context, key string) (bool, error) {
		r, err := l.Allow(ctx, key, limit)
		return err == nil && r.Allowed == 1, err
	})
	return contender{"redis_rate", take.spread(keys)}, nil
}

func limitByTake(c *cache.Cache, clients int) contender {
	limits := limitOf(manyRequests)
	take := taker(func(ctx context.Context, key string) (bool, error) {
		d, err := c.Take(ctx, key, limits, 1)
		return d.Allowed, err
	})
	return contender{"Take", take.spread(entryKeys("", clients))}
}

// spread is a contender's do.
func (t taker) spread(keys []string) func(ctx context.Context, goroutine, call int) error {
	return func(ctx context.Context, goroutine, call int) error {
		return t.decides(ctx, keys[entryIndex(goroutine, call, len(keys))], true)
	}
}

func limitByRequest(c *cache.Cache, s scale) (contender, error) {
	l, err := ratelimit.New(c, &ratelimit.Options{Limits: limitOf(manyRequests), FailClosed: true}) // so that what is not counted there is an error
	if err != nil {
		return contender{}, err
	}
	all, from := visits(slices.Max(s.crowds), l.Handler(http.HandlerFunc(passed))), addresses(s.keys)
	return contender{"ratelimit", func(ctx context.Context, goroutine, call int) error {
		return all[goroutine].within(ctx).from(from[entryIndex(goroutine, call, len(from))]).send(http.StatusNoContent)
	}}, nil
}
