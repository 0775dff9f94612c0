package httpcache

import (
	"sync"
	"time"
)

// passes remembers the targets whose last answer could not be shared ("hit for miss"): requests for them do not wait for one another.
type passes struct {
	mu         sync.Mutex
	young, old map[string]struct{}
	turned     time.Time
}

const (
	// passFor is how long a target is remembered, and up to twice that.
	passFor = 30 * time.Second
	// maxPasses is how many are remembered in that time. Of what is beyond, requests wait for each other's headers.
	maxPasses = 10_000
)

func (p *passes) turn(now time.Time) {
	switch since := now.Sub(p.turned); {
	case since >= 2*passFor:
		p.old, p.young, p.turned = nil, nil, now
	case since >= passFor:
		p.old, p.young, p.turned = p.young, nil, now
	}
}

func (p *passes) has(key string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now)
	if _, ok := p.young[key]; ok {
		return true
	}
	_, ok := p.old[key]
	return ok
}

func (p *passes) add(key string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now)
	if p.young == nil {
		p.young = make(map[string]struct{})
	}
	if len(p.young) < maxPasses {
		p.young[key] = struct{}{}
	}
}

func (p *passes) remove(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.young, key)
	delete(p.old, key)
}
