package main

import (
	"math"
	"math/bits"
)

// A histogram counts times in nanoseconds, in 32 steps for each power of two: what it tells is at most 3 % too much. It never allocates.
type histogram struct {
	counts [64 * histogramSteps]uint64
	total  uint64
	most   int64
}

const (
	histogramBits  = 5
	histogramSteps = 1 << histogramBits
)

func (h *histogram) add(nanoseconds int64) {
	h.counts[histogramStep(uint64(max(nanoseconds, 0)))]++
	h.total++
	h.most = max(h.most, nanoseconds)
}

// histogramStep is where a number is counted: small ones by themselves, others by their first 6 bits and their length.
func histogramStep(n uint64) int {
	shift := max(bits.Len64(n)-histogramBits-1, 0)
	return shift<<histogramBits + int(n>>shift)
}

// histogramTop is the greatest number that the step counts.
func histogramTop(step int) uint64 {
	shift := max(step>>histogramBits-1, 0)
	return uint64(step-shift<<histogramBits+1)<<shift - 1
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.most = max(h.most, other.most)
}

// percentile is the least time that p percent of the calls did not exceed, in nanoseconds. Of no calls it is NaN.
func (h *histogram) percentile(p float64) float64 {
	if h.total == 0 {
		return math.NaN()
	}
	rank, seen := uint64(math.Ceil(p/100*float64(h.total))), uint64(0)
	for step, n := range h.counts {
		if seen += n; seen >= max(rank, 1) {
			return min(float64(histogramTop(step)), float64(h.most))
		}
	}
	return float64(h.most)
}
