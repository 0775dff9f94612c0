package memstore

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/larder-go/larder/cache"
)

// size is what an entry counts for, in bytes.
func size(keyLen, valueLen int) int64 { return int64(keyLen) + int64(valueLen) + Bookkeeping }

// own returns what put may keep: a copy where the value will be a slice of its own, which is better made before the store is locked.
func own(key string, value []byte) []byte {
	if staysApart(len(key), len(value)) {
		return clone(value)
	}
	return value
}

// put stores value under e's key, after it made room for it. It keeps the slice if that is apart from its record, else a copy. An error changes nothing.
func (s *Store) put(now time.Duration, e *entry, value []byte, expires time.Duration) error {
	need := size(len(e.key), len(value))
	if s.maxBytes > 0 && need > s.maxBytes {
		return fmt.Errorf("%w: it takes %d bytes with its key and bookkeeping; allowed: up to %d", cache.ErrTooLarge, need, s.maxBytes)
	}
	if err := checkKey(e.key); err != nil {
		return err
	}
	expires = s.stamp(now, expires)
	if e.there {
		s.overwrite(now, e, value, expires)
		s.compact(1)
		return nil
	}
	removed := s.sweep(now, 1) // one for one: however fast they come, those that have expired do not become more
	s.makeRoom(now, need, 1)
	n := node{expires, s.alloc(now, unitsFor(len(e.key), len(value))), s.order.newSlot()}
	s.write(n, e.key, value)
	s.order.push(n)
	s.bytes += need
	removed += s.unlink() // not before: while the order waits for memory the victim's record is on its way
	s.add(e, n.ref, value)
	s.compact(removed)
	return nil
}

// checkKey refuses a key that is too long for a record. Keys of a cache never are.
func checkKey(key string) error {
	if len(key) > maxKeyLen {
		return fmt.Errorf("%w: it has %d bytes; allowed: up to %d", cache.ErrInvalidKey, len(key), maxKeyLen)
	}
	return nil
}

// stamp begins the write of an entry with the expiry given, and returns it as it is kept.
func (s *Store) stamp(now, expires time.Duration) time.Duration {
	s.serial++
	if expires >= permanent {
		return permanent + time.Duration(s.serial)
	}
	if expires+tidiness < s.janitor.due {
		s.janitor.comeAt(s, now, expires+tidiness)
	}
	return expires
}

// overwrite replaces the value and the expiry of e, by a record in another room: readers may be in that which it has.
func (s *Store) overwrite(now time.Duration, e *entry, value []byte, expires time.Duration) {
	n := node{expires: expires, slot: e.record.slot()}
	grows := int64(len(value) - len(e.value()))
	units := unitsFor(len(e.key), len(value))
	crowded := s.full(grows, 0) || !s.hasRoom(units)
	if crowded {
		s.order.remove(n.slot) // so that it cannot be its own victim
		s.makeRoom(now, grows, 0)
	}
	n.ref = s.alloc(now, units)
	s.write(n, e.key, value)
	s.bytes += grows
	if crowded {
		s.order.push(n)
	} else {
		s.order.renew(n)
	}
	s.replace(e, n.ref, value)
	s.unlink()
}

// renew gives e another expiry, which counts as setting it now.
func (s *Store) renew(now time.Duration, e *entry, expires time.Duration) {
	s.overwrite(now, e, e.value(), s.stamp(now, expires))
}

// replace lets readers find the record at ref instead of e's.
func (s *Store) replace(e *entry, ref uint32, value []byte) {
	sh := e.shard
	if s.arena.at(ref).isApart() {
		sh.large.put(ref, value)
	}
	sh.table.Load().replace(e.hash, e.ref, ref)
	if e.record.isApart() {
		sh.large.remove(e.ref)
	}
	s.retire(e.ref)
}

// write makes the record of an entry in n's room, which no reader knows yet.
func (s *Store) write(n node, key string, value []byte) {
	r := s.arena.at(n.ref)
	r.setExpires(n.expires)
	r.setSlot(n.slot)
	copy(r[headerLen:], key)
	if staysApart(len(key), len(value)) {
		r.setWord(s.serial, apart, len(key))
		return
	}
	r.setWord(s.serial, len(value), len(key))
	copy(r[headerLen+len(key):], value)
}

// add lets readers find the record at ref, which is e's.
func (s *Store) add(e *entry, ref uint32, value []byte) {
	sh := e.shard
	if sh.full() {
		s.grow(sh)
	}
	sh.used++
	if staysApart(len(e.key), len(value)) {
		sh.large.put(ref, value)
	}
	sh.table.Load().insert(e.hash, ref)
}

func (s *Store) grow(sh *shard) {
	t := sh.table.Load()
	longer := grown(len(*t), s.maxEntries/len(s.shards))
	for ref := range t.refs {
		longer.insert(maphash.Bytes(s.seed, s.arena.at(ref).key()), ref)
	}
	sh.table.Store(&longer)
}
