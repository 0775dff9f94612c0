package memstore

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
)

var (
	_ cache.Adder       = (*Store)(nil)
	_ cache.Incrementer = (*Store)(nil)
	_ cache.Swapper     = (*Store)(nil)
)

// Add stores a copy of value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	value = own(key, value)
	if err := s.enter(ctx); err != nil {
		return false, opError("add", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	e := s.entry(key)
	s.find(&e)
	if e.live(now) {
		return false, nil
	}
	err = s.put(now, &e, value, expiry(now, ttl))
	return err == nil, opError("add", key, err)
}

// Increment adds delta to the number under key, which keeps its expiry.
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	if err := s.enter(ctx); err != nil {
		return 0, opError("increment", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	sum, err := s.increment(now, key, delta, ttl)
	return sum, opError("increment", key, err)
}

func (s *Store) increment(now time.Duration, key string, delta int64, ttl time.Duration) (int64, error) {
	sum, expires := delta, expiry(now, ttl)
	e := s.entry(key)
	s.find(&e)
	if e.live(now) {
		var err error
		if sum, err = cache.Sum(e.value(), delta); err != nil {
			return 0, err
		}
		expires = e.record.expires()
	} else if ttl == cache.KeepTTL {
		return 0, cache.ErrNotFound
	}
	if err := s.put(now, &e, strconv.AppendInt(nil, sum, 10), expires); err != nil {
		return 0, err
	}
	return sum, nil
}

// CompareAndSwap replaces the value under key by a copy of replacement if it equals old. A longer value makes room as that of Set does.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (swapped bool, err error) {
	replacement = own(key, replacement)
	if err := s.enter(ctx); err != nil {
		return false, opError("swap", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	e := s.entry(key)
	s.find(&e)
	if !e.live(now) || !bytes.Equal(e.value(), old) {
		return false, nil
	}
	expires := e.record.expires()
	if ttl != cache.KeepTTL {
		expires = expiry(now, ttl)
	}
	err = s.put(now, &e, replacement, expires)
	return err == nil, opError("swap", key, err)
}

// CompareAndDelete removes the entry under key if its value equals old.
func (s *Store) CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error) {
	if err := s.enter(ctx); err != nil {
		return false, opError("compare and delete", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	e := s.entry(key)
	s.find(&e)
	if !e.live(now) || !bytes.Equal(e.value(), old) {
		return false, nil
	}
	s.remove(&e)
	return true, nil
}
