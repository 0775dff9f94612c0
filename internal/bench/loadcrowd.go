package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A source is what is behind a cache: it takes its time, and counts how often it was asked.
type source struct {
	takes time.Duration
	loads atomic.Int64
}

func (s *source) load(ctx context.Context) ([]byte, error) {
	s.loads.Add(1)
	over := time.NewTimer(s.takes)
	defer over.Stop()
	select {
	case <-over.C:
		return entryValue(memoryValueSize), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// A crowding is what a crowd did.
type crowding struct {
	Began, Ended int64 // when the first called and when the last had its value (Unix, nanoseconds)
	Loads        int64
}

// crowd has n callers call get at once, each with a context of its own that may be cancelled, as requests do.
func crowd(ctx context.Context, n int, from *source, get func(ctx context.Context) ([]byte, error)) (crowding, error) {
	var arrived, gone sync.WaitGroup
	failed := make([]error, n)
	gate := make(chan struct{})
	arrived.Add(n)
	for i := range n {
		gone.Go(func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			arrived.Done()
			<-gate
			value, err := get(ctx)
			if err == nil && len(value) != memoryValueSize {
				err = fmt.Errorf("a value of %d bytes; want %d", len(value), memoryValueSize)
			}
			failed[i] = err
		})
	}
	arrived.Wait()
	before := from.loads.Load()
	begin := time.Now()
	close(gate)
	gone.Wait()
	took := time.Since(begin)
	for _, err := range failed {
		if err != nil {
			return crowding{}, err
		}
	}
	began := begin.UnixNano()
	return crowding{Began: began, Ended: began + took.Nanoseconds(), Loads: from.loads.Load() - before}, nil
}

// crowdings are what the crowds of a contender did, round by round.
type crowdings struct {
	loads series
	took  series // seconds
}

func (c *crowdings) add(of crowding) {
	c.loads.add(float64(of.Loads))
	c.took.add(float64(of.Ended-of.Began) / 1e9)
}

// most is the line that says how often a source was asked for a key, where that was most often. With a target it is once.
func (c *crowdings) most(what string, wanted bool) result {
	r := result{what: what + ": loads, the most of a round", measured: series{c.loads.name, []float64{slices.Max(c.loads.values)}}, unit: group}
	if wanted {
		r.target = target{valueAtMost, 1}
	}
	return r
}
