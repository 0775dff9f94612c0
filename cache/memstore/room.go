package memstore

import (
	"container/heap"
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// put stores a copy of value, after it made room for it. An error changes nothing.
func (s *Store) put(now time.Duration, key string, value []byte, expires time.Duration) error {
	need := size(key, value)
	if s.maxBytes > 0 && need > s.maxBytes {
		return fmt.Errorf("%w: it takes %d bytes with its key and bookkeeping; allowed: up to %d", cache.ErrTooLarge, need, s.maxBytes)
	}
	e := s.entries[key]
	if e == nil {
		s.makeRoom(now, need, 1)
		e = &entry{key: strings.Clone(key)} // the caller's may be a piece of a whole request
		s.entries[e.key] = e
	} else {
		// Out of the order while room is made, so that it cannot be its own victim.
		heap.Remove(&s.order, e.place)
		s.bytes -= e.size()
		s.makeRoom(now, need, 0)
	}
	s.serial++
	e.value, e.expires, e.serial = clone(value), expires, s.serial
	s.bytes += need
	heap.Push(&s.order, e)
	return nil
}

// renew gives e another expiry, which counts as setting it now.
func (s *Store) renew(e *entry, expires time.Duration) {
	s.serial++
	e.expires, e.serial = expires, s.serial
	heap.Fix(&s.order, e.place)
}

// full tells whether need bytes and so many entries more would be too much.
func (s *Store) full(need int64, entries int) bool {
	return len(s.entries)+entries > s.maxEntries || s.maxBytes > 0 && s.bytes+need > s.maxBytes
}

// makeRoom evicts until there is room for need bytes and so many more entries.
func (s *Store) makeRoom(now time.Duration, need int64, entries int) {
	for len(s.order) > 0 && s.full(need, entries) {
		victim := s.order[0]
		if !victim.expired(now) {
			s.evictions++
		}
		s.remove(victim)
	}
}

// findRoom is makeRoom at nobody's cost: it removes expired entries only, and tells whether that was enough.
func (s *Store) findRoom(now time.Duration, need int64, entries int) bool {
	for s.full(need, entries) {
		if s.sweep(now, 1) == 0 {
			return false
		}
	}
	return true
}

func (s *Store) remove(e *entry) {
	heap.Remove(&s.order, e.place)
	delete(s.entries, e.key)
	s.bytes -= e.size()
}
