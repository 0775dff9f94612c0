package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASummaryDoesNotCareInWhatOrderTheCallsCame(t *testing.T) {
	var l latencies
	for i := 200; i > 0; i-- {
		l.add(time.Duration(i) * time.Second)
	}
	if got, want := l.summary(), (summary{Calls: 200, Median: 100, P99: 198}); got != want {
		t.Errorf("summary %+v, want %+v", got, want)
	}
}

func TestAlternatingContendersAreCalledInTurnAndTheFirstRoundDoesNotCount(t *testing.T) {
	var calls []string
	called := func(name string) contender {
		return contender{name, func(_ context.Context, _, call int) error {
			calls = append(calls, name)
			return nil
		}}
	}
	s := scale{rounds: 3, round: time.Nanosecond} // over after one call of each
	got, err := s.alternate(t.Context(), called("a"), called("b"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "a", "b", "a", "b"}; !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q", calls, want)
	}
	for i, name := range []string{"a", "b"} {
		if got[i].name != name || len(got[i].values) != 3 {
			t.Errorf("series %d: %q with %d rounds, want %q with 3", i, got[i].name, len(got[i].values), name)
		}
	}
}

func TestAContendersErrorEndsTheComparisonAndNamesIt(t *testing.T) {
	broken := errors.New("broken")
	fine := contender{"fine", func(context.Context, int, int) error { return nil }}
	breaks := contender{"breaks", func(_ context.Context, _, call int) error {
		if call == 1 {
			return broken
		}
		return nil
	}}
	// Only the error ends a round of an hour.
	s := scale{rounds: 1, round: time.Hour, goroutines: 2}
	_, ofAlternate := s.alternate(t.Context(), fine, breaks)
	_, ofRace := s.race(t.Context(), breaks)
	for name, err := range map[string]error{"alternate": ofAlternate, "race": ofRace} {
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "breaks: ") {
			t.Errorf("%s: error %v, want one that is %v and names the contender", name, err, broken)
		}
	}
}
