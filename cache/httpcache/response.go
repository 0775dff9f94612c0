package httpcache

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// response is a response as it is stored. It is not changed once others may see it.
type response struct {
	key     string // the whole text of the target
	variant string
	nonce   string // of the record under the target

	status int
	fields []field
	body   []byte

	targeted []string // the field that only the cache obeys, which gets to no client but still holds after a 304

	terms    terms
	asked    time.Time     // when the handler was called; where it said 304, when the store was asked for what that is about
	came     time.Time     // when it answered
	age      time.Duration // how old the answer was then
	madeETag bool          // its ETag is of this cache's making, of which the handler knows nothing
	marks    []mark        // of its tags and groups, as they were then
}

func (p *response) encode() []byte {
	w := &writer{b: make([]byte, 0, 512+len(p.key))}
	w.text(p.key)
	w.text(p.variant)
	w.text(p.nonce)
	w.number(int64(p.status))
	w.duration(p.terms.lifetime)
	w.duration(p.terms.staleWhileRevalidate)
	w.duration(p.terms.staleIfError)
	t := &p.terms
	w.flags(t.validate, t.neverStale, t.explicit, t.forAuthorization, t.forCookies, p.madeETag)
	w.texts(p.targeted)
	w.moment(p.asked)
	w.moment(p.came)
	w.duration(p.age)
	w.number(int64(len(p.marks)))
	for _, m := range p.marks {
		w.text(m.key)
		w.text(m.version)
	}
	w.number(int64(len(p.fields)))
	for i := range p.fields {
		f := &p.fields[i]
		w.text(f.name)
		w.flags(f.more)
		w.text(f.line)
	}
	return seal(isResponse, w, p.body)
}

// decode reads a head into p, whose memory it uses again, and takes the body as it is. It reports whether the head is one.
func (p *response) decode(head, body []byte) bool {
	r := reader{s: string(head)}
	fields := p.fields[:0]
	*p = response{key: r.text(), variant: r.text(), nonce: r.text(), status: int(r.number()), body: body}
	p.terms.lifetime, p.terms.staleWhileRevalidate, p.terms.staleIfError = r.duration(), r.duration(), r.duration()
	t := &p.terms
	r.flags(&t.validate, &t.neverStale, &t.explicit, &t.forAuthorization, &t.forCookies, &p.madeETag)
	p.targeted = r.texts()
	p.asked, p.came, p.age = r.moment(), r.moment(), r.duration()
	if n := r.count(); n > 0 {
		p.marks = make([]mark, n)
		for i := range p.marks {
			p.marks[i] = mark{key: r.text(), version: r.text()}
		}
	}
	for range r.count() {
		f := field{name: r.text()}
		r.flags(&f.more)
		f.line = r.text()
		fields = append(fields, f)
	}
	p.fields = fields
	return !r.failed && p.status >= 200 && p.status <= 999
}

// currentAge is RFC 9111 section 4.2.3's.
func (p *response) currentAge(now time.Time) time.Duration {
	return p.age + max(now.Sub(p.came), 0)
}

// freshFor is how long the response is fresh from now on, and below zero since when it has been stale.
func (p *response) freshFor(now time.Time) time.Duration {
	if p.terms.lifetime == forever {
		return forever
	}
	return p.terms.lifetime - p.currentAge(now)
}

// value is the first line of a stored field, "" where there is none.
func (p *response) value(name string) string {
	for i := range p.fields {
		if p.fields[i].name == name {
			return p.fields[i].line
		}
	}
	return ""
}

// validators are the fields with which the handler can be asked whether this is still its answer: its own only.
func (p *response) validators() (tag, modified string) {
	if !p.madeETag {
		tag = p.value(etag)
	}
	return tag, p.value(lastModified)
}

// addTag adds a strong tag made of the body and of what it is encoded as, and returns it.
func (p *response) addTag(body []byte) string {
	sum := sha256.New()
	sum.Write([]byte(p.value("Content-Encoding") + "\x00" + p.value(contentType) + "\x00"))
	sum.Write(body)
	var b [sha256.Size]byte
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(b[:0])[:16]) + `"`
	p.fields = append(p.fields, field{name: etag, line: tag})
	return tag
}
