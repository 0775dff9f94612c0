package main

import (
	"slices"
	"testing"
	"time"
)

func TestProcessesLoadOnceWithExclusiveAndEachWithoutIt(t *testing.T) {
	server := ownServer(t)
	const rounds = 2
	// The source takes so long that all have called by then, whatever else the machine does.
	all, err := crowdExclusively(t.Context(), server, rounds, loading{URL: server.url, Callers: 5, Source: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{{1, 1}, {exclusiveProcesses, exclusiveProcesses}} {
		if c := all[i]; !slices.Equal(c.loads.values, want) || slices.Min(c.took.values) < 0.5 {
			t.Errorf("%s: loads %v, want %v; they took %v s", c.loads.name, c.loads.values, want, c.took.values)
		}
	}
}
