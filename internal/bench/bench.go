package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// scale says how much work the comparisons do.
type scale struct {
	rounds int           // turns of each contender that count
	round  time.Duration // length of a turn

	goroutines int   // that do operations at once, or connections
	crowds     []int // the same, where it is measured what their number does
	keys       int   // that operations are spread over
	many       int   // keys of one GetMany
	told       int   // writes that another process is to see

	clears  int           // that count
	lap     time.Duration // how long reads at rest are measured before each
	own     int           // keys that Clear removes
	foreign int           // keys beside them

	small, middle, large int   // entries of the stores in memory
	scanned              []int // entries of those that are compared with looking at every one
	heapBytes            int64 // the limit that is compared with the heap
	heapSets             int
	fresh                int // keys, at least, where new ones are set: more than any store holds by mistake

	fileBytes int // of the values together in a store in files: as many entries as make that, keys at most
	entries   int // of the stores in files that are opened

	callers int // of a cold key at once
}

func defaultScale() scale {
	return scale{
		rounds: 31, round: 300 * time.Millisecond,
		goroutines: 64, crowds: []int{1, 64, 512}, keys: 10_000, many: 500, told: 2000,
		clears: 5, lap: 2 * time.Second, own: 100_000, foreign: 1_000_000,
		small: 10_000, middle: 100_000, large: 1_000_000,
		scanned: []int{1_000, 100_000}, heapBytes: 256 << 20, heapSets: 10_000_000, fresh: 1_000_000,
		fileBytes: 100 << 20, entries: 1_000_000,
		callers: 1000,
	}
}

// bench is one run of the program: its scale, and what the comparisons share.
type bench struct {
	scale    scale
	progress io.Writer
	redis    *redisServer // nil until a comparison needs it
	notes    []string     // what else the figures depend on

	tables []memoryTable // of what the lines of the one table leave out
	chart  chart
}

// logf tells whoever waits for the table how far it is.
func (b *bench) logf(format string, args ...any) {
	fmt.Fprintf(b.progress, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// server returns the run's Redis, which the first caller starts.
func (b *bench) server(ctx context.Context) (*redisServer, error) {
	if b.redis != nil {
		return b.redis, nil
	}
	s, err := startRedis(ctx)
	if err != nil {
		return nil, err
	}
	b.redis = s
	return s, nil
}

// surroundings says what the figures were measured on.
func (b *bench) surroundings(ctx context.Context) []string {
	lines := machine()
	if b.redis != nil {
		lines = append(lines, "Redis: "+b.redis.describe(ctx))
	}
	return append(lines, b.notes...)
}

// note has the surroundings say so, once.
func (b *bench) note(line string) {
	if !slices.Contains(b.notes, line) {
		b.notes = append(b.notes, line)
	}
}

func (b *bench) close(ctx context.Context) error {
	if b.redis == nil {
		return nil
	}
	err := b.redis.stop(ctx)
	b.redis = nil
	if err != nil {
		return fmt.Errorf("stop Redis: %w", err)
	}
	return nil
}
