package memstore

import (
	"fmt"
	"hash/maphash"
	"time"

	"github.com/larder-go/larder/cache"
)

// An entry is a key and where its record is, if there is one. It holds until the store is unlocked or its own record is moved or removed.
type entry struct {
	key    string
	hash   uint64
	shard  *shard
	there  bool
	ref    uint32
	record record
}

// entry hashes the key, which needs no lock; find then looks it up.
func (s *Store) entry(key string) entry {
	h := maphash.String(s.seed, key)
	return entry{key: key, hash: h, shard: s.shard(h)}
}

func (s *Store) shard(h uint64) *shard { return &s.shards[h>>s.shift] }

func (s *Store) find(e *entry) {
	if e.ref, e.there = e.shard.table.find(e.hash, e.key, &s.arena); e.there {
		e.record = s.arena.at(e.ref)
	}
}

// live tells whether there is an entry that has not expired.
func (e *entry) live(now time.Duration) bool { return e.there && e.record.expires() > now }

func (e *entry) value() []byte { return e.shard.value(e.ref, e.record) }

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
		return nil
	}
	s.sweep(now, 1) // one for one: however fast they come, those that have expired do not become more
	s.makeRoom(now, need, 1)
	n := node{expires, s.alloc(now, unitsFor(len(e.key), len(value))), s.order.newSlot()}
	s.write(n, e.key, value)
	s.add(e, n.ref, value)
	s.order.push(n)
	s.bytes += need
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

// overwrite replaces the value and the expiry of e.
func (s *Store) overwrite(now time.Duration, e *entry, value []byte, expires time.Duration) {
	n := node{expires, e.ref, e.record.slot()}
	grows := int64(len(value) - len(e.value()))
	stays := classOf(unitsFor(len(e.key), len(value))) == classOf(e.record.units())
	crowded := s.full(grows, 0)
	if crowded || !stays {
		s.order.remove(n.slot) // so that it cannot be its own victim
		s.makeRoom(now, grows, 0)
	}
	s.bytes += grows
	if stays {
		e.shard.close()
		s.rewrite(e, value, expires)
		e.shard.open()
	} else {
		n.ref = s.alloc(now, unitsFor(len(e.key), len(value)))
		s.write(n, e.key, value)
		s.move(e, n.ref, value)
	}
	if crowded || !stays {
		s.order.push(n)
	} else {
		s.order.renew(n.slot, expires)
	}
}

// rewrite replaces the value and the expiry in e's own room, behind its closed gate.
func (s *Store) rewrite(e *entry, value []byte, expires time.Duration) {
	r := e.record
	wasApart := r.isApart()
	r.setExpires(expires)
	if staysApart(len(e.key), len(value)) {
		r.setWord(s.serial, apart, len(e.key))
		e.shard.hold(e.ref, value)
		return
	}
	if wasApart {
		delete(e.shard.apart, e.ref)
	}
	r.setWord(s.serial, len(value), len(e.key))
	copy(r[headerLen+len(e.key):], value)
}

// move lets readers find e's record at ref, and gives the old one's room back.
func (s *Store) move(e *entry, ref uint32, value []byte) {
	sh := e.shard
	sh.close()
	sh.table.replace(e.hash, e.ref, ref)
	if e.record.isApart() {
		delete(sh.apart, e.ref)
	}
	if staysApart(len(e.key), len(value)) {
		sh.hold(ref, value)
	}
	sh.open()
	s.arena.free(e.ref)
}

// renew gives e another expiry, which counts as setting it now.
func (s *Store) renew(now time.Duration, e *entry, expires time.Duration) {
	expires = s.stamp(now, expires)
	e.shard.close()
	e.record.setExpires(expires)
	e.record.setSerial(s.serial)
	e.shard.open()
	s.order.renew(e.record.slot(), expires)
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
	sh.close()
	sh.table.insert(e.hash, ref)
	if staysApart(len(e.key), len(value)) {
		sh.hold(ref, value)
	}
	sh.open()
}

func (s *Store) grow(sh *shard) {
	longer := grown(len(sh.table), s.maxEntries/len(s.shards))
	for ref := range sh.table.refs {
		longer.insert(maphash.Bytes(s.seed, s.arena.at(ref).key()), ref)
	}
	sh.close()
	sh.table = longer
	sh.open()
}

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

// alloc returns a room. Where the arena has none left it evicts until it has.
func (s *Store) alloc(now time.Duration, units int) (ref uint32) {
	for {
		ref, ok := s.arena.alloc(units)
		if ok {
			return ref
		}
		s.evict(now)
	}
}

// findRoom is makeRoom at nobody's cost, and finds so many units in the arena too, if any: it removes expired entries only, and tells
// whether that was enough.
func (s *Store) findRoom(now time.Duration, need int64, entries, units int) bool {
	for s.full(need, entries) || units > 0 && !s.arena.hasRoom(units) {
		if s.sweep(now, 1) == 0 {
			return false
		}
	}
	return true
}

// evict removes the next victim.
func (s *Store) evict(now time.Duration) {
	victim := s.order.first()
	if victim.expires > now {
		s.evictions++
	}
	s.order.pop()
	s.forget(victim)
}

// remove removes the entry.
func (s *Store) remove(e *entry) {
	n := node{ref: e.ref, slot: e.record.slot()}
	s.order.remove(n.slot)
	s.forget(n)
}

// forget removes an entry that is in no order any more.
func (s *Store) forget(n node) {
	r := s.arena.at(n.ref)
	key := r.key()
	h := maphash.Bytes(s.seed, key)
	sh := s.shard(h)
	s.bytes -= size(len(key), len(sh.value(n.ref, r)))
	sh.close()
	sh.table.take(h, n.ref)
	if r.isApart() {
		delete(sh.apart, n.ref)
	}
	sh.open()
	sh.used--
	s.order.releaseSlot(n.slot)
	s.arena.free(n.ref)
}
