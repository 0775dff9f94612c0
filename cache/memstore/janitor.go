package memstore

import (
	"math"
	"time"
)

// A janitor removes what has expired though nobody writes, and then compacts what is left, so that an idle store gives its memory back. It is a timer, no
// goroutine: it is set only while there are entries that can expire or much was removed, and so a store that nobody holds any more can be collected once the last of
// them has.
type janitor struct {
	employed bool // a store with a test's clock has none
	timer    *time.Timer
	due      time.Duration // when it comes next, on the store's clock; never if it is not set
	since    int           // of drain.looks, when much was removed
}

const (
	never time.Duration = math.MaxInt64

	// tidiness is how long after an entry's expiry the janitor comes, at the earliest: it then finds others too.
	tidiness = time.Second
	// A visit removes up to visit entries, a handful at a time: others can come in between two, and each takes a microsecond an entry
	// where there are a million. Then it rests. Where a processor is idle that gives back about 40,000 entries a second; where all are busy the runtime
	// lets it come each 10 ms or so, which is some 30,000. More would be felt: at a rest of half a millisecond one call in a thousand took fifty
	// times as long as without.
	visit   = 256
	handful = 4
	rest    = 5 * time.Millisecond
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

// callJanitor lets the janitor come soon, after much was removed.
func (s *Store) callJanitor() {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.janitor.since = s.arena.drain.looks
	if s.janitor.due > now+tidiness {
		s.janitor.comeAt(s, now, now+tidiness)
	}
}

// tidy is a visit of the janitor.
func (s *Store) tidy() {
	for removed := 0; removed < visit; removed += handful {
		if s.tidySome(removed+handful == visit) {
			return
		}
	}
}

// tidySome removes a handful and tells whether those were all. When they were, or the visit is over, it says when the janitor comes again.
func (s *Store) tidySome(last bool) (done bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	removed := s.sweep(now, handful)
	if removed > 0 {
		s.janitor.since = s.arena.drain.looks
	}
	done = removed < handful && s.tidyPages()
	if !done && !last {
		return false
	}
	s.reclaim()
	s.janitor.due = never
	switch {
	case !done:
		s.janitor.comeAt(s, now, now+rest)
	case s.order.len > 0 && s.order.first().expires < permanent:
		s.janitor.comeAt(s, now, s.order.first().expires+tidiness)
	}
	return done
}

// tidyPages compacts, and tells whether each page was looked at in vain since much was removed. While entries go by the thousand it is not called: what it moved
// would be the next to go.
func (s *Store) tidyPages() (done bool) {
	s.compact(handful)
	d := &s.arena.drain
	return d.page == 0 && d.looks-max(d.found, s.janitor.since) >= len(s.arena.pages)
}
