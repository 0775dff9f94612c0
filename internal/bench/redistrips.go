package main

import (
	"context"
	"fmt"
	"strconv"
)

// roundTrips has one goroutine call the contender n times on a connection that it has made before, and returns how often a call had the server read what a client sent: what waits
// for an answer before it sends more is read once more.
func (s *redisServer) roundTrips(ctx context.Context, c contender, n int) (float64, error) {
	if err := c.call(ctx, 0, 0); err != nil { // connects, and the server learns the script
		return 0, err
	}
	before, err := s.reads(ctx)
	if err != nil {
		return 0, err
	}
	for i := range n {
		if err := c.call(ctx, 0, i); err != nil {
			return 0, err
		}
	}
	after, err := s.reads(ctx)
	return float64(after-before-1) / float64(n), err // less one for asking
}

// reads is how often the server has read from clients.
func (s *redisServer) reads(ctx context.Context) (int64, error) {
	info, err := s.control.Info(ctx, "stats").Result()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(field(info, "total_reads_processed"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the server does not tell how often it has read: %w", err)
	}
	return n, nil
}

// tripsOf is the line for how many round trips a call of ours makes, which is to be one.
func (s *redisServer) tripsOf(ctx context.Context, what string, own contender, n int) (result, error) {
	trips, err := s.roundTrips(ctx, own, n)
	return result{what: what + ": round trips", measured: series{own.name, []float64{trips}}, unit: hundredths, target: target{valueAtMost, 1}}, err
}

// raceRedis lets the contenders, of which ours come after the library, take turns with each crowd of goroutines, and then counts the round trips of each.
func (b *bench) raceRedis(ctx context.Context, s *redisServer, what string, other contender, own ...contender) ([]result, error) {
	var results []result
	all := append([]contender{other}, own...)
	for _, goroutines := range b.scale.crowds {
		line := fmt.Sprintf("%s, goroutines: %d", what, goroutines)
		b.logf("%s", line)
		scale := b.scale
		scale.goroutines = goroutines
		f, err := scale.race(ctx, all...)
		if err != nil {
			return nil, err
		}
		for _, o := range f[1:] {
			results = append(results,
				result{what: line, base: f[0].calls, measured: o.calls, unit: perSecond, target: target{ratioAtLeast, 1}},
				result{what: line + ": allocations a call", base: f[0].allocations, measured: o.allocations, unit: decimal})
		}
	}
	for i, c := range all {
		line, err := s.tripsOf(ctx, what, c, b.scale.many)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			line.target = target{}
		}
		results = append(results, line)
	}
	return results, nil
}
