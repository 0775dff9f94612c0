package memstore

import "sync/atomic"

// A shard is a part of the entries, chosen by hash, with a table that finds them. It is a cache line long.
type shard struct {
	table atomic.Pointer[table] // nil: the store is closed
	used  int                   // cells of the table
	large largeValues
	_     [16]byte
}

const (
	minShards    = 64
	maxShards    = 1 << 16
	shardEntries = 1024 // where more than minShards are needed for that
)

// shardsFor is the number of shards, a power of two, of a store of so many entries. They are small so that growing one takes no long time.
func shardsFor(maxEntries int) int {
	n := minShards
	for n < maxShards && n*shardEntries < maxEntries {
		n *= 2
	}
	return n
}

// close lets readers know that there is nothing any more, and never will be.
func (s *shard) close() {
	s.table.Store(nil)
	s.used = 0
	s.large.clear()
}

// full tells whether the table must grow before it takes another ref: from five sixths on.
func (s *shard) full() bool { return s.used >= len(*s.table.Load())*(cells-1) }

// grown is the table that follows one of n buckets that is full, in a store where a shard's share is so many entries: twice as long until that would
// hold its share and a little more, for hashes do not spread evenly; then longer by an eighth.
func grown(n, share int) table {
	ample := (share + share/16) / (cells - 1)
	switch {
	case 2*n < ample:
		return make(table, max(2*n, 1))
	case n < ample:
		return make(table, ample+1)
	}
	return make(table, n+n/8+1)
}

// value is the value of the record at ref, for who holds the store's mutex.
func (s *shard) value(ref uint32, r record) []byte {
	if r.isApart() {
		value, _ := s.large.get(ref)
		return value
	}
	return r.value()
}
