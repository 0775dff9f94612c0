package httpcache

import (
	"maps"
	"net/http"
	"time"
)

// call is a call of the handler for a GET, whose response may be stored.
type call struct {
	*visit
	found     *found
	key       string  // of the flight
	flight    *flight // nil where nobody waits
	why       string
	storeDown bool // or closed to this cache
	refreshes bool // nobody waits for an answer

	before     http.Header // the client's header as it was before the handler
	looked     time.Time   // when the store was asked
	asked      time.Time   // when the handler was
	validating bool        // the handler was asked whether found.response holds
	judged     judgement   // of what it answered
	made       *response   // of what it answered, without the body; nil where it is not stored
	validated  *response   // what found.response is by a 304
	unmatched  bool        // the 304 was about another response
	failed     int         // the status in place of which found.response is served
	settling   bool        // somebody else ends the flight
}

// lead makes the call that others wait for. Somebody may have stored its response between this one's look and its flight.
func (x *call) lead() {
	if !x.storeDown {
		began := time.Now()
		again, err := x.cache.shelf.claim(x.r.Context(), x.left, x.target, x.r, x.found)
		now := time.Now()
		x.left -= now.Sub(began)
		if x.storeDown = err != nil; err == nil {
			x.looked = began
			x.flight.claim(again.nonce)
			use, why := x.useOf(again.response, now)
			if use == usableMeanwhile && x.refreshes {
				use, why = toValidate, isStale
			}
			switch use {
			case usable, usableMeanwhile:
				x.cache.flights.settle(x.key, x.flight) // the others look for themselves
				x.cache.answer(x.w, x.r, again.response, now, report{hit: true})
				return
			case unusable:
				again.response = nil
				if why == "" {
					why = again.miss
				}
				x.why = why
			case toValidate:
				x.why = why
			}
			x.found = again
		}
	}
	x.flight.claim("") // unless it has
	x.run()
}

// run calls the handler and does with its response what is right.
func (x *call) run() {
	defer func() {
		if !x.settling { // also when the handler has panicked
			x.abandon()
		}
	}()
	x.before = maps.Clone(x.w.Header())
	rec := x.ask(x.conditional())
	if x.unmatched {
		x.unmatched, x.validating, x.found.response = false, false, nil
		reset(x.w.Header(), x.before)
		rec = x.ask(x.unconditional())
	}
	x.finish(rec)
}

func (x *call) ask(r *http.Request) *recorder {
	rec := &recorder{w: x.w, max: x.cache.maxBody, proxies: x.proxies, decide: x.decide}
	x.asked = time.Now()
	x.next.ServeHTTP(rec, r)
	rec.end()
	return rec
}

// conditional returns the request for the handler: one whether the stored response holds (RFC 9111 section 4.3.1), where there is one that has
// validators of the handler's.
func (x *call) conditional() *http.Request {
	if x.found.response == nil {
		return x.unconditional()
	}
	tag, modified := x.found.response.validators()
	if tag == "" && modified == "" {
		return x.unconditional()
	}
	x.validating = true
	r := x.r.WithContext(x.r.Context())
	r.Header = without(x.r.Header, ifNoneMatch, ifModified, rangeField, ifRange)
	if tag != "" {
		r.Header[ifNoneMatch] = []string{tag}
	}
	if modified != "" {
		r.Header[ifModified] = []string{modified}
	}
	return r
}

// unconditional returns the request for the handler that brings a whole response, which can be stored. The client's own conditions are
// looked at when the header is there. A target whose responses cannot be shared gets them as they are.
func (x *call) unconditional() *http.Request {
	h := x.r.Header
	if h[ifNoneMatch] == nil && h[ifModified] == nil && h[rangeField] == nil && h[ifRange] == nil || x.flight == nil && x.found.response == nil {
		return x.r
	}
	r := x.r.WithContext(x.r.Context())
	r.Header = without(h, ifNoneMatch, ifModified, rangeField, ifRange)
	return r
}

