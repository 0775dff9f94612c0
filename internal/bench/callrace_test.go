package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// noting is a library whose calls note their client.
func noting(mu *sync.Mutex, seen map[int][]int) callLibrary {
	return callLibrary{"noting", ours, func(context.Context, int) (callWork, error) {
		goroutines := 0
		return callWork{close: func() error { return nil }, worker: func(context.Context) func(int) error {
			own := goroutines
			goroutines++
			return func(client int) error {
				mu.Lock()
				defer mu.Unlock()
				seen[client] = append(seen[client], own)
				return nil
			}
		}}, nil
	}}
}

func TestEachClientIsThatOfOneGoroutine(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[int][]int)
	b := &bench{scale: tiny(), progress: t.Output()}
	scores, err := b.raceCalls(t.Context(), "work", 2, []callLibrary{noting(&mu, seen)})
	if err != nil || scores[0].nanoseconds.values[0] <= 0 {
		t.Fatalf("scores %+v, %v", scores, err)
	}
	if len(seen) != tiny().keys {
		t.Errorf("%d clients called, want all %d", len(seen), tiny().keys)
	}
	for client, goroutines := range seen {
		slices.Sort(goroutines)
		if len(slices.Compact(goroutines)) != 1 {
			t.Errorf("client %d was that of several goroutines", client)
		}
	}
}

func TestACallThatFailsEndsTheRaceAndSaysWhose(t *testing.T) {
	broken := errors.New("broken")
	for name, l := range map[string]callLibrary{
		"a call": {"failing", ours, func(context.Context, int) (callWork, error) {
			return callWork{close: func() error { return nil }, worker: func(context.Context) func(int) error { return func(int) error { return broken } }}, nil
		}},
		"opening": {"failing", ours, func(context.Context, int) (callWork, error) { return callWork{}, broken }},
	} {
		b := &bench{scale: tiny(), progress: t.Output()}
		if _, err := b.raceCalls(t.Context(), "work", 2, []callLibrary{l}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "failing: ") {
			t.Errorf("%s: error %v, want one that names it", name, err)
		}
	}
}

func TestACallersContextEndsWithTheRun(t *testing.T) {
	var ended func() error
	work := callWork{worker: func(ctx context.Context) func(int) error {
		ended = ctx.Err
		return func(int) error { return ctx.Err() }
	}}
	r := newCallRun(t.Context(), work, 1, 3, time.Millisecond)
	if _, err := r.turn(); err != nil {
		t.Errorf("a turn: %v", err)
	}
	if r.end(); ended() == nil {
		t.Error("its context goes on after the end")
	}
}

func TestTheTargetIsThatOfTheOneWhoWaits(t *testing.T) {
	own := scored("ours", memoryTraits{}, ours, 200)
	for n, want := range map[int]bool{1: true, 2: false} {
		if r := takesAtMost("a decision", own, 300, n); r.met() != want {
			t.Errorf("%d at once: %s", n, r.verdict())
		}
	}
	lines := besideAll("a decision", own, []memoryScore{own, scored("other", memoryTraits{}, library, 100)})
	if len(lines) != 3 || lines[0].base.name != "other" || lines[0].met() {
		t.Errorf("beside another that is twice as fast: %+v", lines)
	}
}
