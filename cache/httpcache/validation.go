package httpcache

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// concerns reports whether a 304 with the header h is about p (RFC 9111 section 4.3.4): its validators, where it has any, are p's.
func concerns(h http.Header, p *response) bool {
	if tag := h.Get(etag); tag != "" {
		return weak(tag) == weak(p.value(etag))
	}
	if modified := h.Get(lastModified); modified != "" {
		return modified == p.value(lastModified)
	}
	return true
}

// weak is what of a tag the weak comparison compares (RFC 9110 section 8.8.3.2).
func weak(tag string) string { return strings.TrimPrefix(tag, "W/") }

// freshen makes the stored response what a 304 says that it is (RFC 9111 section 4.3.4). What the 304 does not say is as it was.
func (x *call) freshen(h http.Header, now time.Time) {
	p, own := *x.found.response, x.cache.targeted
	if lines := h[own]; len(lines) > 0 {
		p.targeted = slices.Clone(lines)
		delete(h, own)
	}
	p.fields = update(p.fields, fieldsOf(h, x.before, nil))
	if h.Get(dateField) == "" {
		p.fields = update(p.fields, []field{{name: dateField, line: now.UTC().Format(http.TimeFormat)}})
	}
	merged := make(http.Header)
	apply(merged, p.fields)
	if len(p.targeted) > 0 {
		merged[own] = p.targeted
	}
	d, targeted := control(merged, own)
	p.fields = slices.DeleteFunc(p.fields, func(f field) bool { return slices.Contains(d.withheld, f.name) })
	p.terms = termsOf(d, targeted, p.status, merged, x.rule.TTL, now)
	p.asked, p.came, p.age = x.looked, now, initialAge(h, x.asked, now)
	names, ok := nominated(merged)
	if ok {
		p.variant = variantOf(x.r, x.found.varying(names))
	}
	p.terms.forCookies = p.terms.forCookies || slices.Contains(names, cookieField)
	x.judged = judgement{
		terms: p.terms, names: names, withheld: d.withheld, age: p.age, tags: x.tagsOf(merged), keep: p.terms.keepFor(p.age, x.cache.keepStale, true),
	}
	switch {
	case d.mustUnderstand && !isUnderstood(p.status):
		x.judged.why = "status"
	case d.noStore && !d.mustUnderstand:
		x.judged.why = "no-store"
	case d.private:
		x.judged.why = "private"
	case !x.visitor.mayShare(&p.terms):
		x.judged.why = "credentials"
	case !ok:
		x.judged.why = "vary"
	case echoesOrigin(x.r, merged, names):
		x.judged.why = "origin"
	case len(x.judged.tags) > maxMarks:
		x.judged.why = "groups"
	}
	x.validated = &p
}

// mayServeStale reports whether the stored response is used in place of an error (RFC 5861 section 4).
func (x *call) mayServeStale(status int, now time.Time) bool {
	p := x.found.response
	if p == nil || p.terms.neverStale || p.terms.validate {
		return false
	}
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	allowed := max(p.terms.staleIfError, x.request.staleIfError)
	return -p.freshFor(now) <= allowed && allowed > 0
}

// holdsUnmodified reports whether the client has what the header h is of already: RFC 9110 section 13.2.2, of which If-None-Match goes before If-Modified-Since. Where there is no Last-Modified, the field
// otherwise is taken, if any (RFC 9111 section 4.3.2).
func holdsUnmodified(request, h http.Header, otherwise string) bool {
	if lines := request[ifNoneMatch]; len(lines) > 0 {
		tag := h.Get(etag)
		for _, line := range lines {
			for line != "" {
				var member string
				member, line = cutMember(line)
				if member = trim(member); member == "*" || tag != "" && weak(member) == weak(tag) {
					return true
				}
			}
		}
		return false
	}
	if len(request[ifModified]) != 1 { // RFC 9110 section 13.1.3: two are none
		return false
	}
	since, err := http.ParseTime(request.Get(ifModified))
	if err != nil {
		return false
	}
	field := lastModified
	if len(h[field]) == 0 {
		field = otherwise
	}
	modified, err := http.ParseTime(h.Get(field))
	return err == nil && !modified.After(since)
}

// headDiffers reports whether a HEAD tells that the stored response to GET is not the handler's any more (RFC 9111 section 4.3.5).
func headDiffers(h http.Header, p *response) bool {
	for _, name := range [...]string{etag, lastModified} {
		if now := h.Get(name); now != "" && now != p.value(name) && !(name == etag && p.madeETag) {
			return true
		}
	}
	n := lengthOf(h)
	return n >= 0 && n != int64(len(p.body))
}

// forwardHead asks the handler for the header alone, of which nothing is stored.
func (v *visit) forwardHead(f *found, why string) {
	v.pass(func(_ *recorder, status int, h http.Header) {
		if p := f.response; p != nil && status == http.StatusOK && headDiffers(h, p) {
			v.cache.remove(v.r.Context(), v.left, []string{v.target.base}, nil)
		}
	}, report{forward: why})
}
