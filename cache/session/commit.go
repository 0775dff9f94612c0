package session

import (
	"net/http"
	"slices"
	"strings"
)

// commit stores the session, once, and puts into the header of x what the client has to know: no-store where the session was used in it, and the cookie. From then
// on the session cannot be changed. first tells whether it was this call that stored it; the error is the same for each.
func (s *Session) commit(x *exchange) (first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first = !s.closed; first {
		s.closed = true
		if s.refused = s.failed; s.refused == nil && s.loaded && s.uses > 0 {
			s.refused = s.flush(s.r.Context())
		}
	}
	if x.public = s.uses == x.before; x.public {
		return first, s.refused // a cookie goes with the response around it, which is private
	}
	h := x.w.Header()
	makePrivate(h)
	switch {
	case s.issued != "":
		addCookie(h, s.sessions.cookie.of(s.issued, s.life))
	case s.expire:
		addCookie(h, s.sessions.cookie.none())
	}
	return first, s.refused
}

// close is for a handler that panicked: what it has changed is not stored, nor by a goroutine that it has left.
func (s *Session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// addCookie is [http.SetCookie] for a cookie that is known to be valid, where the header does not have it yet.
func addCookie(h http.Header, c *http.Cookie) {
	if line := c.String(); !slices.Contains(h["Set-Cookie"], line) {
		h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), line)
	}
}

// makePrivate says that the response is this visitor's alone, whatever the handler says: to every cache, and so also in the fields that only some of them
// read (RFC 9213), which would win.
func makePrivate(h http.Header) {
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Surrogate-Control" || name == "Expires" {
			delete(h, name)
		}
	}
	h["Cache-Control"] = []string{"no-store"}
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	h["Vary"] = append(slices.Clip(h["Vary"]), "Cookie") // the handler may have set what it shares with others
}
