package httpcache

import (
	"strings"
	"sync"
	"time"
)

// outcome is what became of a call of the handler, for those who waited for it.
type outcome int

const (
	lost        outcome = iota // nobody knows what it would have been: the next one calls
	unshareable                // each calls for itself
	recorded
	staleInstead // the handler failed, and what is stored may be used
)

// flight is a call of the handler that others wait for. Its leader alone sets its fields, before it closes the channel that stands above them.
type flight struct {
	began time.Time

	claimed chan struct{}
	nonce   string // of the record in the store that an invalidation would remove; "" where the store has none

	landed   chan struct{}
	outcome  outcome
	response *response
	names    []string // of the fields by which the response was found to vary
	tags     []string // the store's keys of its tags and groups

	settled chan struct{} // what there is to store has been stored

	isClaimed, hasLanded bool // for the leader
}

func (f *flight) claim(nonce string) {
	if f.isClaimed {
		return
	}
	f.isClaimed, f.nonce = true, nonce
	close(f.claimed)
}

func (f *flight) land(o outcome, p *response, names, tags []string) {
	if f == nil || f.hasLanded {
		return
	}
	f.hasLanded, f.outcome, f.response, f.names, f.tags = true, o, p, names, tags
	close(f.landed)
}

// flights are those in progress, each until its response is in the store: whoever finds nothing there finds the flight here.
type flights struct {
	mu sync.Mutex
	m  map[string]*flight
}

// join returns the flight of a key, and whether the caller leads it. Where the flight is old, the caller leads a new one in its place.
func (a *flights) join(key string, old *flight) (f *flight, leads bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f = a.m[key]; f != nil && f != old {
		return f, false
	}
	if a.m == nil {
		a.m = make(map[string]*flight)
	}
	f = &flight{began: time.Now(), claimed: make(chan struct{}), landed: make(chan struct{}), settled: make(chan struct{})}
	a.m[key] = f
	return f, true
}

// forget keeps all who come from now on from joining the flights of a target, as they are about what it was before a change.
func (a *flights) forget(base string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.m {
		if strings.HasPrefix(key, base) {
			delete(a.m, key)
		}
	}
}

// settle ends a flight. Its leader does so once.
func (a *flights) settle(key string, f *flight) {
	if f == nil {
		return
	}
	f.claim("")
	f.land(lost, nil, nil, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[key] == f {
		delete(a.m, key)
	}
	close(f.settled)
}
