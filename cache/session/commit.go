package session

import (
	"net/http"
	"slices"
	"strings"
)

// commit stores the session and puts into the header what the client has to know. From then on it cannot be changed.
func (s *Session) commit(h http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.touched {
		s.closed = true
		return nil
	}
	s.closed = true
	err := s.failed
	if err == nil && s.loaded {
		err = s.flush(s.r.Context())
	}
	makePrivate(h)
	switch {
	case s.issued != "":
		addCookie(h, s.sessions.cookie.of(s.issued, s.life))
	case s.expire:
		addCookie(h, s.sessions.cookie.none())
	}
	return err
}

// close is for a handler that panicked: what it has changed is not stored, nor by a goroutine that it has left.
func (s *Session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// addCookie is [http.SetCookie] for a cookie that is known to be valid.
func addCookie(h http.Header, c *http.Cookie) {
	h["Set-Cookie"] = append(slices.Clip(h["Set-Cookie"]), c.String())
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
