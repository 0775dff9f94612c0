package main

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

// overStore is a store behind a handle that is read by GetOrLoad.
type overStore struct {
	*handleStore

	policy  cache.Policy
	closure bool // each call makes a loader that knows the key
}

func openOver(events, closure bool, p cache.Policy) func(memoryOptions) (memoryStore, error) {
	return func(o memoryOptions) (memoryStore, error) {
		s, err := openHandle(events)(o)
		if err != nil {
			return nil, err
		}
		return &overStore{s.(*handleStore), p, closure}, nil
	}
}

func (s *overStore) get(key string) (value []byte, found bool) {
	var err error
	if s.closure {
		value, err = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return nil, failed(key) })
	} else {
		value, err = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, loadNothing)
	}
	return value, err == nil
}

func loadNothing(context.Context) ([]byte, error) { return nil, errLoaded }

func (s *overStore) set(key string, value []byte, _ time.Duration) {
	_, _ = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return value, nil }) // what is lost shows as a miss
}

// loadOver tells what a hit of GetOrLoad costs beyond the store's own Get: the difference, round by round.
func loadOver(ctx context.Context, b *bench) ([]result, error) {
	store := memoryLibraries()[0]
	plain, stale := cache.Policy{TTL: loadTTL}, cache.Policy{TTL: loadTTL, StaleFor: loadTTL}
	within := target{valueAtMost, 30}
	contenders := []struct {
		library memoryLibrary
		to      target
	}{
		{library: store},
		{memoryLibrary{"GetOrLoad", ours, store.traits, openOver(false, false, plain)}, within},
		{memoryLibrary{"GetOrLoad, StaleFor", ours, store.traits, openOver(false, false, stale)}, target{}},
		{memoryLibrary{"GetOrLoad, OnEvent", ours, store.traits, openOver(true, false, plain)}, target{}},
		{memoryLibrary{"GetOrLoad, a closure", ours, store.traits, openOver(false, true, plain)}, target{}},
	}
	t := memoryTable{name: "load/over"}
	for _, c := range contenders {
		t.libraries = append(t.libraries, c.library)
	}
	var results []result
	for _, n := range []int{1, 2} {
		scores, err := b.raceHits(ctx, n, t.libraries)
		if err != nil {
			return nil, err
		}
		what := sized(b.scale.small, n)
		t.add(what, scores)
		t.addAllocations(what, scores)
		for i, c := range contenders[1:] {
			results = append(results, result{
				what: "a hit of 128 B beyond the store's Get, " + what, measured: difference(scores[i+1].nanoseconds, scores[0].nanoseconds), unit: nanoseconds, target: c.to,
			})
		}
	}
	b.tables = append(b.tables, t)
	return results, nil
}
