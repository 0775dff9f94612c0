package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

const workCollector = "collector"

// How many collections one measurement takes at most, and where they take long, at least.
const (
	mostCollections  = 10
	leastCollections = 3
)

// memoryCollector compares the processor time of a cycle of the garbage collector while the store is full with that in a process that has none.
// Each store has a process of its own, and they take turns.
func memoryCollector(ctx context.Context, b *bench) (results []result, err error) {
	libraries := append([]memoryLibrary{{name: noStore}}, memoryLibraries()...)
	var contenders []memoryContender
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.close())
		}
	}()
	for _, l := range libraries {
		c, err := openApart(ctx, l, memoryTask{Store: l.name, Work: workCollector, Capacity: b.scale.large, Round: b.scale.round})
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, c)
	}
	b.logf("%d stores of %s entries", len(libraries)-1, group(float64(b.scale.large)))
	scores, err := takeTurns(ctx, b.scale.clears, contenders)
	if err != nil {
		return nil, err
	}
	for _, s := range scores[1:] {
		r := result{
			what: fmt.Sprintf("processor time of a collection, %s entries", group(float64(b.scale.large))),
			base: scores[0].nanoseconds, measured: s.nanoseconds, unit: milliNano,
		}
		if s.library.kind == ours {
			r.target = target{ratioAtMost, 2}
		}
		results = append(results, r)
	}
	return results, nil
}

// noStore is the name of the contender that has only the heap of this program itself.
const noStore = "empty heap"

// prepareCollector fills the store and returns what measures the collector beside it. The figure is nanoseconds of a cycle.
func prepareCollector(t memoryTask) (answer func() (any, error), err error) {
	var store memoryStore
	if t.Store != noStore {
		l, err := findMemoryLibrary(t.Store)
		if err != nil {
			return nil, err
		}
		if store, err = fillOwned(l, t, newMemoryKeys(t.Capacity), newMemorySequence(t.Capacity)); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	return func() (any, error) {
		// The runtime adds a cycle's time to the metric when the cycle's marking ends, before runtime.GC returns: what is read are whole cycles.
		before, begin, cycles := collectorSeconds(), time.Now(), 0
		for cycles < leastCollections || cycles < mostCollections && time.Since(begin) < t.Round {
			runtime.GC()
			cycles++
		}
		f := memoryFigures{Nanoseconds: (collectorSeconds() - before) / float64(cycles) * 1e9}
		runtime.KeepAlive(store)
		return f, nil
	}, nil
}

// collectorSeconds is the processor time that the garbage collector took so far, where it took idle processors' too.
func collectorSeconds() float64 {
	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64()
}
