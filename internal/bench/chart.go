package main

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// A chart is a run's figures as bars, a group for each work. Its fields are exported because it is kept in JSON.
type chart struct{ Groups []chartGroup }

type chartGroup struct {
	Title string
	Unit  string
	Bars  []chartBar
}

type chartBar struct {
	Name  string
	Kind  string // one of the kinds below
	Value float64
}

// Kinds of bars, in the order of the legend.
const (
	barOurs    = "memstore"
	barCopies  = "copies"
	barShares  = "hands out its own memory"
	barEndless = "the same, and evicts nothing"
)

const (
	nanosecondsUnit = "ns"
	bytesUnit       = "B"
)

func barKind(l memoryLibrary) string {
	switch {
	case l.kind == ours:
		return barOurs
	case l.traits.limit == noLimit:
		return barEndless
	case l.traits.copies:
		return barCopies
	}
	return barShares
}

// add adds a bar to the group of that title, which the first one makes.
func (c *chart) add(title, unit string, l memoryLibrary, value float64) {
	i := slices.IndexFunc(c.Groups, func(g chartGroup) bool { return g.Title == title })
	if i < 0 {
		i = len(c.Groups)
		c.Groups = append(c.Groups, chartGroup{Title: title, Unit: unit})
	}
	c.Groups[i].Bars = append(c.Groups[i].Bars, chartBar{l.name, barKind(l), value})
}

func (c *chart) addScores(title string, scores []memoryScore) {
	for _, s := range scores {
		c.add(title, nanosecondsUnit, s.library, median(s.nanoseconds.values))
	}
}

func readChart(path string) (c chart, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("read the figures: %w", err)
	}
	return c, nil
}

// save writes the chart where it is asked for: as a picture, as figures, or neither.
func (c chart) save(svgPath, jsonPath string) error {
	if svgPath != "" {
		var text strings.Builder
		c.draw(&text)
		if err := os.WriteFile(svgPath, []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	if jsonPath == "" {
		return nil
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(jsonPath, append(text, '\n'), 0o644)
}

// Lengths in the picture, in pixels.
const (
	chartMargin = 24
	chartColumn = 432 // of two, side by side
	chartGap    = 32
	chartHead   = 84 // the heading and the legend
	groupHead   = 34
	groupGap    = 26
	barStep     = 19
	barHeight   = 13
	labelWidth  = 104
	numberWidth = 84
	barWidth    = chartColumn - labelWidth - numberWidth
	chartWidth  = 2*chartMargin + 2*chartColumn + chartGap
)

// draw writes the picture as SVG: the same figures give the same text. It has a background of its own, to be read on a light page and on a dark one.
func (c chart) draw(out io.Writer) {
	tops := [2]int{chartHead, chartHead}
	var groups strings.Builder
	for _, g := range c.Groups {
		column := 0
		if tops[1] < tops[0] {
			column = 1
		}
		g.draw(&groups, chartMargin+column*(chartColumn+chartGap), tops[column])
		tops[column] += groupHead + len(g.Bars)*barStep + groupGap
	}
	height := max(tops[0], tops[1])
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img"`, chartWidth, height, chartWidth, height)
	fmt.Fprintln(out, ` font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">`)
	fmt.Fprintln(out, `<title>Caches in memory, compared</title>`)
	fmt.Fprintf(out, `<rect width="%d" height="%d" rx="8" fill="#f6f8fa" stroke="#d0d7de"/>`+"\n", chartWidth, height)
	fmt.Fprintf(out, `<text x="%d" y="34" font-size="16" font-weight="600" fill="#1f2328">`, chartMargin)
	fmt.Fprintln(out, `Nanoseconds a call, and bytes an entry: shorter is better</text>`)
	x := chartMargin
	for _, kind := range []string{barOurs, barCopies, barShares, barEndless} {
		fmt.Fprintf(out, `<rect x="%d" y="52" width="12" height="12" rx="2" fill="%s"/>`+"\n", x, barColour(kind))
		fmt.Fprintf(out, `<text x="%d" y="62" fill="#59636e">%s</text>`+"\n", x+18, escaped(kind))
		x += 18 + 7*len(kind) + 26
	}
	fmt.Fprint(out, groups.String())
	fmt.Fprintln(out, "</svg>")
}

// draw writes the group with its upper left corner at x, y, the best first. A bar that would leave the others too short to be compared is cut.
func (g chartGroup) draw(out io.Writer, x, y int) {
	bars := slices.Clone(g.Bars)
	slices.SortStableFunc(bars, func(a, b chartBar) int { return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Name, b.Name)) })
	values := make([]float64, len(bars))
	for i, b := range bars {
		values[i] = b.Value
	}
	longest := min(slices.Max(values), 4*median(values))
	label := `<text x="%d" y="%d" %s fill="#1f2328">%s</text>` + "\n"
	fmt.Fprintf(out, label, x, y+18, `font-size="13" font-weight="600"`, escaped(g.Title))
	for i, b := range bars {
		top := y + groupHead + i*barStep
		weight := `font-weight="400"`
		if b.Kind == barOurs {
			weight = `font-weight="700"`
		}
		width := max(int(min(b.Value/longest, 1)*barWidth), 1)
		fmt.Fprintf(out, label, x+labelWidth-8, top+11, weight+` text-anchor="end"`, escaped(b.Name))
		fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"/>`+"\n", x+labelWidth, top, width, barHeight, barColour(b.Kind))
		if b.Value > longest {
			cut := x + labelWidth + barWidth - 24
			fmt.Fprintf(out, `<path d="M%d %dl6 -17M%d %dl6 -17" stroke="#f6f8fa" stroke-width="3"/>`+"\n", cut, top+barHeight+2, cut+7, top+barHeight+2)
		}
		fmt.Fprintf(out, label, x+labelWidth+width+6, top+11, weight, figure(b.Value)+" "+g.Unit)
	}
}

func barColour(kind string) string {
	switch kind {
	case barOurs:
		return "#bc4c00"
	case barCopies:
		return "#0969da"
	case barShares:
		return "#8c959f"
	}
	return "#c8d1da"
}

// figure has three digits or more.
func figure(v float64) string {
	if v < 99.95 {
		return decimal(v)
	}
	return group(v)
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}
