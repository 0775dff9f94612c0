package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/larder-go/larder/cache/memstore"
)

const workHeap = "heap"

// heapKeys is how many keys there are: ten times as many as entries of the mean length fit into the default limit, so that most Sets evict and some
// overwrite by what is longer or shorter.
const heapKeys = 80_000

// memoryHeap compares what memstore's limit of bytes allows with what it takes, after very many writes of all lengths.
func memoryHeap(ctx context.Context, b *bench) ([]result, error) {
	b.logf("%s Sets of 1 B to 64 KiB", group(float64(b.scale.heapSets)))
	var live int64
	if err := askOnce(ctx, memoryTask{Store: "memstore", Work: workHeap, Bytes: b.scale.heapBytes, Sets: b.scale.heapSets}, &live); err != nil {
		return nil, err
	}
	return []result{{
		what:     fmt.Sprintf("live heap after %s Sets of 1 B to 64 KiB", group(float64(b.scale.heapSets))),
		base:     series{"MaxBytes", []float64{float64(b.scale.heapBytes)}},
		measured: series{"memstore", []float64{float64(live)}},
		unit:     mebibytes,
		target:   target{ratioAtMost, 1.3},
	}}, nil
}

// measureHeap returns how much of the heap is live when the store was written to so often.
func measureHeap(t memoryTask) (int64, error) {
	const longest = 64 << 10
	keys, value := newMemoryKeys(heapKeys), entryValue(longest)
	random := rand.New(rand.NewPCG(3, 4))
	before := liveHeap()
	// The limit of bytes is the one that binds: an entry takes a byte at least.
	store, err := newMemstore(memstore.Options{MaxEntries: heapKeys, MaxBytes: t.Bytes})
	if err != nil {
		return 0, err
	}
	defer store.close()
	for range t.Sets {
		store.set(keys.at(random.IntN(heapKeys)), value[:1+random.IntN(longest)], time.Hour+time.Duration(random.IntN(3_600_000))*time.Millisecond)
	}
	if store.entries() == 0 {
		return 0, fmt.Errorf("memstore with MaxBytes %d: it holds nothing after %d Sets", t.Bytes, t.Sets)
	}
	return liveHeap() - before, nil
}
