package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMemoryContendersTakeTurnsAndTheFirstRoundDoesNotCount(t *testing.T) {
	var turns []string
	contenderOf := func(name string) memoryContender {
		return memoryContender{library: memoryLibrary{name: name}, turn: func() (memoryFigures, error) {
			turns = append(turns, name)
			return memoryFigures{Nanoseconds: float64(len(turns)), Allocations: 2, Reads: 4, Hits: 3}, nil
		}}
	}
	scores, err := takeTurns(t.Context(), 3, []memoryContender{contenderOf("a"), contenderOf("b")})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "a", "b", "b", "a", "a", "b"}; !slices.Equal(turns, want) {
		t.Errorf("turns %q, want a warm-up and three rounds: %q", turns, want)
	}
	a := scores[0]
	if a.nanoseconds.name != "a" || !slices.Equal(a.nanoseconds.values, []float64{3, 6, 7}) ||
		!slices.Equal(a.allocations.values, []float64{2, 2, 2}) || !slices.Equal(a.hits.values, []float64{0.75, 0.75, 0.75}) {
		t.Errorf("figures of a: %+v", a)
	}
}

func TestAContenderThatFailsEndsTheRace(t *testing.T) {
	broken := errors.New("broken")
	_, err := takeTurns(t.Context(), 3, []memoryContender{{turn: func() (memoryFigures, error) { return memoryFigures{}, broken }}})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestAnEndedContextEndsTheRace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := takeTurns(ctx, 3, []memoryContender{{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func scored(name string, traits memoryTraits, kind memoryKind, nanoseconds ...float64) memoryScore {
	return memoryScore{library: memoryLibrary{name: name, kind: kind, traits: traits}, nanoseconds: series{name, nanoseconds}}
}

func TestTheBestIsTheLowestMedianOfItsKind(t *testing.T) {
	scores := []memoryScore{
		scored("ours", memoryTraits{copies: true, appends: true}, ours, 1, 1, 1),
		scored("a", memoryTraits{copies: true}, library, 20, 30, 40),
		scored("b", memoryTraits{copies: true, appends: true}, library, 5, 31, 32),
		scored("c", memoryTraits{}, library, 9, 10, 11),
		scored("d", memoryTraits{}, library, 8, 11, 12),
		scored("map", memoryTraits{}, boundary, 2, 2, 2),
	}
	for _, c := range []struct {
		name   string
		chosen func(memoryLibrary) bool
		want   string
	}{
		{"that copies", copying, "a"},
		{"that appends", appending, "b"},
		{"that shares", sharing, "c"},
		{"of none", func(memoryLibrary) bool { return false }, ""},
	} {
		if got := best(scores, c.chosen).library.name; got != c.want {
			t.Errorf("the best %s is %q, want %q", c.name, got, c.want)
		}
	}
	if got := score(scores, "b").nanoseconds.name; got != "b" {
		t.Errorf("the score of b is that of %q", got)
	}
	if got := only(scores, copying); len(got) != 3 || got[0].library.name != "ours" || got[2].library.name != "b" {
		t.Errorf("ours and those that copy: %+v", got)
	}
}

func TestTimesAsFastIsTheOthersTimeByOurs(t *testing.T) {
	r := timesAsFast("Get", scored("other", memoryTraits{}, library, 30), scored("ours", memoryTraits{}, ours, 10), target{ratioAtLeast, 3})
	if middle, _, _ := r.ratio(); middle != 3 || !r.met() {
		t.Errorf("ratio %v, met: %t", middle, r.met())
	}
}

func TestOneAllocationInAHundredCallsIsTooMany(t *testing.T) {
	for perCall, want := range map[float64]bool{0: true, 0.004: true, 0.01: false, 1: false} {
		if r := allocates("Get", memoryScore{allocations: series{values: []float64{perCall}}}); r.met() != want {
			t.Errorf("%v a call: %s", perCall, r.verdict())
		}
	}
}

func TestADifferenceIsTakenRoundByRound(t *testing.T) {
	d := difference(series{"a", []float64{5, 7, 9}}, series{"b", []float64{1, 9}})
	if d.name != "a" || !slices.Equal(d.values, []float64{4, -2}) {
		t.Errorf("difference %+v", d)
	}
}

func TestAContenderOfItsOwnProcessDoesTheSameTask(t *testing.T) {
	l := memoryLibraries()[0]
	c, err := openApart(t.Context(), l, memoryTask{Store: l.name, Work: workGet, Capacity: 100, Cores: 1, Round: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if f, err := c.turn(); err != nil || f.Nanoseconds <= 0 || f.Reads == 0 || f.Hits != f.Reads {
			t.Errorf("a turn: %+v, %v", f, err)
		}
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

func TestAContenderThatCannotBeginSaysSo(t *testing.T) {
	c, err := openApart(t.Context(), memoryLibrary{name: "none"}, memoryTask{Store: "none", Work: workGet, Capacity: 100, Cores: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.turn(); err == nil || !strings.HasPrefix(err.Error(), "none: ") {
		t.Errorf("error %v, want one that names it", err)
	}
	if err := c.close(); err == nil {
		t.Error("it ended as if nothing were wrong")
	}
}
