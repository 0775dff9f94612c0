package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flush stores what has been changed, or else that the session was used. After an error that is no conflict the session has failed. s.mu is held, and s.loaded.
func (s *Session) flush(ctx context.Context) error {
	if s.plan == stays && !s.isChanged() && !s.isDue(time.Now()) {
		return nil
	}
	ctx, cancel := apart(ctx)
	defer cancel()
	var err error
	switch {
	case s.plan != stays:
		err = s.move(ctx)
	case !s.isChanged():
		err = s.note(ctx)
	case s.base.raw == nil:
		err = s.create(ctx)
	default:
		err = s.replace(ctx)
	}
	if err == nil {
		s.drop()
	} else if !errors.Is(err, ErrConflict) {
		s.failed = err
	}
	return err
}

// isDue reports whether this use is to be noted: a tenth of IdleTimeout after the last that was.
func (s *Session) isDue(now time.Time) bool {
	return s.base.raw != nil && now.UnixNano()-s.base.seen >= int64(s.sessions.idle/10)
}

// note stores that the session was used, over exactly what was read: where somebody else was faster, they have noted it, or have ended the session.
func (s *Session) note(ctx context.Context) error {
	now := time.Now()
	used := s.base.record
	used.seen = now.UnixNano()
	life := used.left(now, s.sessions.idle)
	if life <= 0 {
		return nil
	}
	raw := used.encode()
	swapped, err := s.sessions.store.CompareAndSwap(ctx, s.base.id.key(), s.base.raw, raw, life)
	if err != nil {
		return fmt.Errorf("session: note its use: %w", err)
	}
	if swapped {
		s.base = held{used, s.base.id, raw}
	}
	return nil
}

// create stores a new session without a user.
func (s *Session) create(ctx context.Context) error {
	if err := s.removeStray(ctx); err != nil {
		return err
	}
	now := time.Now()
	h := s.sessions.fresh(now, s.nextID(), "", s.data)
	stored, err := s.sessions.store.Add(ctx, h.id.key(), h.raw, h.left(now, s.sessions.idle))
	if err != nil {
		return fmt.Errorf("session: save: %w", err)
	}
	if !stored {
		return errContended()
	}
	s.became(h, now)
	return nil
}

// fresh is a session that begins now.
func (s *Sessions) fresh(now time.Time, id, user string, data []byte) held {
	n := now.UnixNano()
	h := held{record: record{created: n, expires: n + int64(s.lifetime), seen: n, revision: newRevision(), user: user, data: data}, id: hashOf(id)}
	h.raw = h.encode()
	return h
}

// became makes a session that has been stored under s.id the request's, and the client's.
func (s *Session) became(h held, now time.Time) {
	s.base, s.at, s.hasID, s.moved = h, h.id, true, false
	s.issued, s.life, s.expire = s.id, time.Duration(h.expires-now.UnixNano()), false
}

// removeStray removes the session whose place a new one takes.
func (s *Session) removeStray(ctx context.Context) error {
	if s.stray.raw == nil {
		return nil
	}
	_, err := s.sessions.endListed(ctx, s.stray.id, s.stray.raw)
	if err == nil {
		s.stray = held{}
	}
	return err
}

// replace stores other data, over exactly what was read. It never stores where nothing is: a session that has been ended does not come back.
func (s *Session) replace(ctx context.Context) error {
	for range tries(ctx) {
		now := time.Now()
		next := s.base.record
		next.data, next.revision, next.seen = s.data, newRevision(), max(next.seen, now.UnixNano())
		life := next.left(now, s.sessions.idle)
		if life <= 0 {
			return ErrConflict
		}
		raw := next.encode()
		swapped, err := s.sessions.store.CompareAndSwap(ctx, s.base.id.key(), s.base.raw, raw, life)
		if err != nil {
			return fmt.Errorf("session: save: %w", err)
		}
		if swapped {
			s.base = held{next, s.base.id, raw}
			return nil
		}
		if err := s.rebase(ctx); err != nil {
			return err
		}
		if !s.isChanged() {
			return nil
		}
	}
	return errContended()
}
