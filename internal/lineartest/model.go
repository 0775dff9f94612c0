package lineartest

import (
	"math"
	"math/bits"
	"strconv"
)

// maxFailures is how many writes of a key may have failed in one history: each has a bit.
const maxFailures = 64

// model is what may become of one key. Of what failed it knows the operations; a set of these is the bits of their places.
type model struct {
	failures []*operation
	leave    uint64 // those that leave a mark: what they were to do must be made up for
	clears   uint64 // those of them that are a Clear
}

// state is one that a key may be in.
type state struct {
	found bool
	value string
	// pending are the failures that may still take effect, marks those that are yet to be made up for, and undone those of
	// marks since which the key has not been deleted.
	pending, marks, undone uint64
	// spare is how many deletions there may be beside those: what tried to make up for a failure and failed itself.
	spare uint8
}

// covers tells whether s allows all that o does.
func (s state) covers(o state) bool {
	return s.found == o.found && s.value == o.value && s.spare >= o.spare &&
		s.pending&o.pending == o.pending && s.marks&o.marks == o.marks && s.undone&o.undone == s.undone
}

func (s state) deleted() state {
	s.found, s.value = false, ""
	return s
}

func (s state) spared() state {
	if s.spare < math.MaxUint8 {
		s.spare++
	}
	return s
}

// step is one event in the history of a key.
type step struct {
	*operation
	part part
	bit  uint64 // of an operation that failed
}

// part is what of an operation a step is.
type part uint8

const (
	answered   part = iota // all of it, with its answer
	failed                 // that it has failed, or will not have ended: from now on it may take effect
	clearAgain             // what a Clear may delete a second time
)

// next returns the states that s may be in after the step, none if the step cannot follow s.
func (m *model) next(s state, by step) []state {
	switch by.part {
	case failed:
		return m.fail(s, by)
	case clearAgain:
		return []state{s, s.deleted()}
	default:
		return m.answer(s, by.operation)
	}
}

// unasked returns the states that s may become by what nobody asked for now: a failure takes effect late, or somebody deletes the key to
// make up for one.
func (m *model) unasked(s state) []state {
	var all []state
	if s.marks != 0 {
		deleted := s.deleted()
		deleted.undone = 0
		all = append(all, deleted)
	} else if s.spare > 0 {
		deleted := s.deleted()
		deleted.spare--
		all = append(all, deleted)
	}
	for left := s.pending; left != 0; left &= left - 1 {
		i := bits.TrailingZeros64(left)
		after, _ := perform(s, m.failures[i])
		after.pending &^= 1 << i
		all = append(all, after)
	}
	return all
}

// fail is that an operation failed. What of it is a deletion is spare from now on, and so is a deletion by which it tried to make up for
// another failure. A Set with KeepTTL that fails in another step than its last deletes the key.
func (m *model) fail(s state, by step) []state {
	switch {
	case by.kind == clearing:
		s = s.spared().spared()
	case by.kind == remove:
		s = s.spared()
	case by.kind == setKeep:
		s = s.spared()
		s.pending |= by.bit
	case !by.kind.reads():
		s.pending |= by.bit
	}
	if own, _ := m.marksOf(by.operation); s.marks&own != 0 {
		s = s.spared()
	}
	s.marks |= by.bit & m.leave
	s.undone |= by.bit & m.leave
	return []state{s}
}

// answer is an operation that was answered. The failures of its process that it knows have been made up for, but for a Clear, whose
// mark it may find.
func (m *model) answer(s state, o *operation) []state {
	own, known := m.marksOf(o)
	if o.kind == clearing {
		known = 0 // it deletes, whatever there is to make up for
	}
	if s.undone&known&^m.clears != 0 {
		return nil
	}
	s.marks &^= known &^ m.clears
	known &= m.clears
	var all []state
	if s.undone&known == 0 {
		done := s
		done.marks &^= known
		if after, ok := perform(done, o); ok {
			all = append(all, after)
		}
	}
	if s.marks&own&m.clears != 0 && o.kind != clearing {
		all = append(all, beforeCleared(s, o)...)
	}
	return all
}

// marksOf returns the failures in o's process, and those of them that it knows: they had been told when it began.
func (m *model) marksOf(o *operation) (own, known uint64) {
	for i, f := range m.failures {
		if f.process != o.process {
			continue
		}
		own |= 1 << i
		if f.end < o.begin {
			known |= 1 << i
		}
	}
	return own, known
}

// beforeCleared is an operation that does not wait until a Clear that failed was made up for. It may have tried to do that.
func beforeCleared(s state, o *operation) []state {
	s = s.spared()
	if o.kind == set || o.kind == setKeep || o.kind == remove {
		after, _ := perform(s, o)
		return []state{after}
	}
	if after, ok := perform(s.deleted(), o); ok && !after.found {
		return []state{s}
	}
	return nil
}

// perform is what the kinds of operations mean. It is false if their answer is another.
func perform(s state, o *operation) (after state, answered bool) {
	switch o.kind {
	case get:
		return s, o.answer == answer{found: s.found, value: s.value}
	case exists:
		return s, o.answer.found == s.found
	case set, setKeep:
		s.found, s.value = true, o.value
		return s, true
	case add:
		if s.found {
			return s, !o.answer.found
		}
		s.found, s.value = true, o.value
		return s, o.answer.found
	case increment:
		return performIncrement(s, o)
	case swap:
		if !s.found || s.value != o.old {
			return s, !o.answer.found
		}
		s.value = o.value
		return s, o.answer.found
	case removeOld:
		if !s.found || s.value != o.old {
			return s, !o.answer.found
		}
		return s.deleted(), o.answer.found
	default: // remove, clearing
		return s.deleted(), true
	}
}

func performIncrement(s state, o *operation) (after state, answered bool) {
	n := int64(0)
	if s.found {
		var err error
		if n, err = strconv.ParseInt(s.value, 10, 64); err != nil || strconv.FormatInt(n, 10) != s.value {
			return s, o.answer == answer{refused: notInteger}
		}
	}
	if o.delta > 0 && n > math.MaxInt64-o.delta || o.delta < 0 && n < math.MinInt64-o.delta {
		return s, o.answer == answer{refused: overflow}
	}
	s.found, s.value = true, strconv.FormatInt(n+o.delta, 10)
	return s, o.answer == answer{sum: n + o.delta}
}
