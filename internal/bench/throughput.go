package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// throughput is how much a contender does while many goroutines call it, one value for each round.
type throughput struct {
	calls       series // a second, of all goroutines together
	allocations series // a call, by the whole process
}

// race lets the contenders take turns, each for the length of a round. The first turn of each warms up and does not count; who
// begins changes from round to round.
func (s scale) race(ctx context.Context, contenders ...contender) ([]throughput, error) {
	all := make([]throughput, len(contenders))
	for i, c := range contenders {
		all[i] = throughput{series{name: c.name}, series{name: c.name}}
		if _, _, err := s.turn(ctx, c); err != nil {
			return nil, err
		}
	}
	for round := range s.rounds {
		for i := range contenders {
			k := (round + i) % len(contenders)
			calls, allocations, err := s.turn(ctx, contenders[k])
			if err != nil {
				return nil, err
			}
			all[k].calls.add(calls)
			all[k].allocations.add(allocations)
		}
	}
	return all, nil
}

// turn lets the goroutines call c for the length of a round, and returns how many calls a second they made and what a call allocated.
func (s scale) turn(ctx context.Context, c contender) (calls, allocations float64, err error) {
	var (
		workers       sync.WaitGroup
		stop          atomic.Bool
		made          atomic.Int64
		failed        = make([]error, s.goroutines)
		before, after runtime.MemStats
	)
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	end := time.AfterFunc(s.round, func() { stop.Store(true) })
	defer end.Stop()
	for g := range s.goroutines {
		workers.Go(func() {
			// Cancellable and its own, as a request's is: what derives from it locks it.
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			call := 0
			for ; call == 0 || !stop.Load(); call++ { // one at least, however late it is scheduled
				if failed[g] = c.call(ctx, g, call); failed[g] != nil {
					stop.Store(true)
				}
			}
			made.Add(int64(call))
		})
	}
	workers.Wait()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	for _, err := range failed {
		if err != nil {
			return 0, 0, err
		}
	}
	n := float64(made.Load())
	return n / took.Seconds(), float64(after.Mallocs-before.Mallocs) / n, nil
}
