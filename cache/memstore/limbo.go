package memstore

// A limbo keeps rooms that readers no longer find, until no reader can be looking at them any more. They come and go in two lots, so that
// the places of the readers are looked at once for many rooms.
type limbo struct {
	next    []uint32 // refs, of which nothing was asked yet
	waiting []uint32 // refs taken out before watched was made
	watched []uint8  // places of readers that have not been seen empty since
}

const (
	// lot is how many rooms a lot has, or more while a reader is inside.
	lot = 64
	// patience is how many rooms wait for a reader until the writer does. A reader is inside for a microsecond at most, unless it loses its
	// processor there.
	patience = 4096
)

func (l *limbo) empty() bool { return len(l.next)+len(l.waiting) == 0 }

// retire frees the room, once nobody reads there. Its ref is in no table any more.
func (s *Store) retire(ref uint32) {
	l := &s.limbo
	l.next = append(l.next, ref)
	if len(l.next) < lot {
		return
	}
	s.release()
	if len(l.next) >= patience {
		s.await()
	}
}

// release frees the rooms that wait, if all readers are gone that were there, and lets the next lot wait. It tells whether it did.
func (s *Store) release() bool {
	l := &s.limbo
	for len(l.watched) > 0 {
		last := len(l.watched) - 1
		if !s.readers[l.watched[last]].empty() {
			return false
		}
		l.watched = l.watched[:last]
	}
	for _, ref := range l.waiting {
		s.arena.free(ref)
	}
	l.waiting, l.next = l.next, l.waiting[:0]
	if len(l.waiting) == 0 {
		return true
	}
	for i := range s.readers {
		if !s.readers[i].empty() {
			l.watched = append(l.watched, uint8(i))
		}
	}
	return true
}

// releaseAll frees all rooms that nobody reads in: all but seldom, since readers are soon gone.
func (s *Store) releaseAll() {
	if s.release() {
		s.release()
	}
}

// await frees all rooms, once the readers that may be there have left.
func (s *Store) await() {
	s.readers.wait()
	l := &s.limbo
	l.waiting, l.next, l.watched = append(l.waiting, l.next...), l.next[:0], l.watched[:0]
	s.release()
}
