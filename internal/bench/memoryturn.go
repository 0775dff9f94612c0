package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A memoryTask is what a contender does in its turns. It is also the first line of what a process of its own reads.
type memoryTask struct {
	Store     string
	Work      string // one of the names below
	Capacity  int
	Permanent bool // the entries never expire
	Still     bool // time stands still: see memorySequence
	Fresh     int  // how many keys workSet has at least
	Cores     int  // how many goroutines work at once, on as many processors
	Round     time.Duration

	Others int   // entries beside those that expire
	Bytes  int64 // the limit of workHeap
	Sets   int   // of workHeap
}

// Works. Keys and lifetimes are those of a memorySequence.
const (
	workGet       = "get"       // of a random entry
	workAppend    = "append"    // the same into memory of the caller's; get where the library has no such read
	workSet       = "set"       // of a new key in a full store
	workOverwrite = "overwrite" // of a random entry
	workMixed     = "mixed"     // few keys often, ten times as many as fit; nine reads a write
)

// memoryFigures are what one turn came to.
type memoryFigures struct {
	Nanoseconds float64 // a call, of all goroutines together
	Allocations float64 // a call, by the whole process
	Reads, Hits int
}

// memoryRun is a store that was filled, and what is done with it.
type memoryRun struct {
	store    memoryStore
	task     memoryTask
	keys     memoryKeys
	sequence *memorySequence
	mix      []uint32 // of workMixed
	value    []byte
	next     atomic.Int64 // the call that nobody has begun, counted over all turns
}

const (
	memoryBlock = 64  // calls between two looks at whether the turn is over
	memoryClaim = 256 // calls that a goroutine takes at once from the common sequence
)

// newMemoryRun opens and fills the library's store.
func newMemoryRun(l memoryLibrary, task memoryTask) (*memoryRun, error) {
	if task.Capacity < memoryBlock || task.Cores < 1 {
		return nil, fmt.Errorf("%s: %d entries and %d cores are too few", task.Store, task.Capacity, task.Cores)
	}
	store, err := l.open(memoryOptions{task.Capacity, task.Permanent})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", task.Store, err)
	}
	keys := task.Capacity
	switch task.Work {
	case workSet:
		keys = max(4*task.Capacity, task.Fresh) // each was evicted long before it comes again
	case workMixed:
		keys = zipfKeys * task.Capacity
	case workGet, workAppend, workOverwrite:
	default:
		return nil, fmt.Errorf("%s: there is no work %q", task.Store, task.Work)
	}
	r := &memoryRun{store: store, task: task, keys: newMemoryKeys(keys), sequence: newMemorySequence(task.Capacity), value: entryValue(memoryValueSize)}
	r.sequence.still = task.Still
	if task.Work == workMixed {
		r.mix = newMix(task.Capacity)
	}
	for i := range task.Capacity {
		store.set(r.keys.at(i), r.value, r.sequence.firstLifetime(i, task.Permanent))
		if i%memoryClaim == 0 {
			settle(store) // or the queues of those that write later overflow
		}
	}
	settle(store)
	r.next.Store(int64((task.Capacity + memoryBlock - 1) / memoryBlock * memoryBlock))
	return r, nil
}

// turn lets the goroutines work for the length of a round.
func (r *memoryRun) turn() memoryFigures {
	var reads, hits atomic.Int64
	f := measure(r.task.Cores, r.task.Round, func(_ int, stop *atomic.Bool) (made int) {
		block := r.block()
		read, hit := 0, 0
		for made == 0 || !stop.Load() { // one block at least, however late it is scheduled
			at := int(r.next.Add(memoryClaim)) - memoryClaim
			for claimed := at + memoryClaim; at < claimed && (made == 0 || !stop.Load()); at += memoryBlock {
				n, h := block(at)
				read, hit = read+n, hit+h
				made += memoryBlock
			}
		}
		reads.Add(int64(read))
		hits.Add(int64(hit))
		return made
	})
	f.Reads, f.Hits = int(reads.Load()), int(hits.Load())
	return f
}

// measure lets n goroutines work at once, on as many processors, until stop says so after the length of a round. work returns how many calls it made.
func measure(n int, round time.Duration, work func(goroutine int, stop *atomic.Bool) (made int)) memoryFigures {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	var (
		workers       sync.WaitGroup
		stop          atomic.Bool
		calls         atomic.Int64
		before, after runtime.MemStats
	)
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	end := time.AfterFunc(round, func() { stop.Store(true) })
	defer end.Stop()
	for g := range n {
		workers.Go(func() { calls.Add(int64(work(g, &stop))) })
	}
	workers.Wait()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	made := float64(calls.Load())
	return memoryFigures{Nanoseconds: float64(took.Nanoseconds()) / made, Allocations: float64(after.Mallocs-before.Mallocs) / made}
}

// block returns what makes memoryBlock calls from the at-th on, for one goroutine: nothing but the calls and the tables of keys.
func (r *memoryRun) block() func(at int) (reads, hits int) {
	store, keys, s, value, permanent := r.store, r.keys, r.sequence, r.value, r.task.Permanent
	mask := len(s.random) - 1
	switch r.task.Work {
	case workAppend:
		if store, ok := store.(appender); ok {
			into := make([]byte, 0, 2*memoryValueSize)
			return func(at int) (reads, hits int) {
				for _, n := range s.random[at&mask:][:memoryBlock] {
					if read, found := store.appendTo(into, keys.at(int(n))); found && len(read) == memoryValueSize {
						hits++
					}
				}
				return memoryBlock, hits
			}
		}
		fallthrough
	case workGet:
		return func(at int) (reads, hits int) {
			for _, n := range s.random[at&mask:][:memoryBlock] {
				if read, found := store.get(keys.at(int(n))); found && len(read) == memoryValueSize {
					hits++
				}
			}
			return memoryBlock, hits
		}
	case workSet:
		distinct := len(keys.text) / memoryKeySize
		return func(at int) (reads, hits int) {
			n := at % distinct
			for i := range memoryBlock {
				store.set(keys.at(n), value, s.lifetime(at+i, permanent))
				if n++; n == distinct {
					n = 0
				}
			}
			return 0, 0
		}
	case workOverwrite:
		return func(at int) (reads, hits int) {
			for i, n := range s.random[at&mask:][:memoryBlock] {
				store.set(keys.at(int(n)), value, s.lifetime(at+i, permanent))
			}
			return 0, 0
		}
	default: // workMixed
		mix := r.mix
		mask := len(mix) - 1
		return func(at int) (reads, hits int) {
			write := writeAt(at, len(mix))
			for i, n := range mix[at&mask:][:memoryBlock] {
				key := keys.at(int(n))
				if i == write {
					store.set(key, value, s.lifetime(s.capacity+(at+i)/(1+readsAWrite), permanent))
					write += 1 + readsAWrite
					continue
				}
				reads++
				if _, found := store.get(key); found {
					hits++
				}
			}
			return reads, hits
		}
	}
}

func (r *memoryRun) close() { r.store.close() }

// hitRatio is the share of the reads that found their entry; of no reads it is NaN.
func (f memoryFigures) hitRatio() float64 { return float64(f.Hits) / float64(f.Reads) }
