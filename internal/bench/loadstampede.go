package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
	"github.com/viccon/sturdyc"
	"golang.org/x/sync/singleflight"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// stampedeSource is how long the source of load/stampede takes.
const stampedeSource = 20 * time.Millisecond

// stampedeRoom is how many entries fit into the caches of load/stampede that ask for a number: far more than there are rounds.
const stampedeRoom = 10_000

// A stampeder reads through its cache. What it returns is the caller's own.
type stampeder struct {
	name string
	ours bool
	far  bool // its entries are on Redis
	get  readThrough
}

// readThrough returns the value under key, or what load returns, which it stores.
type readThrough func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error)

// loadStampede lets very many callers ask for one cold key at once, another in each round, and compares those that keep their entries in the same place.
func loadStampede(ctx context.Context, b *bench) (results []result, err error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	contenders, end, err := stampeders(server)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("%s callers of a cold key, a source of %v", group(float64(b.scale.callers)), stampedeSource)
	b.logf("%s", what)
	from := &source{takes: stampedeSource}
	all := make([]crowdings, len(contenders))
	for i, c := range contenders {
		all[i] = newCrowdings(c.name)
	}
	for round := range 1 + b.scale.rounds { // the first warms up
		for i := range contenders {
			k := (round + i) % len(contenders)
			c, key := contenders[k], entryKey(round)
			did, err := crowd(ctx, b.scale.callers, from, func(ctx context.Context) ([]byte, error) { return c.get(ctx, key, from.load) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 {
				all[k].add(did)
			}
		}
	}
	for i, c := range contenders {
		if !c.ours {
			results = append(results, all[i].results(what, stampedeSource, target{}, target{})...)
			continue
		}
		results = append(results, all[i].results(what, stampedeSource, target{valueAtMost, 1}, target{valueAtMost, 1.2})...)
		for k, other := range contenders {
			if !other.ours && other.far == c.far {
				results = append(results, result{
					what: what + ", the last is done: times as fast", base: all[k].took, measured: all[i].took, unit: milliseconds, inverse: true,
				})
			}
		}
	}
	return results, nil
}

// stampeders are the contenders, and what closes them. sturdyc has a goroutine that nothing ends. otter and sturdyc hand out what they keep, and a flight its
// value to all who wait for it: each caller makes a copy of that.
func stampeders(server *redisServer) (all []stampeder, end func() error, err error) {
	var opened []*cache.Cache
	end = func() (err error) {
		for _, c := range opened {
			err = errors.Join(err, c.Close())
		}
		return err
	}
	prefix, foreign := server.prefix("stampede"), server.prefix("singleflight")
	server.prefixes = append(server.prefixes, prefix, foreign)
	near, err := memstore.New(nil)
	if err != nil {
		return nil, end, err
	}
	far, err := server.store(prefix)
	if err != nil {
		return nil, end, err
	}
	for _, store := range []cache.Store{near, far} {
		c, err := cache.New(store, nil)
		if err != nil {
			return nil, end, err
		}
		opened = append(opened, c)
	}
	loading, err := newOtterLoading[[]byte](memoryOptions{capacity: stampedeRoom})
	if err != nil {
		return nil, end, err
	}
	closeCaches := end
	end = func() error { loading.close(); return closeCaches() }
	return []stampeder{
		{"GetOrLoad, memory", true, false, through(opened[0])},
		{"GetOrLoad, Redis", true, true, through(opened[1])},
		{"singleflight around go-redis", false, true, singly(server.client(), foreign)},
		{"sturdyc and a copy", false, false, throughSturdyc()},
		{"otter and a copy", false, false, throughOtter(loading)},
	}, end, nil
}

func through(c *cache.Cache) readThrough {
	return func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
		return cache.GetOrLoad(ctx, c, key, cache.Policy{TTL: loadTTL}, load)
	}
}

func throughSturdyc() readThrough {
	const shards, percentage = 10, 10
	c := sturdyc.New[[]byte](stampedeRoom, shards, loadTTL, percentage)
	return func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
		value, err := c.GetOrFetch(ctx, key, load)
		return bytes.Clone(value), err
	}
}

func throughOtter(s otterLoading[[]byte]) readThrough {
	return func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
		value, err := s.cache.Get(ctx, key, otter.LoaderFunc[string, []byte](func(ctx context.Context, _ string) ([]byte, error) { return load(ctx) }))
		return bytes.Clone(value), err
	}
}

// singly is what everybody writes first: a Get, and where that misses one flight that loads and sets. Who has missed and comes when the flight is over
// begins another.
func singly(client *redis.Client, prefix string) readThrough {
	var flights singleflight.Group
	return func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
		value, err := client.Get(ctx, prefix+key).Bytes()
		if !errors.Is(err, redis.Nil) {
			return value, err
		}
		loaded, err, _ := flights.Do(key, func() (any, error) {
			value, err := load(ctx)
			if err == nil {
				err = client.Set(ctx, prefix+key, value, loadTTL).Err()
			}
			return value, err
		})
		value, _ = loaded.([]byte)
		return bytes.Clone(value), err
	}
}
