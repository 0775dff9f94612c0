package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Create stores a new session outside of any request, for tests and tools, and returns the cookie that it is used with. user may be "", which is nobody; data are what encoding/json
// makes of them, nil is none. A session of a user counts as a login: it can end the user's oldest, and gives [ErrConflict] where they are logged out
// everywhere meanwhile.
func (s *Sessions) Create(ctx context.Context, user string, data any) (*http.Cookie, error) {
	made := &Session{sessions: s, located: true, loaded: true, id: newID(), user: user}
	if data != nil {
		var err error
		if made.data, err = encode(data); err != nil {
			return nil, fmt.Errorf("session: create: %w", err)
		}
	}
	if len(made.data) > s.maxBytes {
		return nil, tooLarge(made.data, s.maxBytes)
	}
	store := made.create
	if user != "" {
		if err := checkUser(user); err != nil {
			return nil, err
		}
		made.plan, store = logsIn, made.move
	}
	if err := store(ctx); err != nil {
		return nil, err
	}
	return s.cookie.of(made.issued, made.life), nil
}

// Read reads the data of the session that a cookie, as [Sessions.Create] or a response has it, is for, for tests and tools. into is a pointer to what they are decoded into, or nil; where there
// are none it stays as it is. It is no use of the session. found is false where there is no such session.
func (s *Sessions) Read(ctx context.Context, cookie *http.Cookie, into any) (found bool, err error) {
	if cookie == nil {
		return false, errors.New("session: read: the cookie is nil")
	}
	if cookie.Name != s.cookie.name || !isID(cookie.Value) {
		return false, nil
	}
	h, _, err := s.look(ctx, hashOf(cookie.Value))
	if err != nil || h.raw == nil || into == nil {
		return h.raw != nil, err
	}
	if err := decode(h.data, into); err != nil {
		return false, fmt.Errorf("session: read: %w", err)
	}
	return true, nil
}
