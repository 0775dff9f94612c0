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
	if err := s.enter(ctx); err != nil {
		return cache.Decision{}, opError("take", key, err)
	}
	defer s.mu.Unlock()
	now := s.now()
	d, err := s.take(now, key, limits, cost)
	return d, opError("take", key, err)
}

func (s *Store) take(now time.Duration, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	if err := checkKey(key); err != nil {
		return cache.Decision{}, err
	}
	e := s.entry(key)
	s.find(&e)
	var state []byte
	if e.live(now) {
		state = e.value()
	}
	whole := now.Truncate(time.Microsecond) // Meter's now, from which its ttl counts
	next, ttl, d, err := cache.AppendMeter(s.taken[:0], state, whole.Microseconds(), limits, cost)
	if err != nil || next == nil {
		return d, err
	}
	need, entries := size(len(key), len(next)), 1
	if e.live(now) {
		need, entries = need-size(len(key), len(e.value())), 0
	}
	if units := unitsFor(len(key), len(next)); s.full(need, entries) || !s.hasRoom(units) {
		if !s.findRoom(now, need, entries, units) {
			return cache.Decision{}, fmt.Errorf("%w: it is full, with %d entries and %d bytes that have not expired", cache.ErrUnavailable, s.order.len, s.bytes)
		}
		s.find(&e) // what had expired may have been its own
	}
	s.taken = next
	if err := s.put(now, &e, own(key, next), expiry(whole, ttl)); err != nil {
		return cache.Decision{}, err
	}
	return d, nil
}
