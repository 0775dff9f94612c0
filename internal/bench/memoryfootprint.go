package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

const workFootprint = "footprint"

// A footprint is what the entries of a full store occupy, keys and values included.
type footprint struct {
	Entries  int
	Bytes    int64 // of the heap, and of what the library maps beside it
	Resident int64 // how much the process grew in the eyes of the system; 0 where that is unknown
}

// memoryFootprint compares what an entry costs beyond its key and value. Each store has a process of its own.
func memoryFootprint(ctx context.Context, b *bench) ([]result, error) {
	t := memoryTable{name: "memory/footprint", libraries: memoryLibraries()}
	var results []result
	held, resident := t.column("entries held"), t.column("resident, B an entry beyond key and value")
	for _, l := range t.libraries {
		b.logf("%s", l.name)
		var f footprint
		if err := askOnce(ctx, memoryTask{Store: l.name, Work: workFootprint, Capacity: b.scale.large}, &f); err != nil {
			return nil, err
		}
		n := float64(max(f.Entries, 1))
		overhead := float64(f.Bytes)/n - entryBytes
		r := result{
			what:     fmt.Sprintf("beyond key and value, an entry of %s", group(float64(b.scale.large))),
			measured: series{l.name, []float64{overhead}}, unit: byteCount,
		}
		if l.kind == ours {
			r.target = target{valueAtMost, 48}
		}
		results = append(results, r)
		b.chart.add("Memory beyond key and value, "+group(float64(b.scale.large))+" entries", bytesUnit, l, overhead)
		held[l.name] = group(n)
		if f.Resident > 0 {
			resident[l.name] = decimal(float64(f.Resident)/n - entryBytes)
		}
	}
	b.tables = append(b.tables, t)
	return results, nil
}

// measureFootprint fills a store, whose keys and values nobody else holds.
func measureFootprint(t memoryTask) (footprint, error) {
	l, err := findMemoryLibrary(t.Store)
	if err != nil {
		return footprint{}, err
	}
	keys, sequence := newMemoryKeys(t.Capacity), newMemorySequence(t.Capacity)
	heapBefore, residentBefore := liveHeap(), resident()
	store, err := fillOwned(l, t, keys, sequence)
	if err != nil {
		return footprint{}, err
	}
	f := footprint{Entries: store.entries(), Bytes: liveHeap() - heapBefore}
	if after := resident(); after > 0 {
		f.Resident = after - residentBefore
	}
	if s, ok := store.(offHeap); ok {
		f.Bytes += s.offHeapBytes()
	}
	runtime.KeepAlive(keys)
	runtime.KeepAlive(sequence)
	store.close()
	return f, nil
}

// fillOwned fills the library's store with copies of keys and values that nobody else holds. Those that keep no reference drop them.
func fillOwned(l memoryLibrary, t memoryTask, keys memoryKeys, sequence *memorySequence) (memoryStore, error) {
	store, err := l.open(memoryOptions{capacity: t.Capacity})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	value := entryValue(memoryValueSize)
	for i := range t.Capacity {
		store.set(strings.Clone(keys.at(i)), slices.Clone(value), sequence.firstLifetime(i, false))
		if i%memoryClaim == 0 {
			settle(store)
		}
	}
	settle(store)
	return store, nil
}

// liveHeap is how many bytes of the heap are in use after a collection. The second one frees what the first one's finalizers held.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// resident is how much memory the process has in the eyes of the system, once it has given back what it does not use; 0 where that is unknown.
func resident() int64 {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
