package main

import (
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

// A stampeder reads through its cache.
type stampeder struct {
	name string
	ours bool
	get  func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error)
}

// loadStampede lets very many callers ask for one cold key at once, another in each round.
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
		all[i] = crowdings{series{name: c.name}, series{name: c.name}}
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
		last := result{what: what + ": the last is done, in source times", measured: series{name: c.name}, unit: hundredths}
		for _, took := range all[i].took.values {
			last.measured.add(took / stampedeSource.Seconds())
		}
		if c.ours {
			last.target = target{valueAtMost, 1.2}
		}
		results = append(results, all[i].most(what, c.ours), last)
	}
	return results, nil
}

// stampeders are the contenders, and what closes them.
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
	loading, err := otter.New(&otter.Options[string, []byte]{MaximumSize: 10_000, ExpiryCalculator: otter.ExpiryWriting[string, []byte](loadTTL)})
	if err != nil {
		return nil, end, err
	}
	sturdy := sturdyc.New[[]byte](10_000, 10, loadTTL, 10)
	return []stampeder{
		{"GetOrLoad, memory", true, through(opened[0])},
		{"GetOrLoad, Redis", true, through(opened[1])},
		{"singleflight around go-redis", false, singly(server.client(), foreign)},
		{"sturdyc", false, func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
			return sturdy.GetOrFetch(ctx, key, load)
		}},
		{"otter", false, func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
			return loading.Get(ctx, key, otter.LoaderFunc[string, []byte](func(ctx context.Context, _ string) ([]byte, error) { return load(ctx) }))
		}},
	}, end, nil
}

func through(c *cache.Cache) func(context.Context, string, func(context.Context) ([]byte, error)) ([]byte, error) {
	return func(ctx context.Context, key string, load func(context.Context) ([]byte, error)) ([]byte, error) {
		return cache.GetOrLoad(ctx, c, key, cache.Policy{TTL: loadTTL}, load)
	}
}

// singly is what everybody writes first: a Get, and where that misses one flight that loads and sets. Who has missed and comes when the flight is over
// begins another, and all get the same slice.
func singly(client *redis.Client, prefix string) func(context.Context, string, func(context.Context) ([]byte, error)) ([]byte, error) {
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
		return value, err
	}
}
