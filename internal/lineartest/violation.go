package lineartest

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// violation is a history of one key that no order of its operations explains.
type violation struct {
	key     string
	history []operation
}

// Error shows the history, in the order in which the operations began; the one that ended last is the first that cannot be explained.
func (v *violation) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "no order of the operations on %s explains their answers. When each began and ended:", v.key)
	history := slices.SortedFunc(slices.Values(v.history), func(a, b operation) int { return cmp.Compare(a.begin, b.begin) })
	for _, o := range history {
		fmt.Fprintf(&s, "\n\t%5d %5s  %s", o.begin, o.ended(), o.String())
	}
	last := slices.MaxFunc(history, func(a, b operation) int { return cmp.Compare(a.lastSeen(), b.lastSeen()) })
	fmt.Fprintf(&s, "\nup to %d, %s", last.end, last.String())
	return s.String()
}

// draw writes a page that shows the history and how far it can be explained.
func (v *violation) draw(path string) error {
	m, events, err := read(v.history)
	if err != nil {
		return err
	}
	_, info := porcupine.CheckOperationsVerbose(m.porcupine(), events, patience)
	return porcupine.VisualizePath(m.porcupine(), info, path)
}

// shortest returns the beginning of history, which is none that can be explained, up to the first operation that cannot.
func shortest(history []operation, within time.Duration) []operation {
	ends := make([]int64, len(history))
	for i, o := range history {
		ends[i] = o.end
	}
	slices.Sort(ends)
	n := sort.Search(len(ends)-1, func(i int) bool { return impossible(until(history, ends[i]), within) })
	return until(history, ends[n])
}

// until is what was known of history at that time.
func until(history []operation, at int64) []operation {
	var known []operation
	for _, o := range history {
		switch {
		case o.begin > at:
			continue
		case o.end > at && o.failed:
			o.end = never
		case o.end > at:
			o.unfinished, o.end = true, never
		}
		known = append(known, o)
	}
	return known
}

func (o *operation) ended() string {
	if o.end == never {
		return "…"
	}
	return fmt.Sprint(o.end)
}

// lastSeen is when o ended; 0 if it had not.
func (o *operation) lastSeen() int64 {
	if o.end == never {
		return 0
	}
	return o.end
}
