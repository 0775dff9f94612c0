package memstore

import "time"

// An order holds a node for every entry, the next victim first. It is a heap in which every node has four children: half as deep as one with two, and the
// four share a cache line. The root stands at 3, the children of i at 4i-8 to 4i-5, so that each four begin at a multiple of four.
//
// Entries have slots, numbers of their own that stay when nodes move and records do; places says at which position the slot's node stands.
type order struct {
	arena  *arena // where records tell which of two equal expiries was set first
	nodes  paged[node]
	places paged[uint32]
	len    int

	// hollow says that the root was taken out and nothing has been put there yet. At capacity every victim is followed by a new entry, which is put
	// there and sinks; to close the gap first would cost as much again.
	hollow bool

	slots    uint32 // that there are
	freeSlot uint32 // the first free one, plus 1; places has the next. 0: none
}

type node struct {
	expires time.Duration
	ref     uint32
	slot    uint32
}

const root = 3

func parent(i uint32) uint32 { return i/4 + 2 }

// before tells whether a goes before b.
func (o *order) before(a, b *node) bool {
	return a.expires < b.expires || a.expires == b.expires && o.older(a.ref, b.ref)
}

func (o *order) older(a, b uint32) bool {
	return int64((o.arena.at(a).serial()-o.arena.at(b).serial())<<(64-serialBits)) < 0
}

// newSlot returns a slot for an entry, which push then gives a place.
func (o *order) newSlot() uint32 {
	if o.freeSlot != 0 {
		slot := o.freeSlot - 1
		o.freeSlot = *o.places.at(slot)
		return slot
	}
	o.places.fit(o.slots + 1)
	o.slots++
	return o.slots - 1
}

func (o *order) releaseSlot(slot uint32) {
	*o.places.at(slot) = o.freeSlot
	o.freeSlot = slot + 1
}

// first returns the next victim. There must be one.
func (o *order) first() node {
	if o.hollow {
		o.settle()
	}
	return *o.nodes.at(root)
}

// push adds n, whose record must have its serial.
func (o *order) push(n node) {
	o.len++
	if o.hollow {
		o.hollow = false
		o.down(root, n)
		return
	}
	o.nodes.fit(o.end())
	o.up(o.end()-1, n)
}

// pop takes the next victim out.
func (o *order) pop() {
	if o.hollow {
		o.settle()
	}
	o.hollow = true
	o.len--
}

// remove takes the slot's node out.
func (o *order) remove(slot uint32) {
	o.settle()
	hole := *o.places.at(slot)
	o.len--
	last := *o.nodes.at(o.end())
	o.nodes.fit(o.end())
	if last.slot != slot {
		o.put(hole, last)
	}
}

// renew gives n's slot that node instead of the one it has.
func (o *order) renew(n node) {
	o.settle()
	o.put(*o.places.at(n.slot), n)
}

// move says that the record of the slot's entry is at ref now.
func (o *order) move(slot, ref uint32) { o.nodes.at(*o.places.at(slot)).ref = ref }

// has tells whether the slot has a node, and which.
func (o *order) has(slot uint32) (node, bool) {
	o.settle()
	i := *o.places.at(slot)
	if i < root || i >= o.end() {
		return node{}, false
	}
	n := *o.nodes.at(i)
	return n, n.slot == slot
}

// end is the position behind the last node.
func (o *order) end() uint32 { return root + uint32(o.len) }

// settle fills the root, if it was taken out, with the last node.
func (o *order) settle() {
	if !o.hollow {
		return
	}
	o.hollow = false
	last := *o.nodes.at(o.end())
	o.nodes.fit(o.end())
	if o.len > 0 {
		o.down(root, last)
	}
}

// put gives n the position i or one above or below it.
func (o *order) put(i uint32, n node) {
	if i > root && o.before(&n, o.nodes.at(parent(i))) {
		o.up(i, n)
	} else {
		o.down(i, n)
	}
}

// up lets n rise from the free position i.
func (o *order) up(i uint32, n node) {
	for i > root {
		above := o.nodes.at(parent(i))
		if !o.before(&n, above) {
			break
		}
		o.place(i, above)
		i = parent(i)
	}
	o.place(i, &n)
}

// down lets n sink from the free position i.
func (o *order) down(i uint32, n node) {
	for end := o.end(); ; {
		child := 4*i - 8
		if child >= end {
			break
		}
		four := (*[4]node)(o.nodes.pages[child/pagedLen][child%pagedLen:])
		var which uint32
		if child+4 <= end {
			which = o.least(four)
		} else {
			which = o.leastOf(four[:end-child])
		}
		least := &four[which&3]
		if !o.before(least, &n) {
			break
		}
		o.place(i, least)
		i = child + which
	}
	o.place(i, &n)
}

// least tells which of four nodes goes before the others. Nothing foretells which, so it is computed without branches: a processor that
// guesses wrong at each level loses more than the rest takes.
func (o *order) least(four *[4]node) uint32 {
	a, b, c, d := int64(four[0].expires), int64(four[1].expires), int64(four[2].expires), int64(four[3].expires)
	ab := (b - a) >> 63 // all ones where b is less
	cd := (d - c) >> 63
	low, high := a+ab&(b-a), c+cd&(d-c)
	second := (high - low) >> 63
	if a == b || c == d || low == high {
		return o.leastOf(four[:])
	}
	return uint32(ab&1&^second | second&(2|cd&1))
}

// leastOf is least of one to four nodes, of which some may have the same expiry.
func (o *order) leastOf(nodes []node) (which uint32) {
	for k := 1; k < len(nodes); k++ {
		if o.before(&nodes[k], &nodes[which]) {
			which = uint32(k)
		}
	}
	return which
}

func (o *order) place(i uint32, n *node) {
	*o.nodes.at(i) = *n
	*o.places.at(n.slot) = i
}
