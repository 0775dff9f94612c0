package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// move stores the session under its new id, in an order of which every interleaving with a logout leaves no session:
//
//  1. the index of the user lists the new one, so that logging out everywhere finds it from the first moment on;
//  2. it is stored;
//  3. the old one is replaced, if it still is what was read, by a note of where it went, so that whoever ends it after that ends the new one;
//  4. the index still lists the new one, and nobody has cleared all sessions meanwhile.
//
// Where a step fails the new one is removed. Nobody has its id before the last.
func (s *Session) move(ctx context.Context) error {
	if err := s.removeStray(ctx); err != nil {
		return err
	}
	now := time.Now()
	h := s.sessions.fresh(now, s.id, s.user, s.data)
	if s.plan == renews {
		h.created, h.expires = s.base.created, s.base.expires
		h.seen = max(h.seen, h.created) // by a process whose clock is ahead
		h.raw = h.encode()
	}
	if h.left(now, s.sessions.idle) <= 0 {
		return ErrConflict
	}
	err := s.moveTo(ctx, &h, now)
	if err != nil {
		s.sessions.takeBack(ctx, &h)
		return err
	}
	s.became(h, now)
	return nil
}

func (s *Session) moveTo(ctx context.Context, h *held, now time.Time) error {
	var replaced hash // in the same index
	var gone []hash
	if s.base.raw != nil && s.base.user == h.user {
		replaced = s.base.id
	}
	if h.user != "" {
		e := entry{id: h.id, listed: now.UnixNano(), expires: h.expires}
		var err error
		if gone, err = s.sessions.list(ctx, h.user, e, &replaced, s.plan == renews); err != nil {
			if errors.Is(err, ErrConflict) { // it has been logged out, or cannot be for its index was lost
				if _, failed := s.sessions.end(ctx, s.base.id, s.base.raw, false); failed != nil {
					return failed
				}
			}
			return err
		}
	}
	stored, err := s.sessions.store.Add(ctx, h.id.key(), h.raw, h.left(now, s.sessions.idle))
	if err != nil {
		return fmt.Errorf("session: save: %w", err)
	}
	if !stored {
		return errContended()
	}
	if s.base.raw != nil {
		if err := s.leave(ctx, h); err != nil {
			return err
		}
		cleared, err := s.sessions.wasCleared(ctx, &s.base)
		if err != nil {
			return err
		}
		if cleared {
			return ErrConflict
		}
	}
	if h.user != "" {
		if err := s.sessions.confirm(ctx, h.user, &h.id, append(gone, replaced)); err != nil {
			return err
		}
	}
	if s.base.user != "" && s.base.user != h.user {
		_ = s.sessions.unlist(ctx, s.base.user, s.base.id) // what is gone may stay listed
	}
	return nil
}

// leave replaces the old session by where it went. What others have changed of it meanwhile goes along.
func (s *Session) leave(ctx context.Context, h *held) error {
	note := encodeMoved(&h.id)
	for range tries(ctx) {
		life := s.base.left(time.Now(), s.sessions.idle)
		if life <= 0 {
			return ErrConflict
		}
		swapped, err := s.sessions.store.CompareAndSwap(ctx, s.base.id.key(), s.base.raw, note, life)
		if err != nil {
			return fmt.Errorf("session: leave the old id: %w", err)
		}
		if swapped {
			return nil
		}
		if err := s.rebase(ctx); err != nil {
			return err
		}
		if bytes.Equal(s.data, h.data) {
			continue
		}
		next := *h
		next.data = s.data
		next.raw = next.encode()
		swapped, err = s.sessions.store.CompareAndSwap(ctx, h.id.key(), h.raw, next.raw, next.left(time.Now(), s.sessions.idle))
		if err != nil {
			return fmt.Errorf("session: save: %w", err)
		}
		if !swapped { // somebody who logs the user out everywhere was there
			return ErrConflict
		}
		*h = next
	}
	return errContended()
}

// takeBack removes what a move that failed may have left. It need not succeed: nobody has the id, and it expires.
func (s *Sessions) takeBack(ctx context.Context, h *held) {
	ctx, cancel := apart(ctx)
	defer cancel()
	_ = s.store.Delete(ctx, h.id.key())
	if h.user != "" {
		_ = s.unlist(ctx, h.user, h.id)
	}
}
