package memstore

import (
	"context"
	"hash/maphash"
	"time"

	"github.com/larder-go/larder/cache"
)

// unread instead of a time says that the clock is still to be read, once, if an entry can expire.
const unread time.Duration = -1

// get returns a copy of the value under key at the time given.
func (s *Store) get(key string, at time.Duration) (value []byte, found bool, err error) {
	// Nothing is allocated inside a gate. A short value is copied here first, for a longer one the room is made between two looks.
	var short [256]byte
	n, apart, found, err := s.read(short[:], key, &at)
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
		n, apart, found, err = s.read(value, key, &at)
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
// returned itself: nobody ever writes into it, so it is copied without any lock, however long.
func (s *Store) read(room []byte, key string, at *time.Duration) (n int, apart []byte, found bool, err error) {
	h := maphash.String(s.seed, key)
	sh := s.shard(h)
	for {
		if sh.enter() {
			n, apart, err = s.readIn(sh, h, room, key, at)
			sh.leave()
		} else {
			s.mu.Lock()
			n, apart, err = s.readIn(sh, h, room, key, at)
			s.mu.Unlock()
		}
		if n != gone {
			return n, apart, n != absent, err
		}
		s.bury(key, *at)
	}
}

// What a length may be instead.
const (
	absent = -1 // there is no entry
	gone   = -2 // there is one, which has expired
)

// readIn is read inside the shard's gate, or with the store locked.
func (s *Store) readIn(sh *shard, h uint64, room []byte, key string, at *time.Duration) (n int, apart []byte, err error) {
	if sh.closed {
		return absent, nil, cache.ErrClosed
	}
	ref, found := sh.table.find(h, key, &s.arena)
	if !found {
		return absent, nil, nil
	}
	r := s.arena.at(ref)
	if expires := r.expires(); expires < permanent {
		if *at == unread {
			*at = s.now()
		}
		if expires <= *at {
			return gone, nil, nil
		}
	}
	if r.isApart() {
		return 0, sh.apart[ref], nil
	}
	value := r.value()
	if len(value) <= len(room) {
		copy(room, value)
	}
	return len(value), nil, nil
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

// lifetime returns what remains of the lifetime of the entry under key.
func (s *Store) lifetime(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	for {
		expires, found, err := s.expiryOf(key)
		switch {
		case !found || err != nil:
			return 0, false, err
		case expires >= permanent:
			return cache.Forever, true, nil
		}
		at := s.now()
		if expires > at {
			return expires - at, true, nil
		}
		s.bury(key, at)
	}
}

// expiryOf returns when the entry under key expires, or did.
func (s *Store) expiryOf(key string) (expires time.Duration, found bool, err error) {
	e := s.entry(key)
	if e.shard.enter() {
		defer e.shard.leave()
	} else {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	if e.shard.closed {
		return 0, false, cache.ErrClosed
	}
	if s.find(&e); !e.there {
		return 0, false, nil
	}
	return e.record.expires(), true, nil
}

// clone returns a copy that is never nil.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
