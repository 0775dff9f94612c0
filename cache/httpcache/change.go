package httpcache

import (
	"context"
	"net/http"
	"time"
)

// change passes on a request with an unsafe method, or one that is not known to be safe, and invalidates what its success may have changed, before the client
// hears of it: the target, what Location and Content-Location name of the same origin (RFC 9111 section 4.4), and the groups
// that the response names (RFC 9875 section 3).
func (v *visit) change() {
	v.pass(func(_ *recorder, status int, h http.Header) {
		if status < 200 || status >= 400 {
			return
		}
		v.invalidate(h)
	}, report{forward: byMethod})
}

func (v *visit) invalidate(h http.Header) {
	c := v.cache
	changed := []*http.Request{v.r}
	for _, name := range [...]string{location, contentLocation} {
		if s := sibling(v.r, h.Get(name)); s != nil {
			changed = append(changed, s)
		}
	}
	var bases, groups []string
	for _, r := range changed {
		if t, ok := targetOf(nil, r, v.rule.Key); ok {
			bases = append(bases, t.base)
		}
	}
	for _, group := range groupsOf(h[groupInvalidate]) {
		groups = append(groups, groupKey(originOf(v.r), group))
	}
	c.remove(v.r.Context(), c.shelf.guard.timeout, sortedOnce(bases), groups)
}

// remove invalidates targets and groups, also for those who would join a call of the handler that is older. It waits no longer than what is left; then
// it goes on, each of its operations within the store's own timeout: it has to be done.
func (c *Cache) remove(ctx context.Context, left time.Duration, bases, groups []string) {
	ctx = context.WithoutCancel(ctx)
	done := make(chan struct{})
	run := func() {
		defer close(done)
		c.shelf.remove(ctx, bases, groups)
	}
	if !c.background(c.storing, run) && !c.shelf.guard.start(run) {
		close(done)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	for _, base := range bases {
		c.flights.forget(base)
	}
}
