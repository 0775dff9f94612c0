package memstore

import (
	"fmt"
	"time"
)

// Batch is how many entries an operation on many handles at a time.
const Batch = batch

// NewAt returns a store whose clock the test holds.
func NewAt(o *Options, now func() time.Duration) (*Store, error) { return newAt(o, now) }

// WriteWaits tells whether a write waits for a read to end.
func (s *Store) WriteWaits() bool {
	if s.mu.TryRLock() {
		s.mu.RUnlock()
		return false
	}
	return true
}

// Check returns what is wrong with the structure.
func (s *Store) Check() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var bytes int64
	for i, e := range s.order {
		bytes += e.size()
		if e.place != i {
			return fmt.Errorf("entry %q stands at %d and says %d", e.key, i, e.place)
		}
		if s.entries[e.key] != e {
			return fmt.Errorf("entry %q of the heap is not the map's", e.key)
		}
		if e.value == nil {
			return fmt.Errorf("entry %q has no value", e.key)
		}
		if parent := (i - 1) / 2; i > 0 && s.order.Less(i, parent) {
			return fmt.Errorf("entry %q at %d sorts before its parent", e.key, i)
		}
	}
	switch {
	case len(s.entries) != len(s.order):
		return fmt.Errorf("%d entries in the map, %d in the heap", len(s.entries), len(s.order))
	case bytes != s.bytes:
		return fmt.Errorf("%d bytes held, %d accounted", bytes, s.bytes)
	case len(s.entries) > s.maxEntries:
		return fmt.Errorf("%d entries; the limit is %d", len(s.entries), s.maxEntries)
	case s.maxBytes > 0 && bytes > s.maxBytes:
		return fmt.Errorf("%d bytes; the limit is %d", bytes, s.maxBytes)
	}
	return nil
}
