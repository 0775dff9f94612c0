package httpcache

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// A record is a value in the store:
//
//	"lhc1"  kind(1)  CRC-32C of what follows(4)  length of the rest's head(4)  head  body
//
// Numbers are little-endian. A value that is none, of another version or damaged, is a miss.
const (
	magic      = "lhc1"
	headerSize = len(magic) + 1 + 4 + 4
)

type kind byte

const (
	isLease    kind = 'l' // somebody asks the handler; nothing is stored yet
	isResponse kind = 'r'
	isIndex    kind = 'i' // of the variants of a target
)

// checksum is CRC-32C, for which processors have an instruction.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// seal makes a record of what w has written, with a body.
func seal(k kind, w *writer, body []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(w.b)+len(body))
	copy(b, magic)
	b[4] = byte(k)
	binary.LittleEndian.PutUint32(b[9:], uint32(len(w.b)))
	b = append(append(b, w.b...), body...)
	binary.LittleEndian.PutUint32(b[5:], checksum(b[9:]))
	return b
}

// open returns what a record holds; the head and the body are parts of b.
func open(b []byte) (k kind, head, body []byte, ok bool) {
	if len(b) < headerSize || string(b[:4]) != magic {
		return 0, nil, nil, false
	}
	if binary.LittleEndian.Uint32(b[5:]) != checksum(b[9:]) {
		return 0, nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(b[9:]))
	if rest := b[headerSize:]; n <= uint64(len(rest)) {
		return kind(b[4]), rest[:n], rest[n:], true
	}
	return 0, nil, nil, false
}

// writer writes the head of a record.
type writer struct{ b []byte }

func (w *writer) number(n int64)           { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) duration(d time.Duration) { w.number(int64(d)) }
func (w *writer) moment(t time.Time)       { w.number(t.UnixNano()) }

func (w *writer) text(s string) {
	w.b = binary.AppendUvarint(w.b, uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) texts(list []string) {
	w.number(int64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

// flags writes up to 64 booleans, in the order in which reader.flags gives them back.
func (w *writer) flags(list ...bool) {
	n := int64(0)
	for i, f := range list {
		if f {
			n |= 1 << i
		}
	}
	w.number(n)
}

// reader reads the head of a record. After a failure it gives zeros, and failed says so. Texts are parts of s.
type reader struct {
	s      string
	failed bool
}

func (r *reader) fail() { r.s, r.failed = "", true }

func (r *reader) unsigned() uint64 {
	n := uint64(0)
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

func (r *reader) number() int64 {
	n := r.unsigned()
	return int64(n>>1) ^ -int64(n&1) // zigzag, as binary.AppendVarint writes it
}

func (r *reader) duration() time.Duration { return time.Duration(r.number()) }
func (r *reader) moment() time.Time       { return time.Unix(0, r.number()) }

func (r *reader) text() string {
	n := r.unsigned()
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

// count reads how many follow, each of which takes a byte at least.
func (r *reader) count() int {
	n := r.number()
	if n < 0 || n > int64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) texts() []string {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.text()
	}
	return list
}

func (r *reader) flags(list ...*bool) {
	n := r.number()
	for i, f := range list {
		*f = n&(1<<i) != 0
	}
}
