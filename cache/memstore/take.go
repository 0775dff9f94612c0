package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Limiter = (*Store)(nil)

// Take takes cost from the limits of key, on the store's clock. It evicts nothing: a store that is full of unexpired entries gives
// [cache.ErrUnavailable] for a new key, never a fresh allowance at somebody's cost.
func (s *Store) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	now, err := s.enter(ctx, 1)
	if err != nil {
		return cache.Decision{}, opError("take", key, err)
	}
	defer s.mu.Unlock()
	d, err := s.take(now, key, limits, cost)
	return d, opError("take", key, err)
}

func (s *Store) take(now time.Duration, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	e := s.live(now, key)
	var state []byte
	if e != nil {
		state = e.value
	}
	whole := now.Truncate(time.Microsecond) // Meter's now, from which its ttl counts
	next, ttl, d, err := cache.Meter(state, whole.Microseconds(), limits, cost)
	if err != nil || next == nil {
		return d, err
	}
	need, entries := size(key, next), 1
	if e != nil {
		need, entries = need-e.size(), 0
	}
	if !s.findRoom(now, need, entries) {
		return cache.Decision{}, fmt.Errorf("%w: it is full, with %d entries and %d bytes that have not expired", cache.ErrUnavailable, len(s.entries), s.bytes)
	}
	return d, s.put(now, key, next, expiry(whole, ttl))
}
