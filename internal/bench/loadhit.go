package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/larder-go/larder/cache"
)

// loadBytesLibraries are the contenders of load/hit that load bytes, loadItemLibraries those that load a struct. What their traits call copying is that
// all of each caller's value is his own.
func loadBytesLibraries() []memoryLibrary {
	return []memoryLibrary{
		{"GetOrLoad", ours, loadOwn, openFunction(false, false, cache.Policy{TTL: loadTTL})},
		{"For", ours, loadOwn, openTypedBytes()},
		{"For, no-op codec", ours, loadOwn, openTypedBytes(cache.WithCodec(sameBytes{}))},
		{"otter and a copy", library, loadCopied, openOtterBytes},
		{"theine and a copy", library, loadCopied, openTheineBytes},
	}
}

func loadItemLibraries() []memoryLibrary {
	kept := memoryTraits{perKeyTTL: true, limit: limitSoft}
	return []memoryLibrary{
		{"For, JSON", ours, loadOwn, openTypedItems},
		{"otter and JSON", library, loadCopied, openOtterJSON},
		{"theine and JSON", library, loadCopied, openTheineJSON},
		{"otter, a Go value", library, kept, openOtterItems},
		{"theine, a Go value", library, kept, openTheineItems},
	}
}

var (
	loadOwn    = memoryTraits{copies: true, perKeyTTL: true, limit: limitEntries}
	loadCopied = memoryTraits{copies: true, perKeyTTL: true, limit: limitSoft} // which this program sees to
)

// loadHit compares a hit of GetOrLoad with one of the loading caches: of bytes, and of a struct. The target is for those that do the same work: what
// only hands out a Go value does less.
func loadHit(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for _, of := range []struct {
		what      string
		libraries []memoryLibrary
	}{
		{"128 B of the caller's own", loadBytesLibraries()},
		{"a struct", loadItemLibraries()},
	} {
		t := memoryTable{name: "load/hit, " + of.what, libraries: of.libraries}
		for _, n := range []int{1, 2} {
			scores, err := b.raceHits(ctx, n, of.libraries)
			if err != nil {
				return nil, err
			}
			column := sized(b.scale.small, n)
			t.add(column, scores)
			t.addAllocations(column, scores)
			for _, own := range scores {
				for _, other := range scores {
					if own.library.kind != ours || other.library.kind != library {
						continue
					}
					to := target{}
					if other.library.traits.copies {
						to = target{ratioAtLeast, 1}
					}
					results = append(results, timesAsFast("a hit, "+of.what+", "+cores(n), other, own, to))
				}
			}
		}
		b.tables = append(b.tables, t)
	}
	return results, nil
}

// raceHits has the libraries read, and fails unless each read was a hit.
func (b *bench) raceHits(ctx context.Context, n int, libraries []memoryLibrary) ([]memoryScore, error) {
	scores, err := b.raceMemory(ctx, memoryTask{Work: workGet, Capacity: b.scale.small, Cores: n}, libraries)
	if err != nil {
		return nil, err
	}
	for _, s := range scores {
		if slices.ContainsFunc(s.hits.values, func(share float64) bool { return share != 1 }) {
			return nil, fmt.Errorf("%s: of its reads were hits: %v; want all", s.library.name, s.hits.values)
		}
	}
	return scores, nil
}
