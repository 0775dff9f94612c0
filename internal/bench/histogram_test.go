package main

import (
	"math"
	"testing"
)

func TestAHistogramsPercentilesAreThreePercentTooMuchAtMost(t *testing.T) {
	var h histogram
	for i := range int64(100_000) {
		h.add(i + 1)
	}
	for _, p := range []float64{0.001, 1, 50, 99, 99.9, 100} {
		exact := math.Ceil(p / 100 * 100_000)
		if got := h.percentile(p); got < exact || got > exact*1.032 {
			t.Errorf("percentile %v is %v, want %v", p, got, exact)
		}
	}
}

func TestEveryNumberIsCountedInAStepThatHoldsIt(t *testing.T) {
	before := 0
	for _, n := range []uint64{0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 1 << 20, 1<<20 + 1, 1 << 40, math.MaxInt64} {
		step := histogramStep(n)
		if top := histogramTop(step); top < n || float64(top) > 1.032*float64(n)+1 {
			t.Errorf("%d is counted in a step up to %d", n, top)
		}
		if step < before {
			t.Errorf("%d is counted below a smaller number", n)
		}
		if n > 0 && histogramTop(histogramStep(n)-1) >= n {
			t.Errorf("the step below that of %d holds it too", n)
		}
		before = step
	}
}

func TestHistogramsAreMerged(t *testing.T) {
	var a, b histogram
	a.add(10)
	b.add(20)
	b.add(-5) // a clock's fault
	a.merge(&b)
	if a.total != 3 || a.most != 20 || a.percentile(50) != 10 || a.percentile(100) != 20 || a.percentile(1) != 0 {
		t.Errorf("%d calls up to %d, median %v", a.total, a.most, a.percentile(50))
	}
}

func TestAHistogramOfNothingHasNoPercentile(t *testing.T) {
	if got := new(histogram).percentile(50); !math.IsNaN(got) {
		t.Errorf("percentile %v", got)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	h := new(histogram)
	if n := testing.AllocsPerRun(100, func() { h.add(12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
