package httpcache

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// visit is a request on its way through the cache.
type visit struct {
	cache   *Cache
	rule    *Rule
	next    http.Handler
	proxies bool
	w       http.ResponseWriter
	r       *http.Request

	target  target
	visitor visitor
	request directives    // of the client, as far as they are obeyed
	left    time.Duration // how long it may still wait for the store
	doubted *flight       // that the store knew nothing of when it was asked
}

var visits = sync.Pool{New: func() any { return new(visit) }}

// free gives the memory back, of a visit that nobody else knows of.
func (v *visit) free() {
	*v = visit{target: target{raw: v.target.raw[:0]}}
	visits.Put(v)
}

// Why the handler is asked, as RFC 9211 section 2.2 names it.
const (
	bypass   = "bypass"
	byMethod = "method"
	uriMiss  = "uri-miss"
	varyMiss = "vary-miss"
	noSuch   = "miss"
	onDemand = "request"
	isStale  = "stale"
)

// maxAttempts is how often a request looks for an answer, or for somebody who is fetching it, before it asks the handler for itself.
const maxAttempts = 4

// maxWait is how long after its beginning a call of another's is waited for: who waits for a slow handler that is asked by somebody slow in sending or
// taking is better off asking itself, and who comes later need not find that out again.
const maxWait = 5 * time.Second

func (v *visit) serve() {
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions, http.MethodTrace:
		v.forward(byMethod, "")
		return
	default:
		v.change()
		return
	}
	v.request = v.cache.requestDirectives(v.r.Header)
	if why := v.whyNot(); why != "" {
		v.forward(bypass, why)
		return
	}
	var ok bool
	if v.target, ok = targetOf(v.target.raw, v.r, v.rule.Key); !ok {
		v.forward(bypass, "key")
		return
	}
	v.visitor = v.cache.visitorOf(v.r)
	v.left = v.cache.shelf.guard.timeout
	for range maxAttempts {
		if v.attempt() {
			return
		}
	}
	v.forward(noSuch, "")
}

// whyNot reports why a request cannot be answered from a cache, as a token, "" where it can.
func (v *visit) whyNot() string {
	h := v.r.Header
	switch {
	case v.r.ContentLength != 0 || len(v.r.TransferEncoding) > 0:
		return "body" // which no key knows of
	case len(h[connection]) > 0 && len(h["Upgrade"]) > 0:
		return "upgrade"
	case len(h[ifMatch]) > 0 || len(h[ifUnmodified]) > 0:
		return "precondition" // of what the handler has now, not of what it had
	}
	return ""
}

// requestDirectives are what the client says and this cache obeys.
func (c *Cache) requestDirectives(h http.Header) directives {
	lines := h[cacheControl]
	if len(lines) == 0 && !(c.obeys && len(h[pragma]) > 0) {
		return noDirectives()
	}
	d := parseDirectives(lines)
	if !c.obeys {
		obeyed := noDirectives()
		obeyed.noStore, obeyed.onlyIfCached = d.noStore, d.onlyIfCached
		return obeyed
	}
	if len(lines) == 0 && strings.Contains(strings.ToLower(h.Get(pragma)), "no-cache") { // RFC 9111 section 5.4
		d.noCache = true
	}
	return d
}

// attempt answers from what is stored, joins a call, or makes one. It reports false where it waited in vain.
func (v *visit) attempt() bool {
	c, began := v.cache, time.Now()
	f, now, err := c.shelf.look(v.r.Context(), began, v.left, v.target, v.r)
	if err != nil {
		f = &found{miss: noSuch}
	}
	v.left -= now.Sub(began)
	use, why := v.useOf(f.response, now)
	switch use {
	case usable:
		c.answer(v.w, v.r, f.response, now, report{hit: true})
		f.free()
		v.free()
		return true
	case usableMeanwhile:
		c.answer(v.w, v.r, f.response, now, report{hit: true})
		v.refresh(f)
		return true
	case unusable:
		f.response = nil
		if why == "" {
			why = f.miss
		}
	case toValidate:
	}
	if v.request.onlyIfCached {
		v.unsatisfiable()
		return true
	}
	if v.r.Method == http.MethodHead {
		v.forwardHead(f, why)
		return true
	}
	if v.request.noStore || f.response == nil && v.r.Header[rangeField] != nil {
		v.forward(why, "")
		return true
	}
	x := &call{visit: v, found: f, looked: began, why: why, storeDown: err != nil || c.life.Err() != nil}
	x.key = v.flightKey(f)
	if c.passes.has(x.key, now) || use == toValidate && why == onDemand {
		x.run()
		return true
	}
	flight, leads := c.flights.join(x.key, nil)
	if !leads && !v.trusts(flight, f) {
		if v.doubted != flight { // this one may have looked before the other had told the store
			v.doubted = flight
			return false
		}
		flight, leads = c.flights.join(x.key, flight)
	}
	if leads {
		x.flight = flight
		x.lead()
		return true
	}
	return v.await(flight, x)
}

// flightKey is the same for requests that one call of the handler may answer.
func (v *visit) flightKey(f *found) string {
	key := v.target.base + f.variant
	if v.visitor.isCertain() { // what is for one of them is told apart from what is for all
		key += "!"
	}
	return key
}

// use is what a stored response is good for.
type use int

const (
	unusable        use = iota // for nothing: it is not there, or not for this visitor
	usable                     // as it is
	usableMeanwhile            // as it is, while it is refreshed
	toValidate                 // once the handler has said that it still holds
)

// useOf is RFC 9111 section 4. why is the reason to ask the handler where that is not what the store lacks.
func (v *visit) useOf(p *response, now time.Time) (u use, why string) {
	if p == nil {
		return unusable, ""
	}
	if !v.visitor.mayShare(&p.terms) {
		return unusable, noSuch
	}
	if p.terms.validate {
		return toValidate, isStale
	}
	left, asked := p.freshFor(now), &v.request
	switch {
	case asked.noCache,
		asked.maxAge != absent && p.currentAge(now) > asked.maxAge,
		asked.minFresh != absent && left < asked.minFresh:
		return toValidate, onDemand
	case left > 0:
		return usable, ""
	case p.terms.neverStale:
		return toValidate, isStale
	case asked.anyStale || asked.maxStale != absent && -left <= asked.maxStale:
		return usable, ""
	case -left < p.terms.staleWhileRevalidate:
		return usableMeanwhile, ""
	}
	return toValidate, isStale
}

// unsatisfiable answers only-if-cached where nothing is (RFC 9111 section 5.2.1.7).
func (v *visit) unsatisfiable() {
	status := report{detail: "only-if-cached"}
	status.add(v.w.Header(), v.cache.name)
	http.Error(v.w, "The response is not in the cache, and the request forbids to ask the origin.", http.StatusGatewayTimeout)
}

// forward asks the handler and stores nothing.
func (v *visit) forward(forward, why string) {
	v.pass(func(*recorder, int, http.Header) {}, report{forward: forward, detail: why})
}

// pass asks the handler, calls see when its header is known, and stores nothing.
func (v *visit) pass(see func(rec *recorder, status int, h http.Header), told report) {
	rec := &recorder{w: v.w, proxies: v.proxies}
	rec.decide = func(_ *recorder, status int) verdict {
		h := v.w.Header()
		see(rec, status, h)
		delete(h, v.cache.targeted)
		told.add(h, v.cache.name)
		return verdict{}
	}
	v.next.ServeHTTP(rec, v.r)
	rec.end()
}
