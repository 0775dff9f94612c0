package main

import (
	"context"

	"github.com/larder-go/larder/cache"
)

// overTarget is how many nanoseconds a hit may take beyond the store's own Get, in the eyes of who waits for it.
const overTarget = 30

// loadOverLibraries are the contenders of load/over: the store, and what it is read by. The target is for the one after it.
func loadOverLibraries() []memoryLibrary {
	store := memoryLibraries()[0]
	store.open = openRoomy
	plain, stale := cache.Policy{TTL: loadTTL}, cache.Policy{TTL: loadTTL, StaleFor: loadTTL}
	return []memoryLibrary{
		store,
		{"GetOrLoad", ours, store.traits, openFunction(false, false, plain)},
		{"GetOrLoad, StaleFor", ours, store.traits, openFunction(false, false, stale)},
		{"GetOrLoad, OnEvent", ours, store.traits, openFunction(true, false, plain)},
		{"GetOrLoad, a closure", ours, store.traits, openFunction(false, true, plain)},
	}
}

// loadOver tells what a hit of GetOrLoad costs beyond the store's own Get: the difference, round by round.
func loadOver(ctx context.Context, b *bench) ([]result, error) {
	t := memoryTable{name: "load/over", libraries: loadOverLibraries()}
	var results []result
	for _, n := range []int{1, 2} {
		scores, err := b.raceHits(ctx, n, t.libraries)
		if err != nil {
			return nil, err
		}
		column := sized(b.scale.small, n)
		t.add(column, scores)
		t.addAllocations(column, scores)
		store := scores[0]
		for i, own := range scores[1:] {
			to := target{}
			if i == 0 {
				to = target{valueAtMost, overTarget / float64(n)} // who waits among n that call at once waits for n times as long
			}
			what := "a hit of 128 B beyond the store's Get, " + column
			results = append(results, result{what: what, measured: difference(own.nanoseconds, store.nanoseconds), unit: nanoseconds, target: to})
			if i == 0 {
				results = append(results, allocates(what, memoryScore{allocations: difference(own.allocations, store.allocations)}))
			}
		}
	}
	b.tables = append(b.tables, t)
	return results, nil
}
