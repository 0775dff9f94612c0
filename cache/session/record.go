package session

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// What is stored under a session's key is
//
//	4  magic
//	1  version of what follows
//	1  kind: 'd' for a session, 'm' for where it moved
//	   a session:
//	   8  created, 8 expires, 8 seen (Unix, nanoseconds)
//	   8  revision of the data, random
//	   uvarint length of the user, and its bytes
//	   the data, JSON: all that is left; nothing where there are none
//	   where it moved:
//	   32 hash of the new id
//
// Integers are big-endian. What is anything else is no session.
const (
	recordMagic   = "lses"
	recordVersion = 1
	kindData      = 'd'
	kindMoved     = 'm'

	prefixLen = len(recordMagic) + 2
	fixedLen  = prefixLen + 4*8

	// maxUser is how long a user's name may be.
	maxUser = 1 << 10
	maxHead = fixedLen + binary.MaxVarintLen64 + maxUser
)

// record is a session as it is stored.
type record struct {
	created, expires, seen int64
	revision               uint64
	user                   string
	data                   []byte // part of what it was decoded from
}

func (r *record) encode() []byte {
	b := make([]byte, 0, fixedLen+binary.MaxVarintLen16+len(r.user)+len(r.data))
	b = append(append(b, recordMagic...), recordVersion, kindData)
	for _, n := range [...]uint64{uint64(r.created), uint64(r.expires), uint64(r.seen), r.revision} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.AppendUvarint(b, uint64(len(r.user)))
	return append(append(b, r.user...), r.data...)
}

// decodeRecord reads what encode writes. moved is where the session has gone, if it has. Neither is true of what is no session.
func decodeRecord(raw []byte) (r record, isSession bool, moved hash, isMoved bool) {
	if len(raw) < prefixLen || string(raw[:len(recordMagic)]) != recordMagic || raw[len(recordMagic)] != recordVersion {
		return record{}, false, hash{}, false
	}
	rest := raw[prefixLen:]
	switch raw[prefixLen-1] {
	case kindMoved:
		if len(rest) != len(moved) {
			return record{}, false, hash{}, false
		}
		return record{}, false, hash(rest), true
	case kindData:
		r, isSession = decodeData(raw)
	}
	return r, isSession, hash{}, false
}

func decodeData(raw []byte) (r record, ok bool) {
	if len(raw) < fixedLen {
		return record{}, false
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(raw[prefixLen+8*i:]) }
	r = record{created: int64(at(0)), expires: int64(at(1)), seen: int64(at(2)), revision: at(3)}
	rest := raw[fixedLen:]
	n, used := binary.Uvarint(rest)
	if used <= 0 || used != uvarintLen(n) || n > maxUser || n > uint64(len(rest)-used) || r.created < 0 || r.expires < r.created || r.seen < r.created {
		return record{}, false
	}
	rest = rest[used:]
	r.user = string(rest[:n])
	if rest = rest[n:]; len(rest) > 0 {
		r.data = rest[:len(rest):len(rest)]
	}
	return r, true
}

func uvarintLen(n uint64) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutUvarint(b[:], n)
}

// encodeMoved is what is left in the place of a session that has got another id. It gives nobody a session. It tells a logout that was on its way meanwhile, and so
// has the old id, what to end.
func encodeMoved(to *hash) []byte {
	b := make([]byte, 0, prefixLen+len(to))
	b = append(append(b, recordMagic...), recordVersion, kindMoved)
	return append(b, to[:]...)
}

// newRevision returns a number that no other change of the data has.
func newRevision() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it ends the process rather than fail
	return binary.BigEndian.Uint64(b[:])
}

// left is how long the session may be stored from now on: until it has been idle for too long, or has outlived its time. It is not positive where it has.
func (r *record) left(now time.Time, idle time.Duration) time.Duration {
	return min(idle, time.Duration(r.expires-now.UnixNano()))
}
