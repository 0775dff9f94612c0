package memstore

import "slices"

// A limbo keeps rooms that no reader finds any more, until nobody reads there. Many are looked at together, for each look is at the seats
// of all readers.
type limbo struct {
	refs   []uint32
	full   int      // how many there are when they are looked at next
	inside []uint32 // where somebody read when they were looked at last
}

const lot = 64 // rooms that come between two looks

// retire frees the room, once nobody reads there. Its ref is in no table any more.
func (s *Store) retire(ref uint32) {
	l := &s.limbo
	if l.refs = append(l.refs, ref); len(l.refs) >= max(l.full, lot) {
		s.reclaim()
	}
}

// reclaim frees the rooms of the limbo where nobody reads.
func (s *Store) reclaim() {
	l := &s.limbo
	l.inside = s.readers.inside(l.inside[:0])
	stay := l.refs[:0]
	for _, ref := range l.refs {
		if slices.Contains(l.inside, ref) {
			stay = append(stay, ref)
		} else {
			s.arena.free(ref)
		}
	}
	l.refs, l.full = stay, len(stay)+lot
}
