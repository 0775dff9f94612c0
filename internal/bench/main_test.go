package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also the reader, the contender and the like: a run starts its own executable, which is the test's here.
func TestMain(m *testing.M) {
	if isChild(os.Args[1:]) {
		os.Exit(run(context.Background(), os.Args[1:], scale{}, os.Stdin, os.Stdout, os.Stderr))
	}
	// Under the race detector each of the many processes would rest for a second before it ends.
	if err := os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// tiny is a scale that takes no time and proves nothing.
func tiny() scale {
	return scale{
		rounds: 1, round: 20 * time.Millisecond,
		goroutines: 4, crowds: []int{1, 4}, keys: 10, many: 10, told: 5,
		clears: 1, lap: 20 * time.Millisecond, own: 200, foreign: 2_000,
		small: 200, middle: 300, large: 1_000, scanned: []int{100, 400}, heapBytes: 4 << 20, heapSets: 2_000,
		fileBytes: 3 << 20, entries: 300,
		callers: 8,
	}
}

func TestARunMeasuresEverythingAndPrintsOneTable(t *testing.T) {
	var out, problems bytes.Buffer
	svg := filepath.Join(t.TempDir(), "memory.svg")
	if code := run(t.Context(), []string{"-rounds", "2", "-svg", svg}, tiny(), strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("exit code %d, want 0:\n%s", code, &problems)
	}
	for _, want := range []string{
		"Machine: ", "Go: go1.", "Redis: ", "Load: wrk ", "nginx: ", "    go run -C internal/bench . -rounds 2 -svg ",
		"| Get, 128 B, goroutines: 4 ", "| rueidis: ", "| Set, 1024 B, goroutines: 1: allocations a call ",
		"| GetAppend of tierstore: ", "another process' eyes, at rest ", "| an operation on a dead server, ", "| 10 keys of 128 B, one goroutine: times as fast ",
		"| Clear of 200 keys among 2,000 others, ", "| Clear: ", "| beside Clear: ", "| another client's GET, 99th percentile ",
		"| a hit without a network, 64 KiB, in Echo: allocations a call ", "| httpcache: ", "| a hit through Echo, 1 KiB ", "| Echo and httpcache: ",
		"| a hit through a proxy, 64 KiB ", "| cacheproxy: ",
		"| GetAppend, permanent, 1,000 entries, 2 cores: times as fast ", "| Get, 200 entries, 2 cores: times as fast ",
		"| Set of a new key, 300 entries, 1 core: allocations a call ", "| O(n) scan: ", "| Set of a key that is there, 300 entries, 2 cores: ",
		"reads that find their entry ", "| sturdyc: ", "| empty heap: ", "| MaxBytes: 4 MiB ", "| gone after: ", "still there after 60 s ", "| cache, OnEvent: ",
		"| Get, 1 KiB, goroutines: 2: allocations a call ", "| filestore, first read: ", "| Set of a new key, 64 KiB, durability file ",
		"| Clear of 200 entries of 100 B: times as fast ", "| open and first Get, 300 entries: times as fast ",
		"| a hit, 128 B of the caller's own, 2 cores: times as fast ", "| otter and a copy: ", "| For, no-op codec: ", "| a hit, a struct, 1 core: times as fast ", "| theine, a Go value: ", "| otter and JSON: ",
		"| a hit of 128 B beyond the store's Get, 200 entries, 1 core ", "| GetOrLoad, StaleFor: ", "| GetOrLoad, OnEvent: ", "1 core: allocations a call ",
		"| 8 callers of a cold key, a source of 20ms: loads, the most of a round ", "| singleflight around go-redis: ", ": the last is done, in source times ",
		"| 8 callers of a cold key, a source of 20ms, the last is done: times as fast ", "| sturdyc and a copy: ", ": allocations a caller ",
		"| 4 processes with 2 callers each, a source of 200ms: loads, the most of a round ", "| Exclusive: 1 ", ": loads, the fewest of a round ", "| not Exclusive: ",
		"| a request that is let through, 2 cores: times as fast ", "| httprate: ", "| a decision alone, 1 core ", "| Take over memstore: ", "| a refusal alone, 2 cores: allocations a call ",
		"| a request that is refused, 1 core: times as fast ", "| a decision on Redis, goroutines: 4 ", "| redis_rate: ", "| a decision on Redis: round trips ",
		"| a session's value, 2 cores: times as fast ", "| scs: ", "| a session's user, 1 core ", "| no session, 1 core: times as fast ", "| a session's value changed, 2 cores: allocations a call ",
		"| a session's value on Redis, goroutines: 1 ", "| a session's value on Redis: round trips ",
		"\nload/hit, a struct\n", "\nload/over\n", "\nmemory/append\n", "\n| golang-lru   | no     | no             | entries       |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output has no %q:\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "| what "); n != 1 {
		t.Errorf("there are %d tables, want one", n)
	}
	if drawn, err := os.ReadFile(svg); err != nil || strings.Count(string(drawn), ">memstore<") != 8 {
		t.Errorf("the picture has not seven groups and the legend: %v\n%s", err, drawn)
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("a figure is no number:\n%s", &out)
	}
}

func TestWhatWasKeptIsDrawnWithoutMeasuringAgain(t *testing.T) {
	figures, svg := filepath.Join(t.TempDir(), "c.json"), filepath.Join(t.TempDir(), "c.svg")
	if err := someChart().save("", figures); err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"-from", figures, "-svg", svg}, tiny(), strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("exit code %d: %s", code, &problems)
	}
	if text, err := os.ReadFile(svg); err != nil || string(text) != drawn(someChart()) || out.Len()+problems.Len() != 0 {
		t.Errorf("it drew another picture, or %v; it printed %q and said %q", err, &out, &problems)
	}
	if code := run(t.Context(), []string{"-from", figures + "x"}, tiny(), strings.NewReader(""), &out, &problems); code != 1 {
		t.Errorf("exit code %d without the file, want 1", code)
	}
}

func TestAWrongCommandLineIsSaidAndMeasuresNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown comparison", []string{"memcached"}, `"memcached"`},
		{"an unknown flag", []string{"-x"}, "-x"},
		{"no rounds", []string{"-rounds", "0"}, "0 rounds"},
		{"no entries", []string{"-entries", "0"}, "-entries is 0"},
		{"rounds of no length", []string{"-round", "0s"}, "of 0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			if code := run(t.Context(), c.args, tiny(), strings.NewReader(""), &out, &problems); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if !strings.Contains(problems.String(), c.want) || out.Len() != 0 {
				t.Errorf("it said %q and printed %q; want %q said and nothing printed", &problems, &out, c.want)
			}
		})
	}
}

func TestHelpListsTheComparisons(t *testing.T) {
	var problems bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, tiny(), strings.NewReader(""), io.Discard, &problems); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, c := range comparisons() {
		if !strings.Contains(problems.String(), c.name) {
			t.Errorf("the help does not name %s:\n%s", c.name, &problems)
		}
	}
}

func TestAnEndedContextEndsTheRunWithAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, problems bytes.Buffer
	if code := run(ctx, nil, tiny(), strings.NewReader(""), &out, &problems); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if !strings.Contains(problems.String(), context.Canceled.Error()) || out.Len() != 0 {
		t.Errorf("it said %q and printed %q", &problems, &out)
	}
}
