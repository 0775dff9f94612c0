package ratelimit

import (
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// local counts in this process, while the store fails. It has room for maxLocal clients; those that find none share one bucket, so that nobody is without a limit.
type local struct {
	began time.Time
	mu    sync.Mutex
	m     map[string]bucket
	swept time.Time
}

// bucket is the state of [cache.Meter], and when it equals none.
type bucket struct {
	state []byte
	until time.Time
}

const (
	maxLocal = 10_000
	// sweepEvery is how often a full table is looked through for what has expired.
	sweepEvery = time.Second
	// shared is the key of those without room. No client has it.
	shared = ""
)

// take is Take of the clients of this process. It reads the clock itself, under its lock: requests have waited for the store for different times, and a clock that goes back
// cuts what has been taken.
func (s *local) take(key string, limits []cache.Limit, cost int64) cache.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.m == nil {
		s.m = make(map[string]bucket)
	}
	b, known := s.m[key]
	if !known && len(s.m) >= maxLocal && !s.sweep(now) {
		key, b = shared, s.m[shared]
	}
	if !now.Before(b.until) {
		b.state = nil
	}
	next, ttl, d, err := cache.Meter(b.state, now.Sub(s.began).Microseconds(), limits, cost)
	if err == nil && next != nil { // the state is Meter's own
		s.m[key] = bucket{state: next, until: now.Add(ttl)}
	}
	return d
}

// sweep removes the buckets that equal none, and reports whether there is room.
func (s *local) sweep(now time.Time) bool {
	if now.Sub(s.swept) < sweepEvery {
		return false
	}
	s.swept = now
	for key, b := range s.m {
		if !now.Before(b.until) {
			delete(s.m, key)
		}
	}
	return len(s.m) < maxLocal
}
