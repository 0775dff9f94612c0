package httpcache

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer sends a stored response. It keeps nothing of p.
func (c *Cache) answer(w http.ResponseWriter, r *http.Request, p *response, now time.Time, told report) {
	h := w.Header()
	age := strconv.FormatInt(int64(p.currentAge(now)/time.Second), 10) // RFC 9111 section 5.1
	if told.hit {
		told.hasTTL, told.ttl = true, p.freshFor(now)
	}
	length := strconv.Itoa(len(p.body))
	apply(h, p.fields, field{name: ageField, line: age}, field{name: cacheStatus, line: told.member(c.name), more: true}, field{name: contentLength, line: length})
	if p.status == http.StatusOK {
		if holdsUnmodified(r.Header, h, dateField) {
			notModified(w)
			return
		}
		// RFC 9110 section 14.2: a range is for GET alone, and one of a unit that is not known is ignored.
		if r.Method == http.MethodGet && strings.HasPrefix(r.Header.Get(rangeField), "bytes=") {
			delete(h, contentLength)
			modified, _ := http.ParseTime(p.value(lastModified)) // else the zero time, which is none
			http.ServeContent(w, r, "", modified, bytes.NewReader(p.body))
			return
		}
	}
	if p.status == http.StatusNoContent {
		delete(h, contentLength) // RFC 9110 section 8.6
	}
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
