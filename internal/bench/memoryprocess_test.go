package main

import (
	"runtime"
	"testing"
	"time"
)

func TestTheLiveHeapIsWhatIsStillReferenced(t *testing.T) {
	const size = 64 << 20
	before := liveHeap()
	kept := make([]byte, size)
	if grown := liveHeap() - before; grown < size || grown > size+size/8 {
		t.Errorf("with %d bytes more the heap is larger by %d", size, grown)
	}
	runtime.KeepAlive(kept)
	if grown := liveHeap() - before; grown > size/8 {
		t.Errorf("without them it is larger by %d", grown)
	}
}

func TestAFootprintCountsKeysValuesAndWhatALibraryMapsBesideTheHeap(t *testing.T) {
	for _, name := range []string{"memstore", "fastcache", "map, RWMutex"} {
		const capacity = 50_000
		f, err := measureFootprint(memoryTask{Store: name, Work: workFootprint, Capacity: capacity})
		if err != nil {
			t.Fatal(err)
		}
		if each := float64(f.Bytes) / capacity; f.Entries != capacity || each < entryBytes || each > 10*entryBytes {
			t.Errorf("%s: %d entries of %.0f bytes each", name, f.Entries, each)
		}
	}
}

func TestACollectionTakesLongerWithAStoreFullOfPointers(t *testing.T) {
	cycle := func(store string) float64 {
		answer, err := memoryTask{Store: store, Work: workCollector, Capacity: 100_000, Round: 50 * time.Millisecond}.begin()
		if err != nil {
			t.Fatal(err)
		}
		f, err := answer()
		if err != nil {
			t.Fatal(err)
		}
		return f.(memoryFigures).Nanoseconds
	}
	if empty, full := cycle(noStore), cycle("map, RWMutex"); empty <= 0 || full < 2*empty {
		t.Errorf("a collection takes %.0f ns, and %.0f with a map of 100,000 entries", empty, full)
	}
}

func TestCallsAreMeasuredBeforeAndWhileEntriesExpire(t *testing.T) {
	r, err := measureExpiry(memoryTask{Store: "memstore", Work: workExpiry, Capacity: 2_000, Others: 200, Cores: 2, Round: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]expiryLatencies{"before": r.Before, "meanwhile": r.During} {
		if !(l.P50 > 0) || l.P99 < l.P50 || l.P999 < l.P99 || l.Most < l.P999 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if r.Took <= 0 || r.Took > float64(expiryPatience) || r.Left != 0 {
		t.Errorf("%d were left after %.0f ns", r.Left, r.Took)
	}
}

func TestTheHeapOfAStoreWithALimitIsMeasured(t *testing.T) {
	const limit = 8 << 20
	live, err := measureHeap(memoryTask{Store: "memstore", Work: workHeap, Bytes: limit, Sets: 2_000})
	if err != nil || live < limit/2 || live > 3*limit {
		t.Errorf("%d bytes are live with a limit of %d, %v", live, limit, err)
	}
}
