package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

func (s *Session) timesUsed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses
}

// view calls f with what the store has read. It does not where the response of ctx has begun as one that is anybody's, and may be in a cache already.
func (s *Session) view(ctx context.Context, f func()) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	f()
	return nil
}

// use counts what makes the response this visitor's alone. s.mu is held.
func (s *Session) use(ctx context.Context) error {
	if x := s.sessions.exchangeOf(ctx); x != nil && x.session == s && x.public {
		return ErrCommitted
	}
	s.uses++
	return nil
}

// change is view for what is not possible any more when the response has begun.
func (s *Session) change(ctx context.Context, f func() error) error {
	if s == nil {
		return ErrNoMiddleware
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrCommitted
	}
	s.uses++
	if err := s.load(ctx); err != nil {
		return err
	}
	return f()
}

// load asks the store, once. s.mu is held.
func (s *Session) load(ctx context.Context) error {
	switch {
	case s.failed != nil:
		return s.failed
	case s.loaded:
		return nil
	case s.closed:
		return ErrCommitted
	}
	if !s.located {
		s.located = true
		var id string
		if id, s.came = s.sessions.cookie.read(s.r.Header); id != "" {
			s.at, s.hasID = hashOf(id), true
		}
	}
	s.base, s.stray, s.moved = held{}, held{}, false
	if s.hasID {
		var err error
		if s.base, s.moved, err = s.sessions.look(ctx, s.at); err != nil {
			if !isOwnCancel(ctx, s.r) {
				s.failed = err
			}
			return err
		}
	}
	s.loaded = true
	s.user, s.data = s.base.user, s.base.data
	return nil
}

// isOwnCancel reports whether it is the caller who did not want to wait, and not the client or the store: that says nothing about the session.
func isOwnCancel(ctx context.Context, r *http.Request) bool {
	return errors.Is(ctx.Err(), context.Canceled) && r.Context().Err() == nil
}

// void makes of a session whose data are not what the program expects one that there is not. It reports whether it did: what this request has made itself is not
// taken for another version's.
func (s *Session) void() bool {
	if s.base.raw == nil || s.base.data == nil || s.isChanged() {
		return false
	}
	s.stray, s.base, s.data, s.ops = s.base, held{}, nil, nil
	if s.plan != logsIn {
		s.user, s.plan = "", stays
	}
	return true
}

// rebase reads the session again, where the store has other bytes than expected, and makes the same changes to what it has now.
func (s *Session) rebase(ctx context.Context) error {
	now, _, err := s.sessions.look(ctx, s.base.id)
	if err != nil {
		return err
	}
	if now.raw == nil {
		return ErrConflict
	}
	if now.revision != s.base.revision && !s.apart {
		data := now.data
		for _, o := range s.ops {
			if o.replaces {
				return ErrConflict
			}
			if data, err = s.sessions.apply(o, data, now.data); err != nil {
				return fmt.Errorf("%w: %w", ErrConflict, err)
			}
		}
		s.data = data
	}
	s.base = now
	return nil
}
