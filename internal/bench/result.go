package main

import (
	"fmt"
	"math"
	"slices"
)

// A result is one line of the table: what was measured, and what it is compared with.
type result struct {
	what     string
	base     series // empty where there is nothing to compare with
	measured series
	unit     func(float64) string
	inverse  bool // the ratio is base to measured: how many times as fast
	target   target
}

// A series is one contender's figures, one for each round. Rounds of the same index took turns.
type series struct {
	name   string
	values []float64
}

func (s *series) add(value float64) { s.values = append(s.values, value) }

// A target is what a result is to reach. The zero value is none.
type target struct {
	kind  targetKind
	bound float64
}

type targetKind int

const (
	noTarget targetKind = iota
	ratioAtLeast
	ratioAtMost
	valueAtMost // of the median that was measured
)

// ratio is the median of the rounds' own ratios, and the values that the middle half of them lies between. Within a round both had the same
// machine, so these say more than the ratio of two medians. All are NaN where there is nothing to compare with.
func (r result) ratio() (middle, low, high float64) {
	over, under := r.measured.values, r.base.values
	if r.inverse {
		over, under = under, over
	}
	each := quotients(over, under)
	slices.Sort(each)
	return median(each), percentile(each, 25), percentile(each, 75)
}

// met tells whether the target was reached. What is no number reaches none.
func (r result) met() bool {
	ratio, _, _ := r.ratio()
	switch r.target.kind {
	case ratioAtLeast:
		return ratio >= r.target.bound
	case ratioAtMost:
		return ratio <= r.target.bound
	case valueAtMost:
		return median(r.measured.values) <= r.target.bound
	}
	return true
}

// verdict is the target and whether it was reached, as the table has it.
func (r result) verdict() string {
	if r.target.kind == noTarget {
		return ""
	}
	bound := fmt.Sprintf("%.4g", r.target.bound)
	sign := "≤"
	switch r.target.kind {
	case ratioAtLeast:
		sign = "≥"
	case valueAtMost:
		bound = r.unit(r.target.bound)
	}
	if r.met() {
		return sign + " " + bound + ": met"
	}
	return sign + " " + bound + ": **missed**"
}

// Units.

func perSecond(v float64) string { return group(v) + "/s" }

func decimal(v float64) string { return fmt.Sprintf("%.1f", v) }

func microseconds(v float64) string { return fmt.Sprintf("%.0f µs", v*1e6) }

func milliseconds(v float64) string { return fmt.Sprintf("%.2f ms", v*1e3) }

func hundredths(v float64) string { return fmt.Sprintf("%.2f", v) }

func nanoseconds(v float64) string { return fmt.Sprintf("%.1f ns", v) }

func microNano(v float64) string { return fmt.Sprintf("%.2f µs", v/1e3) } // of nanoseconds

func milliNano(v float64) string { return fmt.Sprintf("%.2f ms", v/1e6) } // of nanoseconds

func byteCount(v float64) string { return fmt.Sprintf("%.1f B", v) }

func mebibytes(v float64) string { return fmt.Sprintf("%.0f MiB", v/(1<<20)) }

func percents(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }

func seconds(v float64) string { return fmt.Sprintf("%.1f s", v) }

// group writes a whole number with a comma between thousands.
func group(v float64) string {
	digits := fmt.Sprintf("%.0f", math.Abs(v))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if v <= -0.5 {
		return "-" + digits
	}
	return digits
}
