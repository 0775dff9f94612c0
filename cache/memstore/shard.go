package memstore

// A shard is a part of the entries, chosen by hash: a table that finds them, behind a gate of its own so that readers on many cores seldom write to
// the same cache line. It is a line long itself.
type shard struct {
	gate
	closed bool
	table  table
	used   int               // cells of the table
	apart  map[uint32][]byte // the values that are no part of their records, by ref; never written into
	_      [16]byte
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

// full tells whether the table must grow before it takes another ref: from five sixths on.
func (s *shard) full() bool { return s.used >= len(s.table)*(cells-1) }

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

// value is the value of the record at ref.
func (s *shard) value(ref uint32, r record) []byte {
	if r.isApart() {
		return s.apart[ref]
	}
	return r.value()
}

// hold keeps the value of the record at ref, where it is apart.
func (s *shard) hold(ref uint32, value []byte) {
	if s.apart == nil {
		s.apart = make(map[uint32][]byte)
	}
	s.apart[ref] = value
}
