package main

import (
	"context"
	"slices"
	"time"
)

// alternate lets one goroutine call the contenders in turn, call by call, and returns the median of each round's calls, in seconds. Where the
// system places the processes changes what a round trip costs by a factor, and it changes at any time: from one call to the
// next it hits all contenders. The first round warms up and does not count.
func (s scale) alternate(ctx context.Context, contenders ...contender) ([]series, error) {
	all := make([]series, len(contenders))
	for i, c := range contenders {
		all[i].name = c.name
	}
	for round := range 1 + s.rounds {
		taken := make([]latencies, len(contenders))
		call := 0
		for end := time.Now().Add(s.round); call == 0 || time.Now().Before(end); call++ {
			for i, c := range contenders {
				begin := time.Now()
				if err := c.call(ctx, 0, call); err != nil {
					return nil, err
				}
				taken[i].add(time.Since(begin))
			}
		}
		for i := range contenders {
			if round > 0 {
				all[i].add(taken[i].summary().Median)
			}
		}
	}
	return all, nil
}

// latencies are times that calls took, in seconds.
type latencies struct{ taken []float64 }

func (l *latencies) add(d time.Duration) { l.taken = append(l.taken, d.Seconds()) }

func (l *latencies) reset() { l.taken = l.taken[:0] }

// A summary of latencies, in seconds.
type summary struct {
	Calls       int
	Median, P99 float64
}

func (l *latencies) summary() summary {
	slices.Sort(l.taken)
	return summary{Calls: len(l.taken), Median: percentile(l.taken, 50), P99: percentile(l.taken, 99)}
}
