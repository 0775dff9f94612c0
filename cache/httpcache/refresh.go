package httpcache

import (
	"context"
	"net/http"
	"time"
)

// refreshLimit is how long a handler has to refresh a response.
const refreshLimit = 30 * time.Second

// refresh asks the handler in the background for what f has (RFC 5861 section 3), unless somebody does. What the handler gets lives
// on when the request has ended: a clone without the client's body, its conditions and its writer. Its context has the values of the
// request's, ends after 30 seconds or with Close, and not with the request.
func (v *visit) refresh(f *found) {
	c, key := v.cache, v.flightKey(f)
	flight, leads := c.flights.join(key, nil)
	if !leads {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), refreshLimit)
	stop := context.AfterFunc(c.life, cancel)
	b := *v
	b.r = v.r.Clone(ctx)
	b.r.Body, b.r.GetBody, b.r.ContentLength, b.r.Method = http.NoBody, nil, 0, http.MethodGet
	b.r.Header = without(v.r.Header, ifNoneMatch, ifModified, rangeField, ifRange)
	b.w = &discard{header: make(http.Header)}
	b.request, b.left = noDirectives(), c.shelf.guard.timeout
	x := &call{visit: &b, found: f, key: key, flight: flight, why: isStale, refreshes: true}
	started := c.background(c.refreshing, func() {
		defer cancel()
		defer stop()
		x.lead()
	})
	if !started {
		stop()
		cancel()
		c.flights.settle(key, flight)
	}
}

// discard is the writer of a response that nobody gets.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Flush()                      {} // Echo panics where there is none
