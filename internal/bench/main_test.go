package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is also the reader: a run starts its own executable, which is the test's here.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{readerCommand}) {
		os.Exit(run(context.Background(), os.Args[1:], scale{}, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// tiny is a scale that takes no time and proves nothing.
func tiny() scale {
	return scale{
		rounds: 1, round: 20 * time.Millisecond,
		goroutines: 4, keys: 10, many: 10,
		clears: 1, lap: 20 * time.Millisecond, own: 200, foreign: 2_000,
	}
}

func TestARunMeasuresEverythingAndPrintsOneTable(t *testing.T) {
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"-rounds", "2"}, tiny(), strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("exit code %d, want 0:\n%s", code, &problems)
	}
	for _, want := range []string{
		"Machine: ", "Go: go1.", "Redis: ", "    go run -C internal/bench . -rounds 2\n",
		"| Get, 128 B, 4 goroutines ", "| Set, 1024 B, 4 goroutines: allocations a call ", "| 10 keys of 128 B, one goroutine: times as fast ",
		"| Clear of 200 keys among 2,000 others, ", "| Clear: ", "| beside Clear: ", "| another client's GET, 99th percentile ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output has no %q:\n%s", want, &out)
		}
	}
	if n := strings.Count(out.String(), "| what "); n != 1 {
		t.Errorf("there are %d tables, want one", n)
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("a figure is no number:\n%s", &out)
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
