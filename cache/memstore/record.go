package memstore

import (
	"encoding/binary"
	"time"
)

// A record is an entry as it lies in the arena: a header, the key, the value, and what its room has beyond them.
//
//	0        8                      16      20
//	expires  serial | value | key   slot    key …  value …
//	64 bits  40     | 12    | 12    32
//
// The lengths of value and key are in bytes. Nothing in a record changes while readers can find it: an entry that is overwritten, or gets
// another expiry, gets another record.
type record []byte

const (
	headerLen = 20
	lenMask   = 1<<12 - 1
	maxKeyLen = maxUnits*unit - headerLen

	// apart instead of a value's length says that the value is no part of the record, but a slice of its own in the shard.
	apart = lenMask

	serialBits = 40
)

func (r record) expires() time.Duration { return time.Duration(binary.LittleEndian.Uint64(r)) }

func (r record) setExpires(at time.Duration) { binary.LittleEndian.PutUint64(r, uint64(at)) }

func (r record) word() uint64 { return binary.LittleEndian.Uint64(r[8:]) }

// serial grows with every write of a value or a lifetime. It tells the order among equal expiries, as far as they were written within
// 2^39 writes of each other.
func (r record) serial() uint64 { return r.word() >> 24 }

func (r record) setWord(serial uint64, valueLen, keyLen int) {
	binary.LittleEndian.PutUint64(r[8:], serial<<24|uint64(valueLen)<<12|uint64(keyLen))
}

func (r record) slot() uint32 { return binary.LittleEndian.Uint32(r[16:]) }

func (r record) setSlot(slot uint32) { binary.LittleEndian.PutUint32(r[16:], slot) }

func (r record) keyLen() int { return int(r.word() & lenMask) }

// valueLen is the length of the value in the record, or apart.
func (r record) valueLen() int { return int(r.word() >> 12 & lenMask) }

func (r record) isApart() bool { return r.valueLen() == apart }

func (r record) key() []byte { return r[headerLen : headerLen+r.keyLen()] }

// value is the value in the record; the shard has those that are apart.
func (r record) value() []byte {
	w := r.word()
	begin := headerLen + int(w&lenMask)
	return r[begin : begin+int(w>>12&apart)]
}

// units is how much room the record needs.
func (r record) units() int {
	w := r.word()
	n := int(w >> 12 & apart)
	if n == apart {
		n = 0
	}
	return (headerLen + int(w&lenMask) + n + unit - 1) / unit
}

// unitsFor is how much room a record needs for a key and a value of so many bytes.
func unitsFor(keyLen, valueLen int) int {
	if staysApart(keyLen, valueLen) {
		valueLen = 0
	}
	return (headerLen + keyLen + valueLen + unit - 1) / unit
}

// staysApart tells whether a value of so many bytes is kept outside its record.
func staysApart(keyLen, valueLen int) bool { return headerLen+keyLen+valueLen > maxUnits*unit }
