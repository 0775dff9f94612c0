package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestContendersTakeTurnsAndAnotherOneBeginsEachRound(t *testing.T) {
	var turns []string
	turn := func(name string) contender {
		return contender{name, func(_ context.Context, _, call int) error {
			if call == 0 {
				turns = append(turns, name)
			}
			return nil
		}}
	}
	s := scale{rounds: 3, round: time.Millisecond, goroutines: 1}
	got, err := s.race(t.Context(), turn("a"), turn("b"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "b", "a", "a", "b"}; !slices.Equal(turns, want) {
		t.Errorf("turns %q, want a warm-up and three rounds: %q", turns, want)
	}
	for i, name := range []string{"a", "b"} {
		if got[i].calls.name != name || len(got[i].calls.values) != 3 || len(got[i].allocations.values) != 3 {
			t.Errorf("figures %d: %+v, want three rounds of %q", i, got[i], name)
		}
	}
}

func TestThroughputIsWhatAllGoroutinesDoInASecondAndWhatACallAllocates(t *testing.T) {
	var calls atomic.Int64
	var kept sync.Map
	s := scale{rounds: 1, round: 100 * time.Millisecond, goroutines: 4}
	counted := contender{"", func(_ context.Context, goroutine, call int) error {
		calls.Add(1)
		for range 10 {
			kept.Store(goroutine, new([64]byte))
		}
		return nil
	}}
	perSecond, allocations, err := s.turn(t.Context(), counted)
	if err != nil {
		t.Fatal(err)
	}
	// The round is at least as long as it was told to be, and on a busy machine longer.
	if most := float64(calls.Load()) / s.round.Seconds(); perSecond > most || perSecond < most/50 {
		t.Errorf("%.0f calls a second of %d in %v", perSecond, calls.Load(), s.round)
	}
	// Storing allocates too.
	if allocations < 10 || allocations > 60 {
		t.Errorf("%.1f allocations a call, want the 10 objects and what storing them takes", allocations)
	}
}
