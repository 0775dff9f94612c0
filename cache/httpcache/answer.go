package httpcache

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// answer sends a stored response. It keeps nothing of p.
func (c *Cache) answer(w http.ResponseWriter, r *http.Request, p *response, now time.Time, told report) {
	h := w.Header()
	apply(h, p.fields)
	age := p.currentAge(now)
	h[ageField] = []string{strconv.FormatInt(int64(age/time.Second), 10)} // RFC 9111 section 5.1
	if told.hit {
		told.hasTTL, told.ttl = true, p.freshFor(now)
	}
	told.add(h, c.name)
	if p.status == http.StatusOK {
		if holdsUnmodified(r.Header, h, dateField) {
			notModified(w)
			return
		}
		if r.Header[rangeField] != nil {
			modified, _ := http.ParseTime(p.value(lastModified)) // else the zero time, which is none
			http.ServeContent(w, r, "", modified, bytes.NewReader(p.body))
			return
		}
	}
	if hasBody := p.status != http.StatusNoContent && p.status != http.StatusNotModified; !hasBody {
		w.WriteHeader(p.status)
		return
	}
	h[contentLength] = []string{strconv.Itoa(len(p.body))}
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead && len(p.body) > 0 {
		_, _ = w.Write(p.body) // the client has gone
	}
}

// notModified tells the client that it has the response (RFC 9110 section 15.4.5).
func notModified(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range [...]string{contentType, contentLength, "Content-Encoding"} {
		delete(h, name)
	}
	w.WriteHeader(http.StatusNotModified)
}
