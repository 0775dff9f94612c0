package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func someChart() chart {
	var c chart
	for _, title := range []string{"Get & copy", "Set"} {
		for i, l := range memoryLibraries() {
			c.add(title, nanosecondsUnit, l, float64(10*(i+1)))
		}
	}
	c.add("Set", nanosecondsUnit, memoryLibrary{name: "<slow>", kind: library}, 123_456)
	c.add("Memory", bytesUnit, memoryLibraries()[0], 41.5)
	return c
}

func drawn(c chart) string {
	var text strings.Builder
	c.draw(&text)
	return text.String()
}

func TestAPictureIsWellFormedAndTheSameEachTime(t *testing.T) {
	text := drawn(someChart())
	if again := drawn(someChart()); again != text {
		t.Error("the same figures gave another picture")
	}
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
	for _, want := range []string{">Get &amp; copy<", ">&lt;slow&gt;<", ">123,456 ns<", ">41.5 B<", ">10.0 ns<", ">memstore<", ">map, RWMutex<"} {
		if !strings.Contains(text, want) {
			t.Errorf("it has no %s", want)
		}
	}
	if cuts := strings.Count(text, "<path "); cuts != 1 {
		t.Errorf("%d bars are cut, want that of <slow> only", cuts)
	}
}

// textAt is a text of the picture and about what it covers.
type textAt struct {
	text                   string
	left, right, top, base float64
}

func TestNoTextOverlapsAnotherOrLeavesThePicture(t *testing.T) {
	var picture struct {
		Width  float64 `xml:"width,attr"`
		Height float64 `xml:"height,attr"`
		Texts  []struct {
			X      float64 `xml:"x,attr"`
			Y      float64 `xml:"y,attr"`
			Size   string  `xml:"font-size,attr"`
			Anchor string  `xml:"text-anchor,attr"`
			Text   string  `xml:",chardata"`
		} `xml:"text"`
	}
	if err := xml.Unmarshal([]byte(drawn(someChart())), &picture); err != nil {
		t.Fatal(err)
	}
	var texts []textAt
	for _, x := range picture.Texts {
		size, err := strconv.ParseFloat(x.Size, 64)
		if err != nil {
			size = 12
		}
		a := textAt{x.Text, x.X, x.X + 0.6*size*float64(len(x.Text)), x.Y - size, x.Y}
		if x.Anchor == "end" {
			a.left, a.right = a.left-(a.right-a.left), x.X
		}
		texts = append(texts, a)
	}
	if len(texts) < 60 {
		t.Fatalf("%d texts, want those of 29 bars and the headings", len(texts))
	}
	for i, a := range texts {
		if a.left < 0 || a.top < 0 || a.right > picture.Width || a.base > picture.Height {
			t.Errorf("%+v leaves the picture of %v by %v", a, picture.Width, picture.Height)
		}
		for _, b := range texts[:i] {
			if a.left < b.right && b.left < a.right && a.top < b.base && b.top < a.base {
				t.Errorf("%+v overlaps %+v", a, b)
			}
		}
	}
}

func TestBarsStandFastestFirst(t *testing.T) {
	text := drawn(someChart())
	group := text[strings.Index(text, ">Set<"):]
	first, last := strings.Index(group, ">memstore<"), strings.Index(group, ">map, RWMutex<")
	if slow := strings.Index(group, ">&lt;slow&gt;<"); first > last || last > slow {
		t.Errorf("memstore is at %d, the map at %d, <slow> at %d", first, last, slow)
	}
}

func TestEveryKindOfLibraryHasAColourOfItsOwn(t *testing.T) {
	colours := make(map[string]bool)
	for name, kind := range map[string]string{"memstore": barOurs, "fastcache": barCopies, "otter": barShares, "go-cache": barEndless, "xsync.Map": barEndless} {
		l, err := findMemoryLibrary(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := barKind(l); got != kind {
			t.Errorf("%s is drawn as %q, want %q", name, got, kind)
		}
		colours[barColour(kind)] = true
	}
	if len(colours) != 4 {
		t.Errorf("%d colours for 4 kinds", len(colours))
	}
}

func TestAKeptChartIsDrawnAgain(t *testing.T) {
	c := someChart()
	svg, figures := filepath.Join(t.TempDir(), "c.svg"), filepath.Join(t.TempDir(), "c.json")
	if err := c.save(svg, figures); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(svg); err != nil || string(text) != drawn(c) {
		t.Errorf("the file is another picture, or %v", err)
	}
	if again, err := readChart(figures); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%+v was kept as %+v, %v", c, again, err)
	}
	if _, err := readChart(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
}
