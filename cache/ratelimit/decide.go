package ratelimit

import (
	"context"
	"net/http"
	"time"

	"github.com/larder-go/larder/cache"
)

// decide takes what a request costs. The error is the store's.
func (l *Limiter) decide(r *http.Request, limits []cache.Limit, policy string) (cache.Decision, By, error) {
	cost, began := l.costOf(r, limits), time.Now()
	var memory [96]byte
	key := string(l.appendKey(memory[:0], r))
	if d, ok := l.refused.find(refused{key, policy}, limits, cost, began); ok {
		return d, Memory, nil
	}
	// A client that goes does not keep its request from being counted.
	d, err := l.cache.Take(context.WithoutCancel(r.Context()), key, limits, cost)
	if err == nil {
		switch {
		case !d.Allowed:
			l.refused.add(refused{key, policy}, limits, cost, began, d)
		case cost > 0:
			l.refused.forget(refused{key, policy})
		}
		return d, Store, nil
	}
	if l.options.FailClosed {
		return cache.Decision{}, Nobody, err
	}
	return l.local.take(key, limits, cost), InProcess, err
}

// costOf is between 0 and what each of the limits has.
func (l *Limiter) costOf(r *http.Request, limits []cache.Limit) int64 {
	if l.options.Cost == nil {
		return 1
	}
	cost := max(l.options.Cost(r), 0)
	for _, limit := range limits {
		cost = min(cost, limit.Requests)
	}
	return cost
}
