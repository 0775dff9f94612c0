package main

import (
	"math"
	"strings"
	"testing"
)

func TestAMemoryTableHasALineForEachContender(t *testing.T) {
	table := memoryTable{name: "memory/get", libraries: memoryLibraries()[:2]}
	fast, slow := memoryScore{library: memoryLibraries()[0]}, memoryScore{library: memoryLibraries()[1]}
	fast.nanoseconds.values, slow.nanoseconds.values = []float64{10, 20, 30, 40, 50}, []float64{7, 7, 7}
	fast.hits.values, slow.hits.values = []float64{0.5}, []float64{math.NaN()}
	table.add("Get", []memoryScore{fast, slow})
	table.addHits("Get", []memoryScore{fast, slow})
	const want = `
memory/get

|           | copies | lifetime a key | limit   | Get: ns a call      | Get: found |
| --------- | ------ | -------------- | ------- | ------------------- | ---------- |
| memstore  | yes    | yes            | entries | 30.0 (20.0 to 40.0) | 50.0 %     |
| fastcache | yes    | no             | bytes   | 7.0                 |            |
`
	var got strings.Builder
	if err := table.write(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("the table is%s\nwant%s", got.String(), want)
	}
}
