package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestACrowdCallsAtOnceAndCountsTheLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := &source{takes: time.Second}
		from.loads.Store(7) // of an earlier round
		did, err := crowd(t.Context(), 5, from, from.load)
		if err != nil || did.Callers != 5 || did.Loads != 5 || time.Duration(did.Ended-did.Began) != time.Second || did.Allocations < 5 {
			t.Errorf("crowd = %+v, %v; want 5 callers and loads in a second, and an allocation each", did, err)
		}
	})
}

func TestACrowdFailsWithOneOfItsCallers(t *testing.T) {
	from, broken := &source{}, errors.New("broken")
	for _, c := range []struct {
		name string
		last func() ([]byte, error)
		want error
	}{
		{"an error", func() ([]byte, error) { return nil, broken }, broken},
		{"no value", func() ([]byte, error) { return nil, nil }, nil},
	} {
		var calls atomic.Int64
		_, err := crowd(t.Context(), 3, from, func(ctx context.Context) ([]byte, error) {
			if calls.Add(1) == 3 {
				return c.last()
			}
			return from.load(ctx)
		})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

func TestASourceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&source{takes: time.Hour}).load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSeveralCrowdsAreOneFromTheFirstCallToTheLastValue(t *testing.T) {
	got := asOne([]crowding{{2, 5, 9, 1, 10}, {3, 4, 7, 0, 20}, {4, 6, 10, 2, 30}})
	if want := (crowding{9, 4, 10, 3, 60}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOneRoundWithAnotherLoadMissesTheTarget(t *testing.T) {
	c := newCrowdings("ours")
	for i, loads := range []int64{1, 1, 2} {
		c.add(crowding{Callers: 4, Began: 7, Ended: 7 + int64(i+1)*1e9, Loads: loads, Allocations: 20})
	}
	lines := c.results("callers", time.Second, target{valueAtMost, 1}, target{valueAtMost, 1.2})
	for i, want := range []string{"≤ 1: **missed**", "", "≤ 1.20: **missed**", ""} {
		if lines[i].verdict() != want {
			t.Errorf("%s: verdict %q, want %q", lines[i].what, lines[i].verdict(), want)
		}
	}
	for i, want := range []float64{2, 2, 2, 5} { // the most loads, and the middle of the others
		if got := median(lines[i].measured.values); got != want {
			t.Errorf("%s: %v, want %v", lines[i].what, got, want)
		}
	}
	if lines := c.results("callers", time.Second, target{}, target{}); lines[0].verdict() != "" || lines[2].verdict() != "" {
		t.Errorf("verdicts %q and %q without a target", lines[0].verdict(), lines[2].verdict())
	}
}
