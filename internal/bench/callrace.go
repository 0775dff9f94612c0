package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// A callLibrary does the work of a request in this process, for one of many clients at a time.
type callLibrary struct {
	name string
	kind memoryKind
	open func(ctx context.Context, clients int) (callWork, error)
}

// callWork is what a callLibrary has opened.
type callWork struct {
	worker func(ctx context.Context) func(client int) error // what one goroutine calls, with a context, a request and a response of its own
	close  func() error
}

// callRun is work with the clients that each goroutine does it for. No two have one in common, so that nobody changes what another is changing.
type callRun struct {
	calls   []func(client int) error // of each goroutine
	cancels []context.CancelFunc
	orders  [][]int
	at      []int // where in its order each is, over all turns
	round   time.Duration
}

// raceCalls lets the libraries take turns, as raceMemory does. All of them live in this process at once.
func (b *bench) raceCalls(ctx context.Context, what string, n int, libraries []callLibrary) (scores []memoryScore, err error) {
	b.logf("%s, %s", what, cores(n))
	var contenders []memoryContender
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.close())
		}
	}()
	for _, l := range libraries {
		work, err := l.open(ctx, b.scale.keys)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		r := newCallRun(ctx, work, n, b.scale.keys, b.scale.round/memoryTurns)
		contenders = append(contenders, memoryContender{
			library: memoryLibrary{name: l.name, kind: l.kind},
			turn: func() (memoryFigures, error) {
				f, err := r.turn()
				if err != nil {
					err = fmt.Errorf("%s: %w", l.name, err)
				}
				return f, err
			},
			close: func() error { r.end(); return work.close() },
		})
	}
	return takeTurns(ctx, b.scale.rounds, contenders)
}

func newCallRun(ctx context.Context, work callWork, n, clients int, round time.Duration) *callRun {
	r := &callRun{orders: make([][]int, n), at: make([]int, n), round: round}
	random := rand.New(rand.NewChaCha8([32]byte{}))
	for i, client := range random.Perm(clients) {
		r.orders[i%n] = append(r.orders[i%n], client)
	}
	for range n {
		own, cancel := context.WithCancel(ctx) // as a request's is: what derives from it locks it
		r.cancels = append(r.cancels, cancel)
		r.calls = append(r.calls, work.worker(own))
	}
	return r
}

// turn lets the goroutines work for the length of a round, and returns the first error that one of them met.
func (r *callRun) turn() (memoryFigures, error) {
	failed := make([]error, len(r.calls))
	f := measure(len(r.calls), r.round, func(g int, stop *atomic.Bool) (made int) {
		call, order, at := r.calls[g], r.orders[g], r.at[g]
		for made == 0 || !stop.Load() {
			for range memoryBlock {
				if failed[g] = call(order[at]); failed[g] != nil {
					stop.Store(true)
					return made + 1
				}
				if at++; at == len(order) {
					at = 0
				}
			}
			made += memoryBlock
		}
		r.at[g] = at
		return made
	})
	return f, errors.Join(failed...)
}

func (r *callRun) end() {
	for _, cancel := range r.cancels {
		cancel()
	}
}

// besideAll are the lines that compare the score of our own, which is to be as fast as each of the libraries, and what a call of each allocates.
func besideAll(what string, own memoryScore, scores []memoryScore) []result {
	var lines []result
	for _, other := range scores {
		if other.library.kind == library {
			lines = append(lines, timesAsFast(what, other, own, target{ratioAtLeast, 1}))
		}
	}
	for _, s := range scores {
		lines = append(lines, result{what: what + ": allocations a call", measured: s.allocations, unit: decimal})
	}
	return lines
}

// takesAtMost is the line for what a caller waits at most. Where n of them call at once, a call takes an n-th of that.
func takesAtMost(what string, own memoryScore, nanos float64, n int) result {
	return result{what: what, measured: own.nanoseconds, unit: nanoseconds, target: target{valueAtMost, nanos / float64(n)}}
}
