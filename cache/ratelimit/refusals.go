package ratelimit

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// refusals are clients that are known to be over a limit: what they ask for until then is refused without the store, which would refuse it too, for the arrival time of a limit never goes
// back.
type refusals struct {
	size atomic.Int64 // of m: who is not over a limit takes no lock where nobody is
	mu   sync.RWMutex
	m    map[string]refusal
}

type refusal struct {
	limits   []cache.Limit
	cost     int64
	at       time.Time
	decision cache.Decision
}

const (
	// maxRefusal is how long a client is refused without asking: what an operator does to the store counts after that.
	maxRefusal = 10 * time.Second
	// maxRefusals is how many clients are remembered. Of those beyond it the store is asked.
	maxRefusals = 10_000
)

func (f *refusal) until() time.Time { return f.at.Add(min(f.decision.RetryAfter, maxRefusal)) }

// find returns the refusal of a request at now.
func (s *refusals) find(key string, limits []cache.Limit, cost int64, now time.Time) (cache.Decision, bool) {
	if s.size.Load() == 0 {
		return cache.Decision{}, false
	}
	s.mu.RLock()
	f, ok := s.m[key]
	s.mu.RUnlock()
	if !ok || cost < f.cost || !now.Before(f.until()) || !slices.Equal(limits, f.limits) {
		return cache.Decision{}, false
	}
	passed := now.Sub(f.at)
	f.decision.RetryAfter -= passed
	f.decision.ResetAfter -= passed
	return f.decision, true
}

// add remembers a refusal as of at.
func (s *refusals) add(key string, limits []cache.Limit, cost int64, at time.Time, d cache.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[string]refusal)
	}
	if _, known := s.m[key]; !known && len(s.m) >= maxRefusals {
		for k, f := range s.m {
			if !at.Before(f.until()) {
				delete(s.m, k)
			}
		}
		if len(s.m) >= maxRefusals {
			return
		}
	}
	s.m[key] = refusal{limits: limits, cost: cost, at: at, decision: d}
	s.size.Store(int64(len(s.m)))
}
