package memstore

import (
	"math"
	"time"
)

// A janitor removes what has expired though nobody writes, so that an idle store gives its memory back. It is a timer, no goroutine: it is set only while
// there are entries that can expire, and so a store that nobody holds any more can be collected once the last of them has.
type janitor struct {
	employed bool // a store with a test's clock has none
	timer    *time.Timer
	due      time.Duration // when it comes next, on the store's clock; never if it is not set
}

const (
	never time.Duration = math.MaxInt64

	// tidiness is how long after an entry's expiry the janitor comes, at the earliest: it then finds others too.
	tidiness = time.Second
	// rest is how long it lets others work after each batch. With what a batch takes it gives back about 100,000 entries a second.
	rest = 250 * time.Microsecond
)

// comeAt sets the timer. The store is locked.
func (j *janitor) comeAt(s *Store, now, due time.Duration) {
	if !j.employed {
		return
	}
	j.due = due
	if j.timer == nil {
		j.timer = time.AfterFunc(due-now, s.tidy)
	} else {
		j.timer.Reset(due - now)
	}
}

// dismiss keeps the janitor from coming again. The store is locked.
func (j *janitor) dismiss() {
	if j.timer != nil {
		j.timer.Stop()
	}
	j.employed, j.due = false, never
}

// tidy is the janitor's work: a batch, and the next after a rest.
func (s *Store) tidy() {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.janitor.due = never
	if s.sweep(now, batch) == batch {
		s.janitor.comeAt(s, now, now+rest)
		return
	}
	if s.order.len > 0 {
		if next := s.order.first().expires; next < permanent {
			s.janitor.comeAt(s, now, max(next+tidiness, now+rest))
		}
	}
}
