package main

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// notedStore notes what is done with it.
type notedStore struct {
	mu     sync.Mutex
	sets   int
	setAt  map[string]int // the latest Set of a key, by its number
	often  map[string]int // how many Sets of a key there were
	gets   int
	again  int           // the least number of Sets between two of the same key
	pause  time.Duration // that a call takes
	procs  int
	absent bool // every get misses
}

func (s *notedStore) note() {
	s.procs = runtime.GOMAXPROCS(0)
	for end := time.Now().Add(s.pause); time.Now().Before(end); {
		continue // busy, as a store is
	}
}

func (s *notedStore) get(string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note()
	s.gets++
	return make([]byte, memoryValueSize), !s.absent
}

func (s *notedStore) set(key string, _ []byte, _ time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note()
	s.sets++
	if before, found := s.setAt[key]; found {
		s.again = min(s.again, s.sets-before)
	}
	s.setAt[key] = s.sets
	s.often[key]++
}

func (s *notedStore) entries() int { return len(s.setAt) }

func (s *notedStore) close() {}

// noted returns a run whose store is filled and notes from now on.
func noted(t *testing.T, task memoryTask) (*memoryRun, *notedStore) {
	t.Helper()
	store := &notedStore{setAt: make(map[string]int), often: make(map[string]int), again: 1 << 30}
	r, err := newMemoryRun(memoryLibrary{name: "noted", open: func(memoryOptions) (memoryStore, error) { return store, nil }}, task)
	if err != nil {
		t.Fatal(err)
	}
	if store.sets != task.Capacity || len(store.setAt) != task.Capacity {
		t.Fatalf("it was filled by %d Sets of %d keys, want %d", store.sets, len(store.setAt), task.Capacity)
	}
	return r, store
}

func TestATurnsFigureIsTheTimeOfAllCallsOfAllGoroutines(t *testing.T) {
	for _, cores := range []int{1, 2} {
		r, store := noted(t, memoryTask{Work: workGet, Capacity: 100, Cores: cores, Round: 20 * time.Millisecond})
		store.pause = 20 * time.Microsecond // by one at a time: the store is locked
		begin := time.Now()
		f := r.turn()
		if most := float64(time.Since(begin).Nanoseconds()) / float64(store.gets); f.Nanoseconds < 20_000 || f.Nanoseconds > most {
			t.Errorf("%d cores: %.0f ns a call of 20 µs; the turn took %.0f ns for each", cores, f.Nanoseconds, most)
		}
		if f.Reads != store.gets || f.Hits != store.gets || store.gets%memoryBlock != 0 {
			t.Errorf("%d cores: %d reads, %d hits, %d calls in blocks of %d", cores, f.Reads, f.Hits, store.gets, memoryBlock)
		}
		if f.Allocations < 1 || f.Allocations > 3 {
			t.Errorf("%d cores: %.2f allocations a call, want the value's", cores, f.Allocations)
		}
		if store.procs != cores {
			t.Errorf("it ran on %d processors, want %d", store.procs, cores)
		}
	}
}

func TestATurnLeavesTheProcessorsAsTheyWere(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	r, _ := noted(t, memoryTask{Work: workGet, Capacity: 100, Cores: before + 1, Round: time.Millisecond})
	r.turn()
	if after := runtime.GOMAXPROCS(0); after != before {
		t.Errorf("GOMAXPROCS is %d after the turn, was %d", after, before)
	}
}

func TestAMissIsNoHit(t *testing.T) {
	r, store := noted(t, memoryTask{Work: workGet, Capacity: 100, Cores: 1, Round: time.Millisecond})
	store.absent = true
	if f := r.turn(); f.Hits != 0 || f.Reads == 0 || f.hitRatio() != 0 {
		t.Errorf("%d hits of %d reads", f.Hits, f.Reads)
	}
}

func TestNewKeysAreNewThoughTheyGoRound(t *testing.T) {
	const capacity = 2001 // no multiple of a block
	r, store := noted(t, memoryTask{Work: workSet, Capacity: capacity, Cores: 1, Round: 20 * time.Millisecond})
	turns := 0
	for store.sets < 20*capacity {
		r.turn()
		turns++
	}
	// Who is stopped leaves the rest of what it had claimed.
	if len(store.setAt) != 4*capacity || store.again < 4*capacity-turns*memoryClaim || store.again < 2*capacity {
		t.Errorf("%d keys, the same again after %d Sets", len(store.setAt), store.again)
	}
}

func TestGoroutinesShareTheNewKeysAmongThem(t *testing.T) {
	const capacity, cores = 2001, 2
	r, store := noted(t, memoryTask{Work: workSet, Capacity: capacity, Cores: cores, Round: 20 * time.Millisecond})
	turns := 0
	for store.sets < 20*capacity {
		r.turn()
		turns++
	}
	least, most := store.sets, 0
	for _, n := range store.often {
		least, most = min(least, n), max(most, n)
	}
	// The first ones were set to fill the store; each turn leaves some out, and ends in the midst of a round.
	if len(store.often) != 4*capacity || most-least > 2+turns {
		t.Errorf("%d keys were set %d to %d times in %d turns", len(store.often), least, most, turns)
	}
}

func TestOverwritesAreOfKeysThatAreThere(t *testing.T) {
	r, store := noted(t, memoryTask{Work: workOverwrite, Capacity: 100, Cores: 1, Round: 5 * time.Millisecond})
	r.turn()
	if store.sets <= 100 || len(store.setAt) != 100 {
		t.Errorf("%d Sets of %d keys, want more of the same 100", store.sets, len(store.setAt))
	}
}

func TestAMixIsNineReadsAWrite(t *testing.T) {
	r, store := noted(t, memoryTask{Work: workMixed, Capacity: 100, Cores: 1, Round: 20 * time.Millisecond})
	counted := 0
	for store.gets < 10_000 {
		counted += r.turn().Reads
	}
	reads, writes := store.gets, store.sets-100
	if ratio := float64(reads) / float64(writes); ratio < 8.8 || ratio > 9.2 {
		t.Errorf("%d reads and %d writes, want nine times as many", reads, writes)
	}
	if counted != reads || len(store.setAt) <= 100 {
		t.Errorf("%d reads were counted of %d; %d keys were written", counted, reads, len(store.setAt))
	}
}

func TestATaskThatCannotBeDoneIsSaid(t *testing.T) {
	for _, c := range []struct {
		task memoryTask
		want string
	}{
		{memoryTask{Store: "memstore", Work: "dance", Capacity: 100, Cores: 1}, `"dance"`},
		{memoryTask{Store: "memstore", Work: workGet, Capacity: 10, Cores: 1}, "10 entries"},
		{memoryTask{Store: "memstore", Work: workGet, Capacity: 100}, "0 cores"},
		{memoryTask{Store: "none", Work: workGet, Capacity: 100, Cores: 1}, `"none"`},
		{memoryTask{Store: "none", Work: workFootprint, Capacity: 100}, `"none"`},
		{memoryTask{Store: "none", Work: workCollector, Capacity: 100}, `"none"`},
	} {
		answer, err := c.task.begin()
		if err == nil {
			_, err = answer()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %s", c.task, err, c.want)
		}
	}
}
