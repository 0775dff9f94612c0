package lineartest

import (
	"fmt"
	"strconv"
)

// kind is what an operation does to one key. Methods that do the same differ in their names only.
type kind uint8

const (
	get       kind = iota // Get, GetAppend, GetMany, GetAndRenew
	exists                // Exists, Touch, TTL
	set                   // Set, SetMany
	setKeep               // Set with KeepTTL
	add                   // Add
	increment             // Increment
	swap                  // CompareAndSwap
	remove                // Delete, DeleteMany
	removeOld             // CompareAndDelete
	clearing              // Clear
)

// reads tells kinds that change no value. That one of them failed is of no consequence for the key.
func (k kind) reads() bool { return k == get || k == exists }

// operation is one on one key, as a client saw it.
type operation struct {
	process, client int
	method          string
	kind            kind
	value, old      string // what it stores, and what it compares with
	delta           int64
	begin, end      int64 // on the recorder's clock
	answer          answer
	failed          bool // with an error that is no answer
	unfinished      bool // for the history was cut before its end
}

// answer is what an operation returned, as far as its kind has it.
type answer struct {
	found   bool   // found, stored, swapped or deleted
	value   string // what was found
	sum     int64
	refused refusal
}

// refusal is an error that is an answer.
type refusal uint8

const (
	none refusal = iota
	notInteger
	overflow
)

// String writes the operation as one line: who, what, and the answer.
func (o *operation) String() string {
	s := fmt.Sprintf("process %d client %d: %s", o.process, o.client, o.method)
	switch o.kind {
	case set, setKeep, add:
		s += fmt.Sprintf("(%s)", o.value)
	case increment:
		s += fmt.Sprintf("(%d)", o.delta)
	case swap:
		s += fmt.Sprintf("(%s, %s)", o.old, o.value)
	case removeOld:
		s += fmt.Sprintf("(%s)", o.old)
	}
	switch {
	case o.unfinished:
		return s
	case o.failed:
		return s + " failed"
	}
	return s + o.answer.text(o.kind)
}

func (a answer) text(k kind) string {
	switch {
	case a.refused == notInteger:
		return ": not an integer"
	case a.refused == overflow:
		return ": overflow"
	case k == get && a.found:
		return ": " + a.value
	case k == get:
		return ": a miss"
	case k == increment:
		return ": " + strconv.FormatInt(a.sum, 10)
	case k == exists || k == add || k == swap || k == removeOld:
		return fmt.Sprintf(": %t", a.found)
	}
	return ""
}
