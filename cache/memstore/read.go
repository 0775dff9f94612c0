package memstore

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/larder-go/larder/cache"
)

// get returns a copy of the value under key.
func (s *Store) get(key string, now func() time.Duration) (value []byte, found bool, err error) {
	// Nothing is allocated inside a gate. A short value is copied here first, for a longer one the room is made between two looks.
	var short [256]byte
	n, apart, found, err := s.read(short[:], key, now)
	switch {
	case !found || err != nil:
		return nil, false, err
	case apart != nil:
		return clone(apart), true, nil
	case n <= len(short):
		return clone(short[:n]), true, nil
	}
	for {
		value = make([]byte, n)
		n, apart, found, err = s.read(value, key, now)
		switch {
		case !found || err != nil:
			return nil, false, err
		case apart != nil:
			return clone(apart), true, nil
		case n <= len(value):
			return value[:n], true, nil
		}
	}
}

// read copies the value under key into room, if it is long enough; n is the value's length. A value that is no part of its record is
// returned itself: nobody ever writes into it, so it is copied without any lock, however long. The clock is read for an entry that can
// expire, and for no other.
func (s *Store) read(room []byte, key string, now func() time.Duration) (n int, apart []byte, found bool, err error) {
	h := maphash.String(s.seed, key)
	sh := s.shard(h)
	for {
		if sh.enter() {
			n, apart, found, err = s.readIn(sh, h, room, key, now)
			sh.leave()
		} else {
			s.mu.Lock()
			n, apart, found, err = s.readIn(sh, h, room, key, now)
			s.mu.Unlock()
		}
		if n != gone {
			return n, apart, found, err
		}
		s.bury(key)
	}
}

// gone instead of a length says that there is an entry, which has expired.
const gone = -1

// readIn is read inside the shard's gate, or with the store locked.
func (s *Store) readIn(sh *shard, h uint64, room []byte, key string, now func() time.Duration) (n int, apart []byte, found bool, err error) {
	if sh.closed {
		return 0, nil, false, cache.ErrClosed
	}
	ref, found := sh.table.find(h, key, &s.arena)
	if !found {
		return 0, nil, false, nil
	}
	r := s.arena.at(ref)
	if expires := r.expires(); expires < permanent && now() >= expires {
		return gone, nil, false, nil
	}
	if r.isApart() {
		return 0, sh.apart[ref], true, nil
	}
	value := r.value()
	if len(value) <= len(room) {
		copy(room, value)
	}
	return len(value), nil, true, nil
}

// bury removes the entry under key if it has expired. Who found that without the lock must not say so before: a writer who holds the lock, and looked at the
// clock a moment earlier, may be giving the entry a new lifetime, and then it never was gone.
func (s *Store) bury(key string) {
	e := s.entry(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if s.find(&e); e.there && !e.live(s.now()) {
		s.remove(&e)
	}
}

// lifetime returns what remains of the lifetime of the entry under key.
func (s *Store) lifetime(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	e := s.entry(key)
	for {
		ttl, found, err = s.lifetimeOf(&e)
		if ttl != gone {
			return ttl, found, err
		}
		s.bury(key)
	}
}

// lifetimeOf is gone for an entry that has expired.
func (s *Store) lifetimeOf(e *entry) (ttl time.Duration, found bool, err error) {
	if e.shard.enter() {
		defer e.shard.leave()
	} else {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	if e.shard.closed {
		return 0, false, cache.ErrClosed
	}
	if s.find(e); !e.there {
		return 0, false, nil
	}
	at := e.record.expires()
	if at >= permanent {
		return cache.Forever, true, nil
	}
	if ttl = at - s.now(); ttl <= 0 {
		return gone, false, nil
	}
	return ttl, true, nil
}

// clone returns a copy that is never nil.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
