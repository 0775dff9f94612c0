package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/larder-go/larder/cache"
)

// loadBytesLibraries are the contenders of load/hit that load bytes, loadItemLibraries those that load a struct. What their traits call copying is that
// each caller's value is his own, which of otter and theine this program sees to.
func loadBytesLibraries() []memoryLibrary {
	own := memoryTraits{copies: true, perKeyTTL: true, limit: limitEntries}
	copied := memoryTraits{copies: true, perKeyTTL: true, limit: limitSoft}
	return []memoryLibrary{
		{"GetOrLoad", ours, own, openFunction},
		{"For", ours, own, openTypedBytes()},
		{"For, no-op codec", ours, own, openTypedBytes(cache.WithCodec(sameBytes{}))},
		{"otter and a copy", library, copied, openOtterBytes},
		{"theine and a copy", library, copied, openTheineBytes},
	}
}

func loadItemLibraries() []memoryLibrary {
	own := memoryTraits{copies: true, perKeyTTL: true, limit: limitEntries}
	kept := memoryTraits{perKeyTTL: true, limit: limitSoft}
	return []memoryLibrary{
		{"For, JSON", ours, own, openTypedItems},
		{"otter, a Go value", library, kept, openOtterItems},
		{"theine, a Go value", library, kept, openTheineItems},
	}
}

// loadHit compares a hit of GetOrLoad with one of the loading caches: of bytes, where all do the same, and of a struct, which ours decodes and
// the others hand out.
func loadHit(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for _, of := range []struct {
		what      string
		libraries []memoryLibrary
		to        target
	}{
		{"128 B of the caller's own", loadBytesLibraries(), target{ratioAtLeast, 1}},
		{"a struct", loadItemLibraries(), target{}},
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
					if own.library.kind == ours && other.library.kind == library {
						results = append(results, timesAsFast("a hit, "+of.what+", "+cores(n), other, own, of.to))
					}
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
