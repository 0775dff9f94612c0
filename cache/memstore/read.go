package memstore

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/larder-go/larder/cache"
)

// unread instead of a time says that the clock is still to be read, once, if an entry can expire.
const unread time.Duration = -1

// read appends the value under key at the time given to dst, or returns dst where there is none. What it found is never nil.
func (s *Store) read(dst []byte, key string, at time.Duration) (value []byte, found bool, err error) {
	h := maphash.String(s.seed, key)
	for {
		place := s.readers.enter()
		r, large, is := s.look(h, key, &at)
		if is == there && large == nil {
			value = append(dst, r.value()...)
		}
		place.leave()
		switch is {
		case there:
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
	h, at := maphash.String(s.seed, key), unread
	for {
		place := s.readers.enter()
		r, _, is := s.look(h, key, &at)
		if is == there {
			ttl = cache.Forever
			if expires := r.expires(); expires < permanent {
				ttl = expires - at
			}
		}
		place.leave()
		switch is {
		case there:
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
	absent finding = iota // no entry
	there                 // an entry
	gone                  // an entry that has expired; bury it and look again
	moved                 // an entry whose large value was replaced meanwhile; look again
	closed                // no store any more
)

// look looks for the entry under key, for a reader who is counted: until that leaves, the record stays as it is. A large value is the
// store's own, into which nobody ever writes; so it may be copied later.
func (s *Store) look(h uint64, key string, at *time.Duration) (r record, large []byte, is finding) {
	sh := s.shard(h)
	t := sh.table.Load()
	if t == nil {
		return nil, nil, closed
	}
	ref, found := t.find(h, key, &s.arena)
	if !found {
		return nil, nil, absent
	}
	r = s.arena.at(ref)
	if expires := r.expires(); expires < permanent {
		if *at == unread {
			*at = s.now()
		}
		if expires <= *at {
			return nil, nil, gone
		}
	}
	if r.isApart() {
		if large, found = sh.large.get(ref); !found {
			return nil, nil, moved
		}
	}
	return r, large, there
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
