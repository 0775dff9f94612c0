package session

import (
	"context"
	"fmt"
	"time"
)

// writesFor bounds what is written for a request, whatever the store does. Each operation has the store's own timeout.
const writesFor = 10 * time.Second

// apart is the context of what must not be left half done because the client has gone.
func apart(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writesFor)
}

// held is a session in the store: its record, and the bytes that a change has to find there.
type held struct {
	record

	id  hash
	raw []byte // nil: there is none
}

// look reads a session. What has outlived its time is none, nor is what is no record. moved tells whether the store has where it moved.
func (s *Sessions) look(ctx context.Context, id hash) (h held, moved bool, err error) {
	raw, found, err := s.store.Get(ctx, id.key())
	if err != nil {
		return held{}, false, fmt.Errorf("session: read: %w", err)
	}
	if !found {
		return held{}, false, nil
	}
	r, ok, _, moved := decodeRecord(raw)
	if !ok || r.expires <= time.Now().UnixNano() {
		return held{}, moved, nil
	}
	return held{r, id, raw}, false, nil
}

// end removes a session, whatever happens to it meanwhile: what is known of it, which may be nil, is tried first. Where it has moved and follows is set, that which it has become is removed. It
// returns what it removed, the zero value where there was none.
func (s *Sessions) end(ctx context.Context, id hash, known []byte, follows bool) (held, error) {
	ctx, cancel := apart(ctx)
	defer cancel()
	for range tries(ctx) {
		key := id.key()
		if known == nil {
			raw, found, err := s.store.Get(ctx, key)
			if err != nil {
				_ = s.store.Delete(ctx, key) // a cache remembers one that fails, and makes up for it
				return held{}, fmt.Errorf("session: end: %w", err)
			}
			if !found {
				return held{}, nil
			}
			known = raw
		}
		r, ok, moved, isMoved := decodeRecord(known)
		if isMoved {
			if !follows {
				return held{}, nil
			}
			id, known = moved, nil
			continue
		}
		deleted, err := s.store.CompareAndDelete(ctx, key, known)
		switch {
		case err != nil:
			_ = s.store.Delete(ctx, key) // as above
			return held{}, fmt.Errorf("session: end: %w", err)
		case deleted && !ok:
			return held{}, nil
		case deleted:
			return held{r, id, known}, nil
		}
		known = nil
	}
	return held{}, errContended()
}

// endListed is end, and takes the session out of the index of its user.
func (s *Sessions) endListed(ctx context.Context, id hash, known []byte) (found bool, err error) {
	ended, err := s.end(ctx, id, known, true)
	if err != nil || ended.raw == nil {
		return false, err
	}
	if ended.user != "" {
		ctx, cancel := apart(ctx)
		defer cancel()
		_ = s.unlist(ctx, ended.user, ended.id) // what is gone may stay listed
	}
	return true, nil
}

// wasCleared reports whether [Sessions.Clear] has begun since a session was made. Clear itself can miss one that gets another key while it looks for keys.
func (s *Sessions) wasCleared(ctx context.Context, h *held) (bool, error) {
	raw, found, err := s.store.Get(ctx, clearedKey)
	if err != nil {
		return false, fmt.Errorf("session: read: %w", err)
	}
	at, ok := decodeCleared(raw)
	return found && ok && h.created <= at, nil
}
