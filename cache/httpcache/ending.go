package httpcache

import (
	"context"
	"net/http"
	"time"
)

// share gives a response to those who wait for it, if it needs no more asking.
func (x *call) share(p *response) {
	if p.terms.validate || p.freshFor(time.Now()) <= 0 {
		x.flight.land(unshareable, nil, nil, nil)
		x.cache.passes.add(x.key, time.Now())
		return
	}
	x.flight.land(recorded, p, x.found.varying(x.judged.names), x.judged.tags)
}

// store puts a response into the store, and ends the flight then.
func (x *call) store(p *response) {
	if !x.canStore() {
		return
	}
	s, tags, keep := &x.cache.shelf, x.judged.tags, x.judged.keep
	x.settle(func(ctx context.Context) {
		stored := *p
		if len(tags) > 0 {
			marks, ok := s.takeMarks(ctx, tags, p.asked)
			if !ok {
				s.unclaim(ctx, x.target, x.found)
				return
			}
			stored.marks, keep = marks, min(keep, taggedLife)
		}
		if !s.put(ctx, x.target, x.found, stored, x.found.varying(x.judged.names), keep) {
			s.unclaim(ctx, x.target, x.found)
		}
	})
}

// settle ends the flight once the store has what there is for it. Those that wait for the flight wait no longer than for the store anywhere, and no client waits
// unless much else is being stored: then it does for what is left of its own time. After Close there is only the flight to end.
func (x *call) settle(last func(ctx context.Context)) {
	c := x.cache
	x.settling = true
	end := func(left time.Duration) {
		defer c.flights.settle(x.key, x.flight)
		_, _ = watch(context.Background(), &c.shelf.guard, left, func(ctx context.Context) (struct{}, error) {
			last(ctx)
			return struct{}{}, nil
		})
	}
	switch {
	case c.background(c.storing, func() { end(c.shelf.guard.timeout) }):
	case c.life.Err() != nil:
		c.flights.settle(x.key, x.flight)
	default:
		end(x.left)
	}
}

// tagsOf are the store's keys of the tags and the groups of a response with the header h.
func (x *call) tagsOf(h http.Header) []string {
	var keys []string
	if x.rule.Tags != nil {
		for _, tag := range x.rule.Tags(x.r) {
			keys = append(keys, tagKey(tag))
		}
	}
	for _, group := range groupsOf(h[cacheGroups]) {
		keys = append(keys, groupKey(originOf(x.r), group))
	}
	return sortedOnce(keys)
}

// abandon ends a call that stores nothing. Who comes after it makes a call of its own.
func (x *call) abandon() {
	switch {
	case x.flight == nil:
	case !x.canStore():
		x.cache.flights.settle(x.key, x.flight)
	default:
		x.settle(func(ctx context.Context) { x.cache.shelf.unclaim(ctx, x.target, x.found) })
	}
}
