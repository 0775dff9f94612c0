package main

import (
	"strings"
	"testing"
)

func TestTheTableIsMarkdownAlignedForThoseWhoReadItAsItIs(t *testing.T) {
	results := []result{{
		what: "Get", unit: perSecond, target: target{ratioAtLeast, 0.95},
		base: series{"other", []float64{1000, 2000, 3000}}, measured: series{"ours", []float64{900, 2000, 3300}},
	}, {
		what: "one round", unit: microseconds,
		base: series{"at rest", []float64{50e-6}}, measured: series{"during", []float64{75e-6}},
	}, {
		what: "alone", unit: seconds, measured: series{"Clear", []float64{2.5}},
	}}
	const want = `
| what      | compared with  | measured      | ratio               | target      |
| --------- | -------------- | ------------- | ------------------- | ----------- |
| Get       | other: 2,000/s | ours: 2,000/s | 1.00 (0.90 to 1.10) | ≥ 0.95: met |
| one round | at rest: 50 µs | during: 75 µs | 1.50                |             |
| alone     |                | Clear: 2.5 s  |                     |             |
`
	var got strings.Builder
	if err := writeTable(&got, results); err != nil {
		t.Fatal(err)
	}
	if got.String() != strings.TrimPrefix(want, "\n") {
		t.Errorf("the table is\n%s\nwant%s", got.String(), want)
	}
}
