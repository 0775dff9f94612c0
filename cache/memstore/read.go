package memstore

import (
	"context"
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/larder-go/larder/cache"
)

// unread instead of a time says that the clock is still to be read, once, if an entry can expire.
const unread time.Duration = -1

// read appends the value under key at the time given to dst, or returns dst where there is none. What it found is never nil.
func (s *Store) read(dst []byte, key string, at time.Duration) (value []byte, found bool, err error) {
	h := maphash.String(s.seed, key)
	for {
		r, large, hold, is := s.look(h, key, &at)
		switch is {
		case there:
			if large == nil {
				value = append(dst, r.value()...)
			}
			s.endLook(hold)
			if large != nil {
				value = append(dst, large...)
			}
			if value == nil {
				value = []byte{} // an empty one is there all the same
			}
			return value, true, nil
		case absent:
			return dst, false, nil
		case closed:
			return dst, false, cache.ErrClosed
		case gone:
			s.bury(key, at)
		}
	}
}

// lifetime returns what remains of the lifetime of the entry under key.
func (s *Store) lifetime(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	h := maphash.String(s.seed, key)
	for at := unread; ; {
		r, _, hold, is := s.look(h, key, &at)
		switch is {
		case there:
			ttl = cache.Forever
			if expires := r.expires(); expires < permanent {
				ttl = expires - at
			}
			s.endLook(hold)
			return ttl, true, nil
		case absent:
			return 0, false, nil
		case closed:
			return 0, false, cache.ErrClosed
		case gone:
			s.bury(key, at)
		}
	}
}

// A finding is what look found.
type finding int

const (
	absent  finding = iota // no entry
	there                  // an entry
	gone                   // an entry that has expired; bury it and look again
	changed                // something that somebody changed meanwhile; look again
	crowded                // more readers than there are seats for
	closed                 // no store any more
)

// look looks for the entry under key. If it is there its record stays as it is until endLook. A large value is the
// store's own, into which nobody ever writes; so it may be copied later.
func (s *Store) look(h uint64, key string, at *time.Duration) (r record, large []byte, hold *seat, is finding) {
	sh := s.shard(h)
	ref, hold, is := s.enterRoom(sh, h, key)
	if is == crowded {
		ref, is = s.lockRoom(sh, h, key)
	}
	if is != there {
		return nil, nil, nil, is
	}
	r = s.arena.at(ref)
	if expires := r.expires(); expires < permanent {
		if *at == unread {
			*at = s.now()
		}
		if expires <= *at {
			is = gone
		}
	}
	if is == there && r.isApart() {
		if large, _ = sh.large.get(ref); large == nil {
			is = changed
		}
	}
	if is != there {
		s.endLook(hold)
	}
	return r, large, hold, is
}

// endLook ends a look that found an entry.
func (s *Store) endLook(hold *seat) {
	if hold == nil {
		s.mu.Unlock()
		return
	}
	hold.leave()
}

// enterRoom finds the entry and takes a seat in its room. It is table.find with a claim before each look at a record; one search for both,
// with a function for what differs, made a read a third slower.
func (s *Store) enterRoom(sh *shard, h uint64, key string) (ref uint32, hold *seat, is finding) {
	p := sh.table.Load()
	if p == nil {
		return 0, nil, closed
	}
	t, tag := *p, tagOf(h)
	i := t.home(h)
	for range t {
		b := &t[i]
		meta := b.meta.Load()
		for m := matches(meta, tag); m != 0; m &= m - 1 {
			cell := bits.TrailingZeros64(m) / 8
			ref = b.refs[cell].Load()
			if hold, is = s.claim(sh, p, b, cell, tag, ref); is != there {
				return 0, nil, is
			}
			if string(s.arena.at(ref).key()) == key {
				return ref, hold, there
			}
			hold.leave()
		}
		if meta < passedBy {
			break
		}
		if i++; i == len(t) {
			i = 0
		}
	}
	return 0, nil, absent
}

// claim takes a seat in a room whose ref was read in the cell. Whoever retired it before did not see that, so it asks again whether it is to be found in
// the table: who takes it out from now on does.
func (s *Store) claim(sh *shard, t *table, b *bucket, cell int, tag uint64, ref uint32) (hold *seat, is finding) {
	if hold = s.readers.enter(ref); hold == nil {
		return nil, crowded
	}
	if !b.has(cell, tag, ref) || sh.table.Load() != t {
		hold.leave()
		return nil, changed
	}
	return hold, there
}

// lockRoom finds the entry and leaves the store locked, if it is there.
func (s *Store) lockRoom(sh *shard, h uint64, key string) (ref uint32, is finding) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return 0, closed
	}
	ref, found := sh.table.Load().find(h, key, &s.arena)
	if !found {
		s.mu.Unlock()
		return 0, absent
	}
	return ref, there
}

// bury removes the entry under key if it had expired at the time given. Who found that without the lock must not say so before: a writer who
// holds the lock, and looked at the clock a moment earlier, may be giving the entry a new lifetime, and then it never was gone.
func (s *Store) bury(key string, at time.Duration) {
	e := s.entry(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.find(&e); e.there && !e.live(at) {
		s.remove(&e)
	}
}

// clone returns a copy that is never nil.
func clone(b []byte) []byte {
	c := make([]byte, len(b))
	copy(c, b)
	return c
}
