package session

import (
	"context"
	"errors"
)

// Login makes user the session's: 1 to 1024 bytes that name them for good, such as a primary key. The session gets a new id and a new lifetime, when the response begins; an
// id that somebody has planted in the browser is worth nothing then. The data stay; those of a session that was another user's do not.
//
// A session that is ended meanwhile, by Destroy or by [Sessions.LogOutEverywhere], stays so, and the answer is a conflict.
func (s *Session) Login(ctx context.Context, user string) error {
	if err := checkUser(user); err != nil {
		return err
	}
	return s.change(ctx, func() error {
		if s.user != "" && s.user != user {
			s.data, s.ops, s.apart = nil, nil, true
		}
		s.user, s.plan, s.id = user, logsIn, newID()
		return nil
	})
}

// Renew gives the session a new id when the response begins, and the same lifetime, as it should have after every change of what its user may do. Where there is no session it does nothing.
func (s *Session) Renew(ctx context.Context) error {
	return s.change(ctx, func() error {
		if s.base.raw != nil && s.plan == stays {
			s.plan, s.id = renews, newID()
		}
		return nil
	})
}

// Destroy ends the session at once: when it returns nil, neither its id nor one that it was given meanwhile works any more, whatever else is in flight. Changes of this request are dropped. The
// response drops the cookie if one came; what is written afterwards makes a new session. It goes on where ctx is cancelled, for whoever logs out may have closed the page.
func (s *Session) Destroy(ctx context.Context) error {
	return s.change(ctx, func() error {
		for _, known := range []held{s.base, s.stray, {id: s.at}} {
			if known.raw == nil && (!s.moved || known.id != s.at) {
				continue
			}
			if _, err := s.sessions.endListed(ctx, known.id, known.raw); err != nil {
				s.failed = err
				return err
			}
		}
		s.forget()
		return nil
	})
}

// Save stores what has been changed, and the time of this use, at once, and so before the response begins. A conflict is then the handler's to answer: the error is [ErrConflict],
// the changes are dropped, and the session is read anew. After any other error the response is a 503.
func (s *Session) Save(ctx context.Context) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrCommitted
	case s.failed != nil:
		return s.failed
	case !s.loaded:
		return nil
	}
	err := s.flush(ctx)
	if errors.Is(err, ErrConflict) {
		s.drop()
		s.loaded = false
	}
	return err
}

// forget makes it a session that there is not.
func (s *Session) forget() {
	s.drop()
	s.base, s.stray, s.user, s.data = held{}, held{}, "", nil
	s.hasID, s.moved = false, false
	s.issued, s.expire = "", s.came
}

// drop takes back what was to be stored.
func (s *Session) drop() {
	s.user, s.data = s.base.user, s.base.data
	s.plan, s.id, s.ops, s.apart = stays, "", nil, false
}

// loggedOut is told that a user has been logged out everywhere.
func (s *Session) loggedOut(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.base.raw == nil || s.base.user != user {
		return
	}
	plan, id, as, data := s.plan, s.id, s.user, s.data
	s.forget()
	if plan == logsIn { // it comes after
		s.plan, s.id, s.user, s.data, s.apart = plan, id, as, data, true
	}
}
