package main

import (
	"math"
	"testing"
)

func TestTheRatioIsTheMedianOfTheRoundsOwn(t *testing.T) {
	// The machine was ten times as slow in the second half: the medians' ratio would be 10.
	r := result{
		base:     series{values: []float64{100, 100, 10, 10, 10}},
		measured: series{values: []float64{100, 200, 10, 20, 10}},
	}
	middle, low, high := r.ratio()
	if middle != 1 || low != 1 || high != 2 {
		t.Errorf("ratio = %v (%v to %v), want 1 (1 to 2)", middle, low, high)
	}
}

func TestAnInverseRatioSaysHowManyTimesAsFast(t *testing.T) {
	r := result{base: series{values: []float64{50}}, measured: series{values: []float64{2}}, inverse: true}
	if middle, _, _ := r.ratio(); middle != 25 {
		t.Errorf("ratio = %v, want 25", middle)
	}
}

func TestWithNothingToCompareWithThereIsNoRatio(t *testing.T) {
	r := result{measured: series{values: []float64{2}}}
	if middle, low, high := r.ratio(); !math.IsNaN(middle) || !math.IsNaN(low) || !math.IsNaN(high) {
		t.Errorf("ratio = %v (%v to %v), want none", middle, low, high)
	}
}

func TestVerdict(t *testing.T) {
	against := func(base, measured float64, to target) result {
		return result{base: series{"a", []float64{base}}, measured: series{"b", []float64{measured}}, unit: seconds, target: to}
	}
	for _, c := range []struct {
		name string
		r    result
		want string
	}{
		{"none where there is no target", against(1, 5, target{}), ""},
		{"a ratio at its least", against(100, 95, target{ratioAtLeast, 0.95}), "≥ 0.95: met"},
		{"a ratio below its least", against(100, 94, target{ratioAtLeast, 0.95}), "≥ 0.95: **missed**"},
		{"a ratio at its most", against(2, 3, target{ratioAtMost, 1.5}), "≤ 1.5: met"},
		{"a ratio above its most", against(2, 3.1, target{ratioAtMost, 1.5}), "≤ 1.5: **missed**"},
		{"a value at its most", against(0, 30, target{valueAtMost, 30}), "≤ 30.0 s: met"},
		{"a value above its most", against(0, 30.1, target{valueAtMost, 30}), "≤ 30.0 s: **missed**"},
		{"what is no number", result{target: target{ratioAtMost, 1.5}}, "≤ 1.5: **missed**"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.r.verdict(); got != c.want {
				t.Errorf("verdict = %q, want %q", got, c.want)
			}
		})
	}
}

func TestThousandsAreGrouped(t *testing.T) {
	for v, want := range map[float64]string{0: "0", -0.2: "0", 999.4: "999", 999.6: "1,000", 12345: "12,345", 1e6: "1,000,000", -1234: "-1,234"} {
		if got := group(v); got != want {
			t.Errorf("group(%v) = %q, want %q", v, got, want)
		}
	}
}
