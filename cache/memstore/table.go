package memstore

import (
	"math/bits"
	"sync/atomic"
)

// A table finds refs by hash. It is a row of buckets of half a cache line, each with six cells; a ref lies in the bucket of its hash or, where
// that is full, in the next that is not. Every bucket counts the refs that had to pass by it, so that a search ends at the first bucket that
// nobody passed, and nothing need be left behind where a ref is taken out.
//
//	meta  | passed by: 16 bits | tag 5 | tag 4 | tag 3 | tag 2 | tag 1 | tag 0 |
//	refs  | ref 0 | ref 1 | ref 2 | ref 3 | ref 4 | ref 5 |
//
// A tag is eight bits of the hash, 0 where the cell is empty: so a search compares six cells in a few instructions, and looks at about one
// record in forty in vain.
//
// Many read while one writes. A ref is there before its tag, and its tag goes before another takes its cell, so a search finds a record
// that was there at some moment of it, and one that was there all the time it does find.
type table []bucket

type bucket struct {
	meta atomic.Uint64
	refs [cells]atomic.Uint32
}

const (
	cells = 6

	ones     = 0x01_01_01_01_01_01
	lows     = 0x7f_7f_7f_7f_7f_7f
	tops     = 0x80_80_80_80_80_80
	passedBy = 1 << 48 // the unit of the count
)

func tagOf(h uint64) uint64 { return max(h&0xff, 1) }

// home is the bucket where the hash belongs. It takes other bits than the tag and the choice of a shard.
func (t table) home(h uint64) int { return int(uint64(uint32(h>>8)) * uint64(len(t)) >> 32) }

// matches has the top bit of every byte set whose cell has this tag.
func matches(meta, tag uint64) uint64 {
	x := meta ^ tag*ones // zero where they are the same
	return ^(x&lows + lows | x) & tops
}

// insert puts the ref into the first empty cell from home on. There must be one.
func (t table) insert(h uint64, ref uint32) {
	i := t.home(h)
	for {
		b := &t[i]
		meta := b.meta.Load()
		if empty := matches(meta, 0); empty != 0 {
			cell := bits.TrailingZeros64(empty) / 8
			b.refs[cell].Store(ref)
			b.meta.Store(meta | tagOf(h)<<(8*cell))
			return
		}
		b.meta.Store(meta + passedBy)
		if i++; i == len(t) {
			i = 0
		}
	}
}

// take empties the cell where ref lies, which must be there.
func (t table) take(h uint64, ref uint32) {
	b, cell := t.locate(h, ref)
	t[b].meta.Store(t[b].meta.Load() &^ (0xff << (8 * cell)))
	for i := t.home(h); i != b; {
		t[i].meta.Store(t[i].meta.Load() - passedBy)
		if i++; i == len(t) {
			i = 0
		}
	}
}

// replace lets the cell where ref lies, which must be there, have another.
func (t table) replace(h uint64, ref, by uint32) {
	b, cell := t.locate(h, ref)
	t[b].refs[cell].Store(by)
}

// find finds the record with this key, for the writer. It looks at each bucket once at most.
func (t table) find(h uint64, key string, a *arena) (ref uint32, found bool) {
	tag := tagOf(h)
	i := t.home(h)
	for range t {
		b := &t[i]
		meta := b.meta.Load()
		for m := matches(meta, tag); m != 0; m &= m - 1 {
			cell := bits.TrailingZeros64(m) / 8
			if ref := b.refs[cell].Load(); string(a.at(ref).key()) == key {
				return ref, true
			}
		}
		if meta < passedBy {
			break
		}
		if i++; i == len(t) {
			i = 0
		}
	}
	return 0, false
}

// has tells whether the cell has this ref, under this tag. The tag is asked for first: where it is gone the ref may be one that was taken
// out before.
func (b *bucket) has(cell int, tag uint64, ref uint32) bool {
	return b.meta.Load()>>(8*cell)&0xff == tag && b.refs[cell].Load() == ref
}

// locate finds the cell where ref lies, which must be there.
func (t table) locate(h uint64, ref uint32) (bucket, cell int) {
	tag := tagOf(h)
	for i := t.home(h); ; {
		b := &t[i]
		for m := matches(b.meta.Load(), tag); m != 0; m &= m - 1 {
			if cell := bits.TrailingZeros64(m) / 8; b.refs[cell].Load() == ref {
				return i, cell
			}
		}
		if i++; i == len(t) {
			i = 0
		}
	}
}

// refs yields every ref.
func (t table) refs(yield func(ref uint32) bool) {
	for i := range t {
		b := &t[i]
		for m := ^matches(b.meta.Load(), 0) & tops; m != 0; m &= m - 1 {
			if !yield(b.refs[bits.TrailingZeros64(m)/8].Load()) {
				return
			}
		}
	}
}
