package memstore

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// Batch is how many entries an operation on many handles at a time.
const Batch = batch

// Visit is how many entries the janitor removes before it rests.
const Visit = visit

// NewAt returns a store whose clock the test holds, and which has no janitor.
func NewAt(o *Options, now func() time.Duration) (*Store, error) { return newAt(o, now) }

// Check returns what is wrong with the structure.
func (s *Store) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	return errors.Join(s.checkLimits(), s.checkOrder(), s.checkShards(), s.arena.check(), s.checkRooms())
}

func (s *Store) checkLimits() error {
	var bytes int64
	entries := 0
	for i := range s.shards {
		sh := &s.shards[i]
		for ref := range sh.table.Load().refs {
			r := s.arena.at(ref)
			bytes += size(r.keyLen(), len(sh.value(ref, r)))
			entries++
		}
	}
	switch {
	case entries != s.order.len:
		return fmt.Errorf("%d entries in the tables, %d in the order", entries, s.order.len)
	case bytes != s.bytes:
		return fmt.Errorf("%d bytes held, %d accounted", bytes, s.bytes)
	case entries > s.maxEntries:
		return fmt.Errorf("%d entries; the limit is %d", entries, s.maxEntries)
	case s.maxBytes > 0 && bytes > s.maxBytes:
		return fmt.Errorf("%d bytes; the limit is %d", bytes, s.maxBytes)
	}
	return nil
}

// checkRooms accounts for every room: an entry's or one in the limbo.
func (s *Store) checkRooms() error {
	rooms, waiting := 0, len(s.limbo.refs)+len(s.limbo.empty)
	for _, p := range s.arena.pages {
		rooms += int(p.used)
	}
	if rooms != s.order.len+waiting || len(s.leaving) != 0 {
		return fmt.Errorf("%d rooms for %d entries and %d that wait for readers; %d are leaving", rooms, s.order.len, waiting, len(s.leaving))
	}
	return nil
}

func (s *Store) checkOrder() error {
	o := &s.order
	begin, end := uint32(root), o.end()
	if o.hollow {
		begin, end = root+1, o.end()+1
	}
	for i := begin; i < end; i++ {
		n := o.nodes.at(i)
		r := s.arena.at(n.ref)
		switch {
		case *o.places.at(n.slot) != i:
			return fmt.Errorf("the node of slot %d stands at %d; places says %d", n.slot, i, *o.places.at(n.slot))
		case r.slot() != n.slot:
			return fmt.Errorf("the node of slot %d has the record of slot %d", n.slot, r.slot())
		case r.expires() != n.expires:
			return fmt.Errorf("the node of slot %d expires at %d, its record at %d", n.slot, n.expires, r.expires())
		case i > root && parent(i) >= begin && o.before(n, o.nodes.at(parent(i))):
			return fmt.Errorf("the node at %d goes before its parent", i)
		}
	}
	free := uint32(0)
	for next := o.freeSlot; next != 0; next = *o.places.at(next - 1) {
		if free++; free > o.slots {
			return errors.New("the free slots run in a circle")
		}
	}
	if int(o.slots-free) != o.len {
		return fmt.Errorf("%d slots less %d free for %d entries", o.slots, free, o.len)
	}
	return nil
}

func (s *Store) checkShards() error {
	for i := range s.shards {
		sh := &s.shards[i]
		hashes := make(map[uint32]uint64)
		apart := 0
		for ref := range sh.table.Load().refs {
			r := s.arena.at(ref)
			hashes[ref] = maphash.Bytes(s.seed, r.key())
			if s.shard(hashes[ref]) != sh {
				return fmt.Errorf("key %q lies in shard %d", r.key(), i)
			}
			if r.isApart() {
				apart++
				if sh.large.values[ref] == nil {
					return fmt.Errorf("key %q has no value", r.key())
				}
			}
		}
		if len(sh.large.values) != apart {
			return fmt.Errorf("shard %d: %d values apart for %d records", i, len(sh.large.values), apart)
		}
		if len(hashes) != sh.used {
			return fmt.Errorf("shard %d: %d refs, %d accounted", i, len(hashes), sh.used)
		}
		if err := sh.table.Load().check(hashes); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
	}
	return nil
}

// check looks at every ref, whose hashes are given, from its home on.
func (t table) check(hashes map[uint32]uint64) error {
	passedBys := make([]uint64, len(t))
	for ref, h := range hashes {
		b, _ := t.locate(h, ref)
		for i := t.home(h); i != b; i = (i + 1) % len(t) {
			passedBys[i]++
		}
	}
	for i, want := range passedBys {
		if got := t[i].meta.Load() / passedBy; got != want {
			return fmt.Errorf("bucket %d counts %d that passed by; there are %d", i, got, want)
		}
	}
	return nil
}

func (a *arena) check() error {
	open := make(map[uint32]bool)
	for k := range a.classes {
		for next := a.classes[k].open; next != 0; next = a.pages[next-1].next {
			if open[next-1] || int(a.pages[next-1].class) != k {
				return fmt.Errorf("page %d is in the wrong list", next-1)
			}
			open[next-1] = true
		}
	}
	spare := make(map[uint8]int)
	rooms, used := make(map[uint8]int), make(map[uint8]int)
	for i := range a.pages {
		n := uint32(i)
		if a.directory[n/blockLen][n%blockLen] == nil {
			continue
		}
		p := &a.pages[i]
		units := a.classes[p.class].units
		rooms[p.class] += a.pageLen(n) / units
		used[p.class] += int(p.used)
		if p.used == 0 {
			spare[p.class]++
		}
		free := int32(0)
		for next := p.free; next != 0; free++ {
			room := a.at(n<<pageBits | uint32(next-1))
			next = uint16(room[0]) | uint16(room[1])<<8
		}
		if int(p.used+free) != int(p.fresh)/units {
			return fmt.Errorf("page %d: %d rooms in use and %d free of %d", i, p.used, free, int(p.fresh)/units)
		}
		if hasRoom := free > 0 || int(p.fresh)+units <= a.pageLen(n); (hasRoom && !p.draining) != open[n] {
			return fmt.Errorf("page %d: room %v, in the list %v", i, hasRoom, open[n])
		}
	}
	for k := range a.classes {
		if c := &a.classes[k]; c.rooms != rooms[uint8(k)] || c.used != used[uint8(k)] || spare[uint8(k)] > 1 || c.spare != (spare[uint8(k)] == 1) {
			return fmt.Errorf("class %d: %d rooms of %d, %d used of %d, %d pages empty", k, rooms[uint8(k)], c.rooms, used[uint8(k)], c.used, spare[uint8(k)])
		}
	}
	return nil
}

// JanitorComes tells whether the janitor's timer is set.
func (s *Store) JanitorComes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.janitor.due != never
}

// Handful is how many entries the janitor removes at a time, and Tidy does that.
const Handful = handful

func (s *Store) Tidy() { s.tidySome(true) }
