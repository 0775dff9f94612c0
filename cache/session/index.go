package session

import (
	"encoding/binary"
	"slices"
	"time"
)

// What is stored about a user is which sessions are theirs:
//
//	4  magic
//	1  version of what follows
//	   for each session: 32 hash of its id, 8 when it was listed, 8 when it expires (Unix, nanoseconds), 1 whether it is being ended
//
// Integers are big-endian. What is anything else is no index.
const (
	indexMagic   = "lusr"
	indexVersion = 1
	indexHead    = len(indexMagic) + 1
	entryLen     = len(hash{}) + 8 + 8 + 1

	// maxEntries bounds an index to what can be read and written at once without thinking about it.
	maxEntries = 10_000
)

// entry is a session in the index of its user.
type entry struct {
	id      hash
	listed  int64 // when the id was made
	expires int64
	ending  bool // it has been logged out; what is stored of it has to go before the entry does
}

// index lists a user's sessions, in the order of their logins. Each session of a user that is stored is in it from before it is stored.
type index []entry

func (x index) encode() []byte {
	b := make([]byte, 0, indexHead+len(x)*entryLen)
	b = append(append(b, indexMagic...), indexVersion)
	for i := range x {
		e := &x[i]
		b = append(b, e.id[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(e.listed))
		b = binary.BigEndian.AppendUint64(b, uint64(e.expires))
		ending := byte(0)
		if e.ending {
			ending = 1
		}
		b = append(b, ending)
	}
	return b
}

// decodeIndex reads what encode writes. What is no index lists nothing.
func decodeIndex(raw []byte) index {
	if len(raw) < indexHead || string(raw[:len(indexMagic)]) != indexMagic || raw[len(indexMagic)] != indexVersion || (len(raw)-indexHead)%entryLen != 0 {
		return nil
	}
	x := make(index, 0, (len(raw)-indexHead)/entryLen+1)
	for b := raw[indexHead:]; len(b) > 0; b = b[entryLen:] {
		e := entry{id: hash(b), ending: b[entryLen-1] == 1}
		e.listed = int64(binary.BigEndian.Uint64(b[len(e.id):]))
		e.expires = int64(binary.BigEndian.Uint64(b[len(e.id)+8:]))
		if b[entryLen-1] > 1 || e.listed < 0 || e.expires < 0 {
			return nil
		}
		x = append(x, e)
	}
	return x
}

// at returns the place of a session, -1 for none.
func (x index) at(id *hash) int {
	return slices.IndexFunc(x, func(e entry) bool { return e.id == *id })
}

// has reports whether a session is listed and nobody is ending it.
func (x index) has(id *hash) bool {
	i := x.at(id)
	return i >= 0 && !x[i].ending
}

// without returns the index without some sessions.
func (x index) without(ids ...hash) index {
	return slices.DeleteFunc(x, func(e entry) bool { return slices.Contains(ids, e.id) })
}

// current returns the index without what has expired.
func (x index) current(now time.Time) index {
	return slices.DeleteFunc(x, func(e entry) bool { return e.expires <= now.UnixNano() })
}

// left is how long the index has to be stored from now on: until its last session has expired.
func (x index) left(now time.Time) time.Duration {
	last := now.UnixNano()
	for i := range x {
		last = max(last, x[i].expires)
	}
	return time.Duration(last - now.UnixNano())
}

// ending appends the sessions that are being ended.
func (x index) ending(ids []hash) []hash {
	for i := range x {
		if x[i].ending {
			ids = append(ids, x[i].id)
		}
	}
	return ids
}

// count is how many there are that nobody is ending, but for kept.
func (x index) count(kept *hash) int {
	n := 0
	for i := range x {
		if !x[i].ending && x[i].id != *kept {
			n++
		}
	}
	return n
}

// oldest returns the place of the one with the oldest id, of those that count counts; -1 for none.
func (x index) oldest(kept *hash) int {
	first := -1
	for i := range x {
		if e := &x[i]; !e.ending && e.id != *kept && (first < 0 || e.listed < x[first].listed) {
			first = i
		}
	}
	return first
}
