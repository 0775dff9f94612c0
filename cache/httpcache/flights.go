package httpcache

import "sync"

// outcome is what became of a call of the handler, for those who waited for it.
type outcome int

const (
	lost        outcome = iota // nobody knows what it would have been: the next one calls
	unshareable                // each calls for itself
	recorded
	staleInstead // the handler failed, and what is stored may be used
)

// flight is a call of the handler that others wait for. Its leader alone sets its fields, before it closes landed.
type flight struct {
	landed   chan struct{} // there is an outcome
	settled  chan struct{} // what there is to store has been stored
	hasIt    bool          // landed is closed
	outcome  outcome
	response *response
	names    []string // of the fields by which the response was found to vary
}

func (f *flight) land(o outcome, p *response, names []string) {
	if f == nil || f.hasIt {
		return
	}
	f.hasIt, f.outcome, f.response, f.names = true, o, p, names
	close(f.landed)
}

// flights are those in progress, each until its response is in the store: whoever finds nothing there finds the flight here.
type flights struct {
	mu sync.Mutex
	m  map[string]*flight
}

// join returns the flight of a key, and whether the caller leads it.
func (a *flights) join(key string) (f *flight, leads bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f = a.m[key]; f != nil {
		return f, false
	}
	if a.m == nil {
		a.m = make(map[string]*flight)
	}
	f = &flight{landed: make(chan struct{}), settled: make(chan struct{})}
	a.m[key] = f
	return f, true
}

// settle ends a flight.
func (a *flights) settle(key string, f *flight) {
	if f == nil {
		return
	}
	f.land(lost, nil, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.m[key] == f {
		delete(a.m, key)
		close(f.settled)
	}
}