// decide is called when the handler's header is known.
func (x *call) decide(rec *recorder, status int) verdict {
	h, now, c := x.w.Header(), time.Now(), x.cache
	if x.validating && status == http.StatusNotModified {
		if x.unmatched = !concerns(h, x.found.response); !x.unmatched {
			x.freshen(h, now)
		}
		return verdict{mute: true}
	}
	if x.mayServeStale(status, now) {
		x.failed = status
		return verdict{mute: true}
	}
	j := x.judge(rec, status, h, now)
	x.judged = j
	forThis := h[c.targeted]
	delete(h, c.targeted)
	told := report{forward: x.why, detail: j.why}
	if j.why == "" {
		told.stored = x.canStore()
		told.hasTTL, told.ttl = true, remaining(&j.terms, j.age)
		x.make(rec, status, h, now)
		x.made.targeted = forThis
		if told.ttl > 0 {
			c.passes.remove(x.key)
		} else { // nobody else may use it without asking
			x.flight.land(unshareable, nil, nil, nil)
			c.passes.add(x.key, now)
		}
	} else {
		x.flight.land(unshareable, nil, nil, nil)
		if status < 500 && status != http.StatusNotModified { // else the next one may fare better, or is not asked under the client's own conditions
			c.passes.add(x.key, now)
		}
	}
	v := verdict{record: j.why == "" && (told.stored || x.flight != nil)}
	if status == http.StatusOK && x.r.Header[rangeField] == nil && holdsUnmodified(x.r.Header, h, "") {
		v.status, told.status = http.StatusNotModified, status
		for _, name := range [...]string{contentType, contentLength, "Content-Encoding"} {
			delete(h, name)
		}
	}
	told.add(h, c.name)
	return v
}

func remaining(t *terms, age time.Duration) time.Duration {
	switch {
	case t.validate:
		return 0
	case t.lifetime == forever:
		return forever
	}
	return t.lifetime - age
}

// canStore reports whether there is a store that could take the response, and a record in it that an invalidation would remove.
func (x *call) canStore() bool {
	return !x.storeDown && x.cache.life.Err() == nil && !x.found.foreign && x.found.base != nil
}

// make makes what will be stored, but for the body.
func (x *call) make(rec *recorder, status int, h http.Header, now time.Time) {
	p := &response{key: x.target.text(), status: status, terms: x.judged.terms, asked: x.asked, came: now, age: x.judged.age}
	if status == http.StatusOK && h.Get(etag) == "" {
		p.madeETag = true
	}
	p.fields = fieldsOf(h, x.before, x.judged.withheld)
	if p.madeETag && rec.complete {
		h[etag] = []string{p.addTag(rec.body)}
	}
	if h.Get(dateField) == "" { // RFC 9110 section 6.6.1
		p.fields = append(p.fields, field{name: dateField, line: now.UTC().Format(http.TimeFormat)})
	}
	p.variant = variantOf(x.r, x.found.varying(x.judged.names))
	x.made = p
}

// finish is called when the handler has returned.
func (x *call) finish(rec *recorder) {
	now, p := time.Now(), x.made
	switch {
	case x.validated != nil:
		p = x.validated
		own := visitorsOwn(x.w.Header(), x.judged.withheld)
		reset(x.w.Header(), x.before)
		maps.Copy(x.w.Header(), own)
		if x.judged.why != "" { // it holds, and is to be kept no longer
			x.flight.land(unshareable, nil, nil, nil)
			x.cache.remove(x.r.Context(), x.left, []string{x.target.base}, nil)
			x.cache.answer(x.w, x.r, p, now, report{forward: x.why, status: http.StatusNotModified, detail: x.judged.why})
			return
		}
		x.share(p)
		x.store(p)
		x.cache.answer(x.w, x.r, p, now, report{forward: x.why, status: http.StatusNotModified, stored: x.canStore(), hasTTL: true, ttl: remaining(&p.terms, p.age)})
	case x.failed != 0:
		p = x.found.response
		reset(x.w.Header(), x.before)
		x.flight.land(staleInstead, p, x.found.varying(nil), nil)
		x.cache.answer(x.w, x.r, p, now, report{forward: x.why, status: x.failed, hasTTL: true, ttl: p.freshFor(now), detail: "stale-if-error"})
	case p != nil && rec.verdict.record && rec.isWhole() && !hasTrailer(x.w.Header()) && x.r.Context().Err() == nil:
		p.body = rec.body
		if p.madeETag && !rec.wasWhole {
			p.addTag(p.body)
		}
		x.share(p)
		x.store(p)
	}
}
