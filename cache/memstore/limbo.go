package memstore

import "slices"

// A limbo keeps rooms that no reader finds any more, until nobody reads there. Many are looked at together, for each look is at the seats
// of all readers; but they are freed a few at a time, or one write in so many would take as long as all of them.
type limbo struct {
	refs   []uint32
	full   int      // how many there are when they are looked at next
	inside []uint32 // where somebody read when they were looked at last
	empty  []uint32 // where nobody did
}

const (
	lot     = 64 // rooms that come between two looks
	freeing = 2  // rooms that are freed for one that comes
)

// retire frees the room, once nobody reads there. Its ref is in no table any more.
func (s *Store) retire(ref uint32) {
	l := &s.limbo
	if l.refs = append(l.refs, ref); len(l.refs) >= max(l.full, lot) {
		s.lookInside()
	}
	s.freeRooms(freeing)
}

// reclaim frees the rooms of the limbo where nobody reads.
func (s *Store) reclaim() {
	s.lookInside()
	s.freeRooms(len(s.limbo.empty))
}

// lookInside finds out in which rooms of the limbo nobody reads.
func (s *Store) lookInside() {
	l := &s.limbo
	l.inside = s.readers.inside(l.inside[:0])
	stay := l.refs[:0]
	for _, ref := range l.refs {
		if slices.Contains(l.inside, ref) {
			stay = append(stay, ref)
		} else {
			l.empty = append(l.empty, ref)
		}
	}
	l.refs, l.full = stay, len(stay)+lot
}

// freeRooms frees up to n of the rooms where nobody reads.
func (s *Store) freeRooms(n int) {
	l := &s.limbo
	left := max(len(l.empty)-n, 0)
	for _, ref := range l.empty[left:] {
		s.arena.free(ref)
	}
	l.empty = l.empty[:left]
}
