package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// writeTable writes the results as a table in Markdown, its columns aligned for those who read it as it is.
func writeTable(out io.Writer, results []result) error {
	rows := [][]string{{"what", "compared with", "measured", "ratio", "target"}}
	for _, r := range results {
		rows = append(rows, []string{r.what, cell(r.base, r.unit), cell(r.measured, r.unit), ratioCell(r), r.verdict()})
	}
	return writeRows(out, rows)
}

// writeRows writes a table in Markdown, whose first row is the heading.
func writeRows(out io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	for _, row := range append([][]string{rows[0], rule}, rows[1:]...) {
		for i, text := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if _, err := fmt.Fprintf(out, "| %s%s ", text, padding); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(out, "|"); err != nil {
			return err
		}
	}
	return nil
}

func cell(s series, unit func(float64) string) string {
	if len(s.values) == 0 {
		return ""
	}
	return s.name + ": " + unit(median(s.values))
}

// ratioCell is the ratio and, where there was more than one round, how far the rounds' ratios lie apart.
func ratioCell(r result) string {
	middle, low, high := r.ratio()
	switch {
	case math.IsNaN(middle):
		return ""
	case len(r.measured.values) == 1:
		return fmt.Sprintf("%.2f", middle)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", middle, low, high)
}
