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
	stored, found, err := s.peekAndRenew(ctx, key, ttl)
	if !found || err != nil {
		return nil, false, opError("renew", key, err)
	}
	return clone(stored), true, nil
}

// peekAndRenew returns the stored slice itself, as peek does.
func (s *Store) peekAndRenew(ctx context.Context, key string, ttl time.Duration) (stored []byte, found bool, err error) {
	now, err := s.enter(ctx, 1)
	if err != nil {
		return nil, false, err
	}
	defer s.mu.Unlock()
	e := s.live(now, key)
	if e == nil {
		return nil, false, nil
	}
	if e.expires != permanent {
		s.renew(e, expiry(now, ttl))
	}
	return e.value, true, nil
}

// Touch sets the lifetime of the entry under key and tells whether there is one.
func (s *Store) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	now, err := s.enter(ctx, 1)
	if err != nil {
		return false, opError("touch", key, err)
	}
	defer s.mu.Unlock()
	e := s.live(now, key)
	if e == nil {
		return false, nil
	}
	s.renew(e, expiry(now, ttl))
	return true, nil
}

// TTL returns what remains of the lifetime of the entry under key, to the nanosecond.
func (s *Store) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, opError("ttl", key, err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return 0, false, opError("ttl", key, cache.ErrClosed)
	}
	now := s.now()
	e := s.live(now, key)
	switch {
	case e == nil:
		return 0, false, nil
	case e.expires == permanent:
		return cache.Forever, true, nil
	}
	return e.expires - now, true, nil
}
