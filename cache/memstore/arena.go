package memstore

import "math/bits"

// An arena is where records lie: memory without pointers, which the garbage collector need not look into. It consists of pages, each cut into
// rooms of one size; a ref names a room. Records up to 512 bytes have a size to 8 bytes; above, sizes are an eighth of a power of two apart.
//
// Only the writer, who holds the store's mutex, allocates and frees. Readers follow refs they found in a table; a page's place in the
// directory never moves, and a room is freed only when no reader can be in it any more (see limbo): so what a reader follows is there until
// it leaves.
type arena struct {
	directory [maxPages / blockLen]*[blockLen][]byte // the pages' memory
	pages     []page                                 // the rest of what is known of them
	unused    []uint32                               // numbers of pages that were given back
	classes   [classCount]class
	limit     int // pages at most, and always more than the classes can keep empty
	drain     drain
}

const (
	unit     = 8   // bytes; what sizes and refs count in
	maxUnits = 512 // of a record
	maxPages = 1 << 18
	blockLen = 512

	pageBits  = 14 // of a ref: the unit within the page
	pageUnits = 1 << pageBits
	// A class begins with small pages, so that a store of few entries is small; a further page has a quarter of what there is, up to pageUnits.
	leastPageUnits = maxUnits
)

// A page is cut into rooms of one class. The free ones are a list within themselves, behind them are those that never were in use.
type page struct {
	class      uint8
	draining   bool   // in no list, and dropped when its last room is free
	used       int32  // rooms
	free       uint16 // the first free room's unit, plus 1; 0: none
	fresh      uint16 // units from here on were never in use
	prev, next uint32 // in the class's list of pages with room, plus 1; 0: none
}

type class struct {
	units int    // of a room
	rooms int    // in all pages
	used  int    // of them
	open  uint32 // first of the list of pages with room, plus 1
	spare bool   // one of them is empty
}

func (a *arena) init() {
	a.limit = maxPages
	for units := range maxUnits + 1 {
		a.classes[classOf(units)].units = units // the largest that falls in it
	}
}

// at returns the record in the room, and what lies behind it in the page.
func (a *arena) at(ref uint32) record {
	memory := a.directory[ref>>pageBits/blockLen][ref>>pageBits%blockLen]
	return record(memory[ref%pageUnits*unit:])
}

// alloc returns a room for so many units, or false where the arena is at its limit of pages.
func (a *arena) alloc(units int) (ref uint32, ok bool) {
	k := classOf(units)
	c := &a.classes[k]
	if c.open == 0 && !a.addPage(uint8(k)) {
		return 0, false
	}
	n := c.open - 1
	p := &a.pages[n]
	if p.used == 0 {
		c.spare = false
	}
	p.used++
	c.used++
	var at uint16
	if p.free != 0 {
		at = p.free - 1
		room := a.at(n<<pageBits | uint32(at))
		p.free = uint16(room[0]) | uint16(room[1])<<8
	} else {
		at = p.fresh
		p.fresh += uint16(c.units)
	}
	if p.free == 0 && int(p.fresh)+c.units > a.pageLen(n) {
		a.unlink(n)
	}
	return n<<pageBits | uint32(at), true
}

// hasRoom tells whether alloc would find a room for so many units.
func (a *arena) hasRoom(units int) bool {
	return a.classes[classOf(units)].open != 0 || len(a.unused) > 0 || len(a.pages) < a.limit
}

// free gives a room back. A page that becomes empty is given to the collector, but for one of each class: or else a store at its
// limit could take a page and give it back with every entry.
func (a *arena) free(ref uint32) {
	n := ref >> pageBits
	p := &a.pages[n]
	c := &a.classes[p.class]
	if !p.draining && p.free == 0 && int(p.fresh)+c.units > a.pageLen(n) { // it was full
		a.link(n)
	}
	room := a.at(ref)
	room[0], room[1] = byte(p.free), byte(p.free>>8)
	p.free = uint16(ref%pageUnits) + 1
	p.used--
	c.used--
	switch {
	case p.used > 0:
	case p.draining || c.spare:
		a.dropPage(n)
	default:
		c.spare = true
	}
}

func (a *arena) pageLen(n uint32) int { return len(a.directory[n/blockLen][n%blockLen]) / unit }

func (a *arena) addPage(k uint8) bool {
	var n uint32
	switch {
	case len(a.unused) > 0:
		n = a.unused[len(a.unused)-1]
		a.unused = a.unused[:len(a.unused)-1]
	case len(a.pages) < a.limit:
		n = uint32(len(a.pages))
		a.pages = append(a.pages, page{})
		if n%blockLen == 0 {
			a.directory[n/blockLen] = new([blockLen][]byte)
		}
	default:
		return false
	}
	c := &a.classes[k]
	units := min(max(leastPageUnits, c.rooms*c.units/4), pageUnits)
	a.directory[n/blockLen][n%blockLen] = make([]byte, units*unit)
	a.pages[n] = page{class: k}
	c.rooms += units / c.units
	c.spare = true
	a.link(n)
	return true
}

func (a *arena) dropPage(n uint32) {
	p := &a.pages[n]
	if !p.draining {
		a.unlink(n)
	}
	c := &a.classes[p.class]
	c.rooms -= a.pageLen(n) / c.units
	*p = page{}
	if a.drain.page == n+1 {
		a.drain.page = 0
	}
	a.directory[n/blockLen][n%blockLen] = nil
	a.unused = append(a.unused, n)
}

// link puts the page into its class's list of those with room.
func (a *arena) link(n uint32) {
	p := &a.pages[n]
	c := &a.classes[p.class]
	p.prev, p.next = 0, c.open
	if c.open != 0 {
		a.pages[c.open-1].prev = n + 1
	}
	c.open = n + 1
}

func (a *arena) unlink(n uint32) {
	p := &a.pages[n]
	if p.prev != 0 {
		a.pages[p.prev-1].next = p.next
	} else {
		a.classes[p.class].open = p.next
	}
	if p.next != 0 {
		a.pages[p.next-1].prev = p.prev
	}
	p.prev, p.next = 0, 0
}

const (
	fineUnits  = 64 // up to here every size is a class
	steps      = 8  // classes to each power of two above
	classCount = fineUnits + 1 + 3*steps
)

// classOf is the class of a record of so many units.
func classOf(units int) int {
	if units <= fineUnits {
		return units
	}
	power := bits.Len(uint(units-1)) - 1 // units are in (2^power, 2^(power+1)]
	step := (units - 1) >> (power - 3) & (steps - 1)
	return fineUnits + 1 + (power-6)*steps + step
}
