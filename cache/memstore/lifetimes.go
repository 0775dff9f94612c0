package memstore

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

var (
	_ cache.Renewer = (*Store)(nil)
	_ cache.Toucher = (*Store)(nil)
)

// GetAndRenew returns a copy of the value under key and sets the entry's lifetime to ttl if it has one.
func (s *Store) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, false, opError("renew", key, err)
	}
	now := s.now()
	value, apart := s.getAndRenew(now, key, ttl)
	if apart != nil {
		value = clone(apart) // without the lock: nobody writes into it
	}
	return value, value != nil, nil
}

// getAndRenew unlocks the store. It returns a copy of the value, or the slice itself that is apart from its record; nil where there is no
// entry.
func (s *Store) getAndRenew(now time.Duration, key string, ttl time.Duration) (value, apart []byte) {
	defer s.mu.Unlock()
	e := s.entry(key)
	s.find(&e)
	if !e.live(now) {
		return nil, nil
	}
	if value = e.value(); e.record.isApart() {
		value, apart = nil, value
	} else {
		value = clone(value)
	}
	if e.record.expires() < permanent {
		s.renew(now, &e, expiry(now, ttl))
	}
	return value, apart
}

// Touch sets the lifetime of the entry under key and tells whether there is one.
func (s *Store) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	if err := s.enter(ctx); err != nil {
		return false, opError("touch", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	e := s.entry(key)
	s.find(&e)
	if !e.live(now) {
		return false, nil
	}
	s.renew(now, &e, expiry(now, ttl))
	return true, nil
}

// TTL returns what remains of the lifetime of the entry under key, to the nanosecond.
func (s *Store) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	ttl, found, err = s.lifetime(ctx, key)
	return ttl, found, opError("ttl", key, err)
}
