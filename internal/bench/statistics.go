package main

import (
	"math"
	"slices"
)

// median is the middle of the values, or the mean of the two in the middle. Of no values it is NaN.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// percentile is the smallest of the sorted values that p percent of them do not exceed (the nearest rank). Of no values it is NaN.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// quotients divides the values one by one, as far as there are both.
func quotients(over, under []float64) []float64 {
	q := make([]float64, min(len(over), len(under)))
	for i := range q {
		q[i] = over[i] / under[i]
	}
	return q
}
