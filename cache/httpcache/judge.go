package httpcache

import (
	"mime"
	"net/http"
	"slices"
	"time"
)

// judgement is whether a response may be stored, and how.
type judgement struct {
	why      string // why not, as a token for Cache-Status; "" where it may be
	terms    terms
	names    []string // of its Vary
	withheld []string
	age      time.Duration
	keep     time.Duration
	tags     []string // the store's keys of its tags and groups
}

// judge applies RFC 9111 section 3 and what this cache adds to it.
func (x *call) judge(rec *recorder, status int, h http.Header, now time.Time) judgement {
	c, r := x.cache, x.r
	d, targeted := control(h, c.targeted)
	j := judgement{withheld: d.withheld, age: initialAge(h, x.asked, now)}
	j.terms = termsOf(d, targeted, status, h, x.rule.TTL, now)
	names, ok := nominated(h)
	j.names = names
	if slices.Contains(names, cookieField) {
		j.terms.forCookies = true // every value of Cookie has a response of its own
	}
	no := func(why string) judgement {
		j.why = why
		return j
	}
	switch {
	case d.mustUnderstand && !isUnderstood(status):
		return no("status")
	case d.noStore && !d.mustUnderstand:
		return no("no-store")
	case d.private:
		return no("private")
	case status == http.StatusPartialContent || len(h[contentRange]) > 0:
		return no("partial")
	case status < 200 || status == http.StatusNotModified:
		return no("status")
	case len(h[setCookie]) > 0 || len(h[setCookie2]) > 0:
		return no("set-cookie")
	case !x.visitor.mayShare(&j.terms):
		return no("credentials")
	case !ok:
		return no("vary")
	case echoesOrigin(r, h, names):
		return no("origin")
	case rec.streamed || isEventStream(h):
		return no("stream")
	case hasTrailer(h):
		return no("trailer")
	case max(rec.declared, rec.written) > c.maxBody:
		return no("too-large")
	case !x.passesFilter(status, h, &j.terms):
		return no("filter")
	}
	hasValidator := h.Get(etag) != "" || h.Get(lastModified) != ""
	j.keep = j.terms.keepFor(j.age, c.keepStale, hasValidator)
	if !j.terms.explicit && j.terms.lifetime <= 0 || j.terms.validate && !hasValidator || j.keep <= 0 {
		return no("freshness")
	}
	if j.tags = x.tagsOf(h); len(j.tags) > maxMarks {
		return no("groups")
	}
	return j
}

// passesFilter applies the rule's filter. Where there is none, errors of the handler's are not stored, though it had set max-age before
// it failed, and what nothing but the rule calls fresh is stored only where it succeeded.
func (x *call) passesFilter(status int, h http.Header, t *terms) bool {
	switch {
	case x.rule.Filter != nil:
		return x.rule.Filter(x.r, status, h)
	case status >= 500:
		return false
	case t.explicit || x.rule.TTL == 0:
		return true
	}
	return status < 300 || status == http.StatusMovedPermanently || status == http.StatusPermanentRedirect
}

// echoesOrigin reports whether a response was made for the page that asked, without saying that it varies by it.
func echoesOrigin(r *http.Request, h http.Header, names []string) bool {
	from := r.Header.Get(origin)
	return from != "" && h.Get(allowOrigin) == from && !slices.Contains(names, origin)
}

func isEventStream(h http.Header) bool {
	media, _, _ := mime.ParseMediaType(h.Get(contentType))
	return media == "text/event-stream" || media == "multipart/x-mixed-replace"
}
