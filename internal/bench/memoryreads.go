package main

import "context"

// memoryAppend compares GetAppend with the reads that copy into memory of the caller's, and with those that only hand out the library's own slice.
// Once with entries that have lifetimes, once with permanent ones: fastcache has no lifetimes and reads no clock.
func memoryAppend(ctx context.Context, b *bench) (results []result, err error) {
	var libraries []memoryLibrary
	for _, l := range memoryLibraries() {
		if l.traits.appends || !l.traits.copies {
			libraries = append(libraries, l)
		}
	}
	t := memoryTable{name: "memory/append", libraries: libraries}
	for _, capacity := range []int{b.scale.small, b.scale.large} {
		for _, permanent := range []bool{false, true} {
			scores, err := b.raceMemory(ctx, memoryTask{Work: workAppend, Capacity: capacity, Cores: 2, Permanent: permanent}, libraries)
			if err != nil {
				return nil, err
			}
			what, column := titled("GetAppend", capacity, 2), sized(capacity, 2)
			if permanent {
				what, column = titled("GetAppend, permanent", capacity, 2), "permanent, "+column
			} else if capacity == b.scale.small {
				b.chart.addScores(titled("Read without allocating", capacity, 2), scores)
			}
			t.add(column, scores)
			own := score(scores, "memstore")
			results = append(results,
				timesAsFast(what, best(scores, appending), own, target{ratioAtLeast, 1.4}),
				timesAsFast(what+", beside reads without a copy", best(scores, sharing), own, target{ratioAtLeast, 1}),
				allocates(what, own),
			)
		}
	}
	b.tables = append(b.tables, t)
	return results, nil
}

// memoryGet compares Get, whose value is the caller's own, with those of the libraries that copy too.
func memoryGet(ctx context.Context, b *bench) (results []result, err error) {
	t := memoryTable{name: "memory/get", libraries: memoryLibraries()}
	for _, capacity := range []int{b.scale.small, b.scale.large} {
		scores, err := b.raceMemory(ctx, memoryTask{Work: workGet, Capacity: capacity, Cores: 2}, t.libraries)
		if err != nil {
			return nil, err
		}
		what, column := titled("Get", capacity, 2), sized(capacity, 2)
		t.add(column, scores)
		t.addAllocations(column, scores)
		t.addHits(column, scores)
		to := target{}
		if capacity == b.scale.small {
			to = target{ratioAtLeast, 1.6}
			b.chart.addScores(titled("Read a copy", capacity, 2), only(scores, copying))
		}
		results = append(results, timesAsFast(what, best(scores, copying), score(scores, "memstore"), to))
	}
	b.tables = append(b.tables, t)
	return results, nil
}

// memoryZipf compares a mix of reads and writes, of which nine in ten are reads and most are of few keys.
func memoryZipf(ctx context.Context, b *bench) ([]result, error) {
	t := memoryTable{name: "memory/zipf", libraries: memoryLibraries()}
	scores, err := b.raceMemory(ctx, memoryTask{Work: workMixed, Capacity: b.scale.small, Cores: 2}, t.libraries)
	if err != nil {
		return nil, err
	}
	what, column := titled("9 Gets a Set, popular keys", b.scale.small, 2), sized(b.scale.small, 2)
	t.add(column, scores)
	t.addAllocations(column, scores)
	t.addHits(column, scores)
	b.tables = append(b.tables, t)
	own := score(scores, "memstore")
	found := best(scores, copying)
	return []result{
		timesAsFast(what, found, own, target{ratioAtLeast, 1}),
		{what: what + ": reads that find their entry", base: found.hits, measured: own.hits, unit: percents},
	}, nil
}
