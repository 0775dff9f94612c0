package cache

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// What GetOrLoad stores, and a value of Set's that begins as a frame does, is in a frame:
//
//	4  magic
//	1  version of what follows
//	1  flags
//	   for each flag that is set, in this order:
//	   soft      8 end of the fresh time (Unix, nanoseconds), then uvarints: StaleFor and StaleIfError in nanoseconds
//	   lease     16 token, 8 deadline (Unix, nanoseconds)
//	   tags      uvarints: how many, how many levels; then for each a uvarint of its length, its bytes, and 8 bytes for each level
//	   schema    uvarint
//	   value     all that is left
//
// Integers are big-endian. A value that begins with the magic and is no frame of this version is absent.
const (
	magic        = "\xfeldr"
	frameVersion = 1
	headLen      = len(magic) + 2
)

const (
	flagSoft     = 1 << iota // it is fresh for a time of its own, not until the store drops it
	flagNegative             // the source has no such thing
	flagLease                // somebody is loading it
	flagTags
	flagSchema
	flagValue // there is one
	flagsEnd
)

// frame is what is stored about a value, and the value.
type frame struct {
	flags byte

	fresh                  int64 // end of the fresh time
	staleFor, staleIfError int64 // how much longer it may be used
	token                  [16]byte
	deadline               int64
	tags                   []tag
	schema                 uint64
	value                  []byte
}

// tag is one of an entry's, with the versions of its markers when the load began: one for each level of namespace, from the store's down.
type tag struct {
	name     string
	versions []uint64
}

// errFrame: the value begins as a frame and is none of this version.
var errFrame = errors.New("not a frame")

// isFramed tells whether a stored value is a frame, or looks like one.
func isFramed(raw []byte) bool { return len(raw) >= len(magic) && string(raw[:len(magic)]) == magic }

// isTagged tells whether a stored value has tags to look at.
func isTagged(raw []byte) bool {
	return isFramed(raw) && len(raw) >= headLen && raw[headLen-1]&flagTags != 0
}

// conceal returns value as it is stored.
func conceal(value []byte) []byte {
	if !isFramed(value) {
		return value
	}
	f := frame{flags: flagValue, value: value}
	return f.encode()
}

// encode returns the frame as it is stored.
func (f *frame) encode() []byte {
	raw := make([]byte, 0, headLen+48+len(f.value))
	raw = append(raw, magic...)
	raw = append(raw, frameVersion, f.flags)
	if f.flags&flagSoft != 0 {
		raw = binary.BigEndian.AppendUint64(raw, uint64(f.fresh))
		raw = binary.AppendUvarint(raw, uint64(f.staleFor))
		raw = binary.AppendUvarint(raw, uint64(f.staleIfError))
	}
	if f.flags&flagLease != 0 {
		raw = append(raw, f.token[:]...)
		raw = binary.BigEndian.AppendUint64(raw, uint64(f.deadline))
	}
	if f.flags&flagTags != 0 {
		raw = binary.AppendUvarint(raw, uint64(len(f.tags)))
		raw = binary.AppendUvarint(raw, uint64(len(f.tags[0].versions)))
		for _, t := range f.tags {
			raw = binary.AppendUvarint(raw, uint64(len(t.name)))
			raw = append(raw, t.name...)
			for _, v := range t.versions {
				raw = binary.BigEndian.AppendUint64(raw, v)
			}
		}
	}
	if f.flags&flagSchema != 0 {
		raw = binary.AppendUvarint(raw, f.schema)
	}
	return append(raw, f.value...)
}

// decodeFrame returns the frame that raw is. Its value is part of raw.
func decodeFrame(raw []byte) (frame, error) {
	if len(raw) < headLen || raw[len(magic)] != frameVersion {
		return frame{}, errFrame
	}
	f := frame{flags: raw[len(magic)+1]}
	d := decoder{rest: raw[headLen:]}
	if f.flags&flagSoft != 0 {
		f.fresh, f.staleFor, f.staleIfError = d.int64(), d.duration(), d.duration()
	}
	if f.flags&flagLease != 0 {
		copy(f.token[:], d.take(len(f.token)))
		f.deadline = d.int64()
	}
	if f.flags&flagTags != 0 {
		f.tags = d.tags()
	}
	if f.flags&flagSchema != 0 {
		f.schema = d.uvarint()
	}
	if f.flags&flagValue != 0 {
		f.value, d.rest = d.rest, nil
	}
	if d.failed || len(d.rest) > 0 || f.fresh < 0 || f.deadline < 0 || f.flags >= flagsEnd || f.flags&flagValue != 0 && f.flags&flagNegative != 0 {
		return frame{}, errFrame
	}
	return f, nil
}

// decoder takes fields from the front of rest. Once one has failed all that follow are zero.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if d.failed || n > len(d.rest) {
		d.failed = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint64() uint64 {
	b := d.take(8)
	if d.failed {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func (d *decoder) int64() int64 { return int64(d.uint64()) }

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.rest)
	if d.failed || size <= 0 {
		d.failed = true
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// duration is one that a policy may have.
func (d *decoder) duration() int64 {
	n := d.uvarint()
	if n > uint64(maxRenewal) {
		d.failed = true
		return 0
	}
	return int64(n)
}

func (d *decoder) tags() []tag {
	n, levels := d.uvarint(), d.uvarint()
	if n == 0 || n > maxTags || levels == 0 || levels > maxDepth+1 {
		d.failed = true
		return nil
	}
	tags := make([]tag, 0, n)
	for range n {
		t := tag{name: string(d.take(int(min(d.uvarint(), MaxKeyLen+1)))), versions: make([]uint64, levels)}
		for i := range t.versions {
			t.versions[i] = d.uint64()
		}
		tags = append(tags, t)
	}
	return tags
}

// life is how long the store has to keep the frame from now on.
func (f *frame) life(now int64) time.Duration {
	d := int64(1)
	if f.flags&flagSoft != 0 {
		d = max(d, f.fresh-now+max(f.staleFor, f.staleIfError))
	}
	if f.flags&flagLease != 0 {
		d = max(d, f.deadline-now)
	}
	return time.Duration(d)
}

// scopes are the prefixes of the levels of namespace above and at c, from the store's down. Names have no colon.
func (c *Cache) scopes() []string {
	all := make([]string, 1, c.depth+1)
	for at := 0; at < len(c.prefix); {
		at += strings.IndexByte(c.prefix[at:], ':') + 1
		all = append(all, c.prefix[:at])
	}
	return all
}
