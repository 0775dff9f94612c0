package memstore

import (
	"container/heap"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

// permanent is the expiry of an entry without one: it sorts after all others.
const permanent = time.Duration(math.MaxInt64)

// bookkeeping is what an entry costs beyond its key and value, in bytes: the entry itself (80), its share of the map at
// the load that maps grow at (about 32) and of the heap (about 12), rounded up.
const bookkeeping = 128

type entry struct {
	key     string
	value   []byte
	expires time.Duration // on the store's clock
	serial  uint64        // grows with every write of a value or a lifetime: the order among equal expiries
	place   int           // index in order; -1 while it is in none
}

func (e *entry) expired(now time.Duration) bool { return e.expires != permanent && now >= e.expires }

func (e *entry) size() int64 { return size(e.key, e.value) }

func size(key string, value []byte) int64 { return int64(len(key)) + int64(len(value)) + bookkeeping }

// expiry is when an entry stored at now with the lifetime ttl expires. A lifetime that ends beyond the clock's range (292
// years) ends at its last instant.
func expiry(now, ttl time.Duration) time.Duration {
	if ttl == cache.Forever {
		return permanent
	}
	if ttl >= permanent-now {
		return permanent - 1
	}
	return now + ttl
}

// order is a heap of entries with the next victim on top.
type order []*entry

var _ heap.Interface = (*order)(nil)

func (o order) Len() int { return len(o) }

func (o order) Less(i, j int) bool {
	if o[i].expires != o[j].expires {
		return o[i].expires < o[j].expires
	}
	return o[i].serial < o[j].serial
}

func (o order) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i, j
}

// Push is for container/heap.
func (o *order) Push(x any) {
	e := x.(*entry)
	e.place = len(*o)
	*o = append(*o, e)
}

// Pop is for container/heap.
func (o *order) Pop() any {
	last := len(*o) - 1
	e := (*o)[last]
	(*o)[last] = nil // so that the entry can be collected
	*o = (*o)[:last]
	e.place = -1
	return e
}
