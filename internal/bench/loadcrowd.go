package main

import (
	"context"
	"fmt"
	"runtime"
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
	Callers      int
	Began, Ended int64 // when the first called and when the last had its value (Unix, nanoseconds)
	Loads        int64
	Allocations  uint64 // by the whole process
}

// crowd has n callers call get at once, each with a context of its own that may be cancelled, as requests do. Nothing is collected between crowds: that would
// take the goroutines' stacks away, which a server's have by then, and each caller would pay for growing his anew.
func crowd(ctx context.Context, n int, from *source, get func(ctx context.Context) ([]byte, error)) (crowding, error) {
	var (
		arrived, gone sync.WaitGroup
		before, after runtime.MemStats
	)
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
	loaded := from.loads.Load()
	runtime.ReadMemStats(&before)
	begin := time.Now()
	close(gate)
	gone.Wait()
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	did := crowding{
		Callers: n, Began: begin.UnixNano(), Ended: begin.UnixNano() + took.Nanoseconds(),
		Loads: from.loads.Load() - loaded, Allocations: after.Mallocs - before.Mallocs,
	}
	for _, err := range failed {
		if err != nil {
			return crowding{}, err
		}
	}
	return did, nil
}

// asOne is what several crowds did as one.
func asOne(crowds []crowding) crowding {
	sum := crowds[0]
	for _, c := range crowds[1:] {
		sum.Callers, sum.Loads, sum.Allocations = sum.Callers+c.Callers, sum.Loads+c.Loads, sum.Allocations+c.Allocations
		sum.Began, sum.Ended = min(sum.Began, c.Began), max(sum.Ended, c.Ended)
	}
	return sum
}

// crowdings are what the crowds of a contender did, round by round.
type crowdings struct {
	loads       series
	took        series // seconds
	allocations series // a caller
}

func newCrowdings(name string) crowdings {
	named := series{name: name}
	return crowdings{named, named, named}
}

func (c *crowdings) add(of crowding) {
	c.loads.add(float64(of.Loads))
	c.took.add(float64(of.Ended-of.Began) / 1e9)
	c.allocations.add(float64(of.Allocations) / float64(of.Callers))
}

// results are the contender's lines of the table. The targets are those of the loads in the worst round, and of the time in times of the source.
func (c *crowdings) results(what string, takes time.Duration, once, within target) []result {
	inTimes := series{name: c.took.name}
	for _, took := range c.took.values {
		inTimes.add(took / takes.Seconds())
	}
	most := series{c.loads.name, []float64{slices.Max(c.loads.values)}}
	return []result{
		{what: what + ": loads, the most of a round", measured: most, unit: group, target: once},
		{what: what + ": the last is done", measured: c.took, unit: milliseconds},
		{what: what + ": the last is done, in source times", measured: inTimes, unit: hundredths, target: within},
		{what: what + ": allocations a caller", measured: c.allocations, unit: decimal},
	}
}
