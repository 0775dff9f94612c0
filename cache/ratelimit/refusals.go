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
	m    map[refused]refusal

	swept time.Time
}

// refused is who is over which limits: a function may choose others for each path, and a client be over several.
type refused struct{ client, policy string }

type refusal struct {
	limits    []cache.Limit
	cost      int64
	at, heard time.Time // before and after the store decided
	decision  cache.Decision
}

const (
	// maxRefusal is how long a client is refused without asking: what an operator does to the store counts after that.
	maxRefusal = 10 * time.Second
	// maxRefusals is how many clients are remembered. Of those beyond it the store is asked.
	maxRefusals = 10_000
)

// until is no later than the store would have it, whose clock is one of microseconds and may be behind by almost one.
func (f *refusal) until() time.Time {
	return f.at.Add(min(f.decision.RetryAfter-time.Microsecond, maxRefusal))
}

// answer is the decision on a request at now of at least the cost that was refused. Whoever comes back after its RetryAfter comes no earlier than the store would have it.
func (f *refusal) answer(cost int64, now time.Time) cache.Decision {
	d := f.decision
	passed := max(0, now.Sub(f.heard))
	d.RetryAfter -= passed
	d.ResetAfter -= passed
	if known := d.RetryAfter; cost > f.cost { // it lacks more: the limits' levels are not known, so what the slowest needs for that, which never is more than its period
		for _, l := range f.limits {
			more := l.Cost(cost - f.cost)
			d.RetryAfter = max(d.RetryAfter, min(l.Period, known+time.Duration(more.Micros+min(more.Rest, 1))*time.Microsecond))
		}
	}
	if f.cost > 1 { // less may have come back than that, but something
		_, is := cache.Decide(f.limits[d.Limit:d.Limit+1], []cache.Level{{Micros: d.ResetAfter.Microseconds()}}, 0)
		d.Remaining = is.Remaining
	}
	return d
}

// find returns the refusal of a request at now.
func (s *refusals) find(key refused, limits []cache.Limit, cost int64, now time.Time) (cache.Decision, bool) {
	if s.size.Load() == 0 {
		return cache.Decision{}, false
	}
	s.mu.RLock()
	f, ok := s.m[key]
	s.mu.RUnlock()
	if !ok || cost < f.cost || !now.Before(f.until()) || !slices.Equal(limits, f.limits) {
		return cache.Decision{}, false
	}
	return f.answer(cost, now), true
}

// forget is for a client that took something: what it was refused, it has to wait for longer.
func (s *refusals) forget(key refused) {
	if s.size.Load() == 0 {
		return
	}
	s.mu.RLock()
	_, known := s.m[key]
	s.mu.RUnlock()
	if !known {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, key)
	s.size.Store(int64(len(s.m)))
}

// add remembers a refusal that the store was asked for at at.
func (s *refusals) add(key refused, limits []cache.Limit, cost int64, at time.Time, d cache.Decision) {
	heard := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[refused]refusal)
	}
	if _, known := s.m[key]; !known && len(s.m) >= maxRefusals && !s.sweep(heard) {
		return
	}
	s.m[key] = refusal{limits: limits, cost: cost, at: at, heard: heard, decision: d}
	s.size.Store(int64(len(s.m)))
}

// sweep removes the refusals that are over, and reports whether there is room. A flood of more clients than there is room for does not have it look each time.
func (s *refusals) sweep(now time.Time) bool {
	if now.Sub(s.swept) < sweepEvery {
		return false
	}
	s.swept = now
	for key, f := range s.m {
		if !now.Before(f.until()) {
			delete(s.m, key)
		}
	}
	return len(s.m) < maxRefusals
}
