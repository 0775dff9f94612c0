package main

import (
	"context"
	"slices"
)

// memorySet compares a Set of a new key in a full store, which evicts, with those of the libraries that keep a copy.
func memorySet(ctx context.Context, b *bench) ([]result, error) {
	t := memoryTable{name: "memory/set", libraries: memoryLibraries()}
	var results []result
	for _, c := range []struct {
		capacity, cores int
		still           bool
		to              []target
	}{
		{b.scale.small, 1, false, []target{{ratioAtLeast, 3.5}}},
		{b.scale.small, 1, true, []target{{ratioAtLeast, 3.5}}},
		{b.scale.small, 2, false, []target{{ratioAtLeast, 1.5}}},
		{b.scale.small, 2, true, []target{{ratioAtLeast, 1.5}}},
		{b.scale.middle, 1, false, []target{{ratioAtLeast, 2}}},
		{b.scale.middle, 1, true, []target{{ratioAtLeast, 2}}},
		{b.scale.large, 1, false, []target{{ratioAtLeast, 1}, {ratioAtLeast, 1.3}}}, // the second one is a wish
	} {
		task := memoryTask{Work: workSet, Capacity: c.capacity, Cores: c.cores, Still: c.still, Fresh: b.scale.fresh}
		scores, err := b.raceMemory(ctx, task, t.libraries)
		if err != nil {
			return nil, err
		}
		what, column := titled("Set of a new key", c.capacity, c.cores), sized(c.capacity, c.cores)
		if c.still {
			what, column = what+", time stands still", column+", time stands still"
		}
		t.add(column, scores)
		if c.cores == 1 && !c.still {
			b.chart.addScores(titled("Set a new key", c.capacity, c.cores), scores)
		}
		own, found := score(scores, "memstore"), best(scores, copying)
		for i, to := range c.to {
			line := timesAsFast(what, found, own, to)
			if i > 0 {
				line.what += " (stretch)"
			}
			results = append(results, line)
		}
		results = append(results, allocates(what, own))
	}
	b.tables = append(b.tables, t)
	forever, err := memorySetForever(ctx, b)
	return append(results, forever...), err
}

// memorySetForever compares permanent entries, of which the one set longest ago is evicted by memstore.
func memorySetForever(ctx context.Context, b *bench) ([]result, error) {
	libraries := slices.DeleteFunc(memoryLibraries(), func(l memoryLibrary) bool { return l.kind != ours && !copying(l) })
	t := memoryTable{name: "memory/set, permanent entries", libraries: libraries}
	scores, err := b.raceMemory(ctx, memoryTask{Work: workSet, Capacity: b.scale.small, Cores: 1, Permanent: true, Fresh: b.scale.fresh}, t.libraries)
	if err != nil {
		return nil, err
	}
	what := titled("Set of a new key, permanent", b.scale.small, 1)
	t.add(sized(b.scale.small, 1), scores)
	b.tables = append(b.tables, t)
	return []result{timesAsFast(what, best(scores, copying), score(scores, "memstore"), target{})}, nil
}

// memoryOverwrite compares overwriting random entries by values of the same length.
func memoryOverwrite(ctx context.Context, b *bench) ([]result, error) {
	t := memoryTable{name: "memory/overwrite", libraries: memoryLibraries()}
	scores, err := b.raceMemory(ctx, memoryTask{Work: workOverwrite, Capacity: b.scale.middle, Cores: 2}, t.libraries)
	if err != nil {
		return nil, err
	}
	what := titled("Set of a key that is there", b.scale.middle, 2)
	t.add(sized(b.scale.middle, 2), scores)
	t.addAllocations(sized(b.scale.middle, 2), scores)
	b.tables = append(b.tables, t)
	b.chart.addScores(titled("Overwrite", b.scale.middle, 2), scores)
	own, found := score(scores, "memstore"), best(scores, copying)
	stretch := timesAsFast(what, found, own, target{ratioAtLeast, 1.2})
	stretch.what += " (stretch)"
	return []result{timesAsFast(what, found, own, target{ratioAtLeast, 1}), stretch}, nil
}

// memoryScan compares evicting the earliest expiry with a store that looks for it among all entries.
func memoryScan(ctx context.Context, b *bench) ([]result, error) {
	var results []result
	for i, bound := range []float64{150, 6000} {
		capacity := b.scale.scanned[i]
		scores, err := b.raceMemory(ctx, memoryTask{Work: workSet, Capacity: capacity, Cores: 1, Fresh: b.scale.fresh}, []memoryLibrary{memoryLibraries()[0], scanLibrary()})
		if err != nil {
			return nil, err
		}
		results = append(results, timesAsFast(titled("Set of a new key", capacity, 1), scores[1], scores[0], target{ratioAtLeast, bound}))
	}
	return results, nil
}
