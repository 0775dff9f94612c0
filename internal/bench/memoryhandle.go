package main

import "context"

// memoryHandle tells what a call costs more through the handle that handlers hold than on the store itself: the difference, round by round.
func memoryHandle(ctx context.Context, b *bench) ([]result, error) {
	store := memoryLibraries()[0]
	handle := memoryLibrary{"cache", ours, store.traits, openHandle(false)}
	counting := memoryLibrary{"cache, OnEvent", ours, store.traits, openHandle(true)}
	t := memoryTable{name: "memory/handle", libraries: []memoryLibrary{store, handle, counting}}
	var results []result
	for _, work := range []string{workAppend, workGet} {
		scores, err := b.raceMemory(ctx, memoryTask{Work: work, Capacity: b.scale.small, Cores: 2}, t.libraries)
		if err != nil {
			return nil, err
		}
		what := titled("Get", b.scale.small, 2)
		if work == workAppend {
			what = titled("GetAppend", b.scale.small, 2)
		}
		t.add(what, scores)
		t.addAllocations(what, scores)
		results = append(results,
			result{
				what: what + ": beyond the store", measured: difference(scores[1].nanoseconds, scores[0].nanoseconds), unit: nanoseconds,
				target: target{valueAtMost, 10},
			},
			allocates(what+", beyond the store", memoryScore{allocations: difference(scores[1].allocations, scores[0].allocations)}),
			result{what: what + ": beyond the store", measured: difference(scores[2].nanoseconds, scores[0].nanoseconds), unit: nanoseconds},
		)
	}
	b.tables = append(b.tables, t)
	return results, nil
}

// difference subtracts the values one by one, under the name of the first.
func difference(of, from series) series {
	d := series{name: of.name}
	for i := range min(len(of.values), len(from.values)) {
		d.add(of.values[i] - from.values[i])
	}
	return d
}
