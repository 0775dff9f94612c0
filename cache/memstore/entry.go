package memstore

import (
	"hash/maphash"
	"time"
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
	if e.ref, e.there = e.shard.table.Load().find(e.hash, e.key, &s.arena); e.there {
		e.record = s.arena.at(e.ref)
	}
}

// live tells whether there is an entry that has not expired.
func (e *entry) live(now time.Duration) bool { return e.there && e.record.expires() > now }

func (e *entry) value() []byte { return e.shard.value(e.ref, e.record) }
