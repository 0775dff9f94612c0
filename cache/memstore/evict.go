package memstore

import (
	"hash/maphash"
	"time"
)

// full tells whether need bytes and so many entries more would be too much.
func (s *Store) full(need int64, entries int) bool {
	return s.order.len+entries > s.maxEntries || s.maxBytes > 0 && s.bytes+need > s.maxBytes
}

// makeRoom evicts until there is room for need bytes and so many more entries.
func (s *Store) makeRoom(now time.Duration, need int64, entries int) {
	for s.order.len > 0 && s.full(need, entries) {
		s.evict(now)
	}
}

// findRoom is makeRoom at nobody's cost, and finds so many units in the arena too: it removes expired entries only, and tells
// whether that was enough.
func (s *Store) findRoom(now time.Duration, need int64, entries, units int) bool {
	for s.full(need, entries) || !s.hasRoom(units) {
		if s.sweep(now, 1) == 0 {
			return false
		}
	}
	return true
}

// alloc returns a room. Where the arena has none left it evicts until it has.
func (s *Store) alloc(now time.Duration, units int) (ref uint32) {
	for !s.hasRoom(units) {
		if len(s.leaving) == 0 {
			s.evict(now)
		}
		s.unlink()
	}
	ref, _ = s.arena.alloc(units)
	return ref
}

// hasRoom tells whether the arena has a room for so many units.
func (s *Store) hasRoom(units int) bool {
	if !s.arena.hasRoom(units) {
		s.reclaim()
	}
	return s.arena.hasRoom(units)
}

// sweep removes up to limit expired entries and returns how many.
func (s *Store) sweep(now time.Duration, limit int) int {
	n := 0
	for n < limit && s.order.len > 0 && s.order.first().expires <= now {
		s.evict(now)
		n++
	}
	s.unlink()
	return n
}

// evict removes the next victim, as leave does.
func (s *Store) evict(now time.Duration) {
	victim := s.order.first()
	if victim.expires > now {
		s.evictions++
	}
	s.order.pop()
	s.leave(victim)
}

// remove removes the entry.
func (s *Store) remove(e *entry) {
	n := node{ref: e.ref, slot: e.record.slot()}
	s.order.remove(n.slot)
	s.leave(n)
	s.compact(s.unlink())
	if len(s.limbo.refs)+len(s.limbo.empty) > s.order.len/8 { // they hold pages, of which few entries are left
		s.reclaim()
	}
}

// leave counts an entry out that is in no order any more. Readers find its record until unlink, which must be before the store is
// unlocked.
func (s *Store) leave(n node) {
	s.bytes -= s.sizeOf(n.ref)
	s.leaving = append(s.leaving, n)
}

// unlink takes the records of those that leave from where readers find them, and returns how many they were.
func (s *Store) unlink() (n int) {
	for _, n := range s.leaving {
		r := s.arena.at(n.ref)
		h := maphash.Bytes(s.seed, r.key())
		sh := s.shard(h)
		sh.table.Load().take(h, n.ref)
		sh.used--
		if r.isApart() {
			sh.large.remove(n.ref)
		}
		s.order.releaseSlot(n.slot)
		s.retire(n.ref)
	}
	n = len(s.leaving)
	s.leaving = s.leaving[:0]
	return n
}

// sizeOf is the size of the entry whose record is at ref.
func (s *Store) sizeOf(ref uint32) int64 {
	r := s.arena.at(ref)
	if !r.isApart() {
		return size(r.keyLen(), r.valueLen())
	}
	large, _ := s.shard(maphash.Bytes(s.seed, r.key())).large.get(ref)
	return size(r.keyLen(), len(large))
}
