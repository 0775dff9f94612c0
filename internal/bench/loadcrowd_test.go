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
		if err != nil || did.Loads != 5 || time.Duration(did.Ended-did.Began) != time.Second {
			t.Errorf("crowd = %+v, %v; want 5 loads in a second", did, err)
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
	got := asOne([]crowding{{Began: 5, Ended: 9, Loads: 1}, {Began: 4, Ended: 7}, {Began: 6, Ended: 10, Loads: 2}})
	if want := (crowding{Began: 4, Ended: 10, Loads: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOneRoundWithAnotherLoadMissesTheTarget(t *testing.T) {
	c := crowdings{loads: series{name: "ours"}}
	for _, n := range []int64{1, 1, 2} {
		c.add(crowding{Loads: n})
	}
	if r := c.most("callers", true); r.met() || r.verdict() != "≤ 1: **missed**" {
		t.Errorf("verdict %q", r.verdict())
	}
	if r := c.most("callers", false); r.verdict() != "" {
		t.Errorf("verdict %q without a target", r.verdict())
	}
}
