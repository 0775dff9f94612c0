package lineartest

import (
	"cmp"
	"slices"
	"strings"
)

// states are all that a key may be in at one time. None covers another, and they are sorted, so that equal ones are equal slices.
type states []state

// after returns the states that may follow a step, none if the step cannot be the next.
func (m *model) after(before states, by step) states {
	var all states
	for _, s := range m.sooner(before) {
		all = append(all, m.next(s, by)...)
	}
	return reduce(all)
}

// sooner returns the states and what becomes of them by any number of things that nobody asked for. It ends because each of
// these uses something up.
func (m *model) sooner(all states) states {
	all = slices.Clone(all)
	for i := 0; i < len(all); i++ {
		for _, s := range m.unasked(all[i]) {
			if !all.cover(s) {
				all = append(all, s)
			}
		}
	}
	return all
}

func (all states) cover(s state) bool {
	return slices.ContainsFunc(all, func(other state) bool { return other.covers(s) })
}

// reduce leaves out what another covers, and sorts.
func reduce(all states) states {
	var kept states
	for _, s := range all {
		if !kept.cover(s) {
			kept = append(slices.DeleteFunc(kept, s.covers), s)
		}
	}
	slices.SortFunc(kept, func(a, b state) int {
		return cmp.Or(strings.Compare(a.value, b.value), cmp.Compare(a.pending, b.pending), cmp.Compare(a.marks, b.marks),
			cmp.Compare(a.undone, b.undone), cmp.Compare(a.spare, b.spare))
	})
	return kept
}
