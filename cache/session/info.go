package session

import (
	"context"
	"time"
)

// Info is what the store has of a session, but for its data.
type Info struct {
	ID      string    // what it is known by: the SHA-256 of the cookie's id, as base64url
	User    string    // who has logged in; "" is nobody
	Created time.Time // at the login, or the first write before it
	Seen    time.Time // when it was used last, give or take a tenth of Options.IdleTimeout
	Expires time.Time // at the latest
	Bytes   int       // of data
}

func infoOf(h *held) Info {
	at := func(n int64) time.Time { return time.Unix(0, n) }
	return Info{ID: h.id.String(), User: h.user, Created: at(h.created), Seen: at(h.seen), Expires: at(h.expires), Bytes: len(h.data)}
}

// ID returns what the session is known by to the store and to tools, as in [Info]: not the cookie's id, but its SHA-256. That of a new session, and after Login and Renew, is
// the one that it will have. It is "" where there is no session.
func (s *Session) ID(ctx context.Context) (string, error) {
	var id string
	err := s.view(ctx, func() {
		switch {
		case s.plan != stays, s.base.raw == nil && s.isChanged():
			h := hashOf(s.nextID())
			id = h.String()
		case s.base.raw != nil:
			id = s.base.id.String()
		}
	})
	return id, err
}

// User returns who has logged in: "" where nobody has, or there is no session.
func (s *Session) User(ctx context.Context) (string, error) {
	var user string
	err := s.view(ctx, func() { user = s.user })
	return user, err
}

// PeekUser is User for what the response does not depend on, such as a limiter or a log: the response does not become private for it, nor a 503 for its error, and it is no use of the session.
func (s *Session) PeekUser(ctx context.Context) (string, error) {
	if s == nil {
		return "", ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.failed
	err := s.load(ctx)
	s.failed = before
	if err != nil {
		return "", err
	}
	return s.user, nil
}

// Info returns what the store has of the session: as it was read, or saved since. It is the zero value where the store has none.
func (s *Session) Info(ctx context.Context) (Info, error) {
	var info Info
	err := s.view(ctx, func() {
		if s.base.raw != nil {
			info = infoOf(&s.base)
		}
	})
	return info, err
}
