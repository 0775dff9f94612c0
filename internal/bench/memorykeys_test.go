package main

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestMemoryKeysAreDistinctAndOfOneLength(t *testing.T) {
	const n = 1234
	keys := newMemoryKeys(n)
	seen := make(map[string]bool)
	for i := range n {
		seen[keys.at(i)] = len(keys.at(i)) == memoryKeySize
	}
	if len(seen) != n {
		t.Errorf("%d distinct keys, want %d", len(seen), n)
	}
	if got, want := keys.at(1203), "item:000000000001203"; got != want || !seen[want] {
		t.Errorf("key 1203 is %q, want %q", got, want)
	}
	if got := string(bytesOf(keys.at(7))); got != keys.at(7) {
		t.Errorf("the bytes of %q are %q", keys.at(7), got)
	}
}

func TestASequenceStaysWithinItsStoreAndReachesAllOfIt(t *testing.T) {
	const capacity = 300
	s := newMemorySequence(capacity)
	reached := make(map[uint32]bool)
	for i, n := range s.random {
		reached[n] = true
		if n >= capacity || s.spread[i] >= 2*capacity {
			t.Fatalf("call %d: entry %d, %d ms", i, n, s.spread[i])
		}
	}
	if len(reached) != capacity {
		t.Errorf("it reaches %d of %d entries", len(reached), capacity)
	}
}

func TestLifetimesOfAFullStoreFavourNobody(t *testing.T) {
	const capacity, calls = 1000, 20_000
	type entry struct {
		set     int
		expires time.Duration
	}
	s := newMemorySequence(capacity)
	var store []entry
	for i := range capacity {
		store = append(store, entry{i, s.firstLifetime(i, false)})
	}
	own, oldest, age := 0, 0, 0
	for i := capacity; i < capacity+calls; i++ {
		added := entry{i, s.lifetime(i, false)}
		victim := 0
		for k, e := range store {
			if e.expires < store[victim].expires {
				victim = k
			}
		}
		if added.expires <= store[victim].expires {
			own++
		}
		if store[victim].set == slices.MinFunc(store, func(a, b entry) int { return cmp.Compare(a.set, b.set) }).set {
			oldest++
		}
		age = max(age, i-store[victim].set)
		store[victim] = added
	}
	if own > calls/100 {
		t.Errorf("%d of %d new entries expire before all others; want hardly any", own, calls)
	}
	if oldest > calls/20 {
		t.Errorf("%d of %d evicted entries were the oldest; want no order of insertion", oldest, calls)
	}
	if age >= 4*capacity {
		t.Errorf("an entry stayed for %d calls: it was there when its key came again", age)
	}
}

func TestPermanentEntriesHaveNoLifetime(t *testing.T) {
	s := newMemorySequence(100)
	if first, later := s.firstLifetime(1, true), s.lifetime(1, true); first != cache.Forever || later != cache.Forever {
		t.Errorf("lifetimes %v and %v, want forever", first, later)
	}
}

func TestFewKeysOfTheMixAreMostOfIt(t *testing.T) {
	const capacity = 1000
	count := make(map[uint32]int)
	mix := newMix(capacity)
	for _, n := range mix {
		if n >= zipfKeys*capacity {
			t.Fatalf("key %d of %d", n, zipfKeys*capacity)
		}
		count[n]++
	}
	var popular []int
	for _, n := range count {
		popular = append(popular, n)
	}
	slices.SortFunc(popular, func(a, b int) int { return b - a })
	share := func(keys int) float64 {
		sum := 0
		for _, n := range popular[:keys] {
			sum += n
		}
		return float64(sum) / float64(len(mix))
	}
	// The k-th of n keys has a share of 1/k^s of the sum over all.
	for _, c := range []struct {
		keys        int
		least, most float64
	}{{1, 0.09, 0.12}, {100, 0.5, 0.58}, {capacity, 0.74, 0.8}} {
		if got := share(c.keys); got < c.least || got > c.most {
			t.Errorf("the %d most popular keys have %.3f of the calls, want %v to %v", c.keys, got, c.least, c.most)
		}
	}
	if slices.IsSortedFunc(mix[:100], func(a, b uint32) int { return cmp.Compare(a, b) }) {
		t.Error("the popular keys lie side by side")
	}
}

func TestOneInTenOfTheMixWritesAndAnotherOneWhenItComesAgain(t *testing.T) {
	const length = 1 << 12
	written := make(map[int]int) // by place in the table
	for at := 0; at < 10*length; at += memoryBlock {
		for i := writeAt(at, length); i < memoryBlock; i += 1 + readsAWrite {
			written[(at+i)%length]++
		}
	}
	if n := len(written); n != length {
		t.Errorf("%d of %d places are ever written", n, length)
	}
	for place, n := range written {
		if n != 1 {
			t.Fatalf("place %d was written %d times in ten rounds", place, n)
		}
	}
}

func TestWhereTimeStandsStillLifetimesAreDrawnAlikeForEveryWrite(t *testing.T) {
	s := newMemorySequence(1000)
	s.still = true
	least, most := s.lifetime(0, false), s.lifetime(0, false)
	for i := range len(s.spread) {
		early, late := s.lifetime(i, false), s.lifetime(i+1000*len(s.spread), false)
		if early != late || s.firstLifetime(i, false) != early {
			t.Fatalf("write %d has %v, as the first %v, much later %v", i, early, s.firstLifetime(i, false), late)
		}
		least, most = min(least, early), max(most, early)
	}
	if least < time.Minute || least > 2*time.Minute || most > 61*time.Minute || most < time.Hour {
		t.Errorf("lifetimes from %v to %v; want from one minute to 61", least, most)
	}
}
