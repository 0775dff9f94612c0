package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// A memoryTable has a line for each contender of a comparison, and what it is besides fast.
type memoryTable struct {
	name      string
	libraries []memoryLibrary
	columns   []memoryColumn
}

type memoryColumn struct {
	title string
	cells map[string]string // by the library's name
}

// column adds an empty column and returns its cells.
func (t *memoryTable) column(title string) map[string]string {
	cells := make(map[string]string)
	t.columns = append(t.columns, memoryColumn{title, cells})
	return cells
}

func (t *memoryTable) add(what string, scores []memoryScore) {
	t.fill(what+": ns a call", scores, decimal, func(s memoryScore) series { return s.nanoseconds })
}

func (t *memoryTable) addAllocations(what string, scores []memoryScore) {
	t.fill(what+": allocations a call", scores, hundredths, func(s memoryScore) series { return s.allocations })
}

func (t *memoryTable) addHits(what string, scores []memoryScore) {
	t.fill(what+": found", scores, percents, func(s memoryScore) series { return s.hits })
}

func (t *memoryTable) fill(title string, scores []memoryScore, unit func(float64) string, of func(memoryScore) series) {
	cells := t.column(title)
	for _, s := range scores {
		cells[s.library.name] = spread(of(s).values, unit)
	}
}

// spread is the median and what the middle half of the values lies between.
func spread(values []float64, unit func(float64) string) string {
	sorted := slices.Sorted(slices.Values(values))
	middle := unit(median(sorted))
	low, high := unit(percentile(sorted, 25)), unit(percentile(sorted, 75))
	switch {
	case math.IsNaN(median(sorted)):
		return ""
	case low == high:
		return middle
	}
	return fmt.Sprintf("%s (%s to %s)", middle, low, high)
}

func (t *memoryTable) write(out io.Writer) error {
	head := []string{"", "copies", "lifetime a key", "limit"}
	for _, c := range t.columns {
		head = append(head, c.title)
	}
	rows := [][]string{head}
	for _, l := range t.libraries {
		row := []string{l.name, yes(l.traits.copies), yes(l.traits.perKeyTTL), string(l.traits.limit)}
		for _, c := range t.columns {
			row = append(row, c.cells[l.name])
		}
		rows = append(rows, row)
	}
	if _, err := fmt.Fprintf(out, "\n%s\n\n", t.name); err != nil {
		return err
	}
	return writeRows(out, rows)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
