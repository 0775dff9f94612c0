package memstore

import "hash/maphash"

// A drain is how the arena is compacted: page by page, some rooms with each entry that is removed. A page that has fewer records than its
// share, of a class that has many free rooms, gives its records to others and then its memory back.
type drain struct {
	hand  int    // the page to look at next, while none is drained
	looks int    // how many pages have ever been looked at
	found int    // looks, when one was found that is worth it
	page  uint32 // that is drained, plus 1; 0: none
	at    int    // where its next room begins, in units
}

// For each entry that is removed a page is looked at, or these are of the page that is drained. So where values of another size come one by
// one for those that go, no more than a third of the rooms are free.
const (
	movesEach = 2 // records
	looksEach = 8 // rooms
)

// compact goes on with the drain after so many entries were removed. Each entry must be in the order and in its table; records move, so an entry that was
// found must be found again.
func (s *Store) compact(removed int) {
	a := &s.arena
	for range removed {
		if a.drain.page == 0 && !a.seek() {
			continue
		}
		for looks, moves := looksEach, movesEach; a.drain.page != 0 && looks > 0 && moves > 0; looks-- {
			if s.drainRoom() {
				moves--
			}
		}
	}
}

// seek looks at the next page, and begins to drain it if it is worth it.
func (a *arena) seek() bool {
	d := &a.drain
	if len(a.pages) == 0 {
		return false
	}
	if d.looks++; d.hand >= len(a.pages) {
		d.hand = 0
	}
	n := uint32(d.hand)
	d.hand++
	p := &a.pages[n]
	c := &a.classes[p.class]
	free := c.rooms - c.used
	if free <= c.rooms/6 || p.used == 0 || p.draining {
		return false
	}
	if rooms := a.pageLen(n) / c.units; free <= 2*rooms || int(p.used)*c.rooms >= c.used*rooms {
		return false
	}
	a.unlink(n)
	p.draining = true
	d.page, d.at, d.found = n+1, 0, d.looks
	return true
}

// drainRoom moves the record in the next room of the page that is drained, if there is one.
func (s *Store) drainRoom() (moved bool) {
	a := &s.arena
	n := a.drain.page - 1
	p := &a.pages[n]
	c := &a.classes[p.class]
	if a.drain.at >= int(p.fresh) { // what is still there is in the limbo
		a.drain.page = 0
		return false
	}
	from := n<<pageBits | uint32(a.drain.at)
	a.drain.at += c.units
	r := a.at(from)
	// What is free, or in the limbo, has the slot of an entry that has gone, or of one that is elsewhere.
	if owner, ok := s.order.has(r.slot()); !ok || owner.ref != from {
		return false
	}
	if c.open == 0 { // the rooms that were free have been taken meanwhile
		p.draining = false
		a.link(n)
		a.drain.page = 0
		return false
	}
	to, _ := a.alloc(c.units)
	copy(a.at(to)[:c.units*unit], r)
	s.order.move(r.slot(), to)
	e := entry{hash: maphash.Bytes(s.seed, r.key()), ref: from, record: r}
	e.shard = s.shard(e.hash)
	s.replace(&e, to, e.value())
	return true
}
