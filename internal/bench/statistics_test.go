package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"of one value is that value", []float64{3}, 3},
		{"is the value in the middle, in whatever order they come", []float64{9, 1, 5}, 5},
		{"is the mean of the two in the middle", []float64{4, 1, 100, 2}, 3},
		{"does not care how far out the others are", []float64{1, 2, 1e9}, 2},
		{"of no values is no number", nil, math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.values)
			if got := median(c.values); !same(got, c.want) {
				t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
			}
			if !slices.Equal(c.values, before) {
				t.Errorf("the values are %v afterwards, want them as they were: %v", c.values, before)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		name   string
		sorted []float64
		p      float64
		want   float64
	}{
		{"99 of a hundred is the last but one", hundred, 99, 99},
		{"50 of a hundred is the 50th", hundred, 50, 50},
		{"100 is the greatest", hundred, 100, 100},
		{"0 is the least", hundred, 0, 1},
		{"rounds the rank up: 99 of ten is the greatest", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 99, 10},
		{"25 of five is the second", []float64{1, 2, 3, 4, 5}, 25, 2},
		{"75 of five is the fourth", []float64{1, 2, 3, 4, 5}, 75, 4},
		{"of one value is that value", []float64{7}, 99, 7},
		{"of no values is no number", nil, 99, math.NaN()},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := percentile(c.sorted, c.p); !same(got, c.want) {
				t.Errorf("percentile(…, %v) = %v, want %v", c.p, got, c.want)
			}
		})
	}
}

func TestQuotientsGoAsFarAsThereAreBoth(t *testing.T) {
	if got, want := quotients([]float64{1, 6, 9}, []float64{2, 3}), []float64{0.5, 2}; !slices.Equal(got, want) {
		t.Errorf("quotients = %v, want %v", got, want)
	}
}

// same tells whether two numbers are equal, or both none.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
