package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

// errUndecodable: the data are not of the type that the program expects.
var errUndecodable = errors.New("the data do not decode")

// Get returns the data of the request's session, a value of the caller's own, with what has been changed in this request. It is the zero T where there is no session, or there are no data in it.
//
// A program has one T for the sessions in a cache, or types that encoding/json reads from each other's text. Data that do not decode into T are those of a session of another
// version of the program: there is no session then, and nobody is logged in. The old one goes when something is written.
func Get[T any](ctx context.Context) (T, error) {
	var v T
	s := From(ctx)
	var undecodable error
	err := s.view(ctx, func() {
		if undecodable = decode(s.data, &v); undecodable != nil {
			v = *new(T)
			if s.void() {
				undecodable = nil
			}
		}
	})
	if err == nil && undecodable != nil {
		err = fmt.Errorf("session: get: %w", undecodable)
	}
	return v, err
}

// Set makes v the data of the request's session, when the response begins. Where another request has changed the data since this one read them, that is a conflict: the response is a 409, and [Session.Save] gives
// [ErrConflict]. Update has none. The zero T, where there is no session, makes none.
func Set[T any](ctx context.Context, v T) error {
	encoded, err := encode(&v)
	if err != nil {
		return fmt.Errorf("session: set: %w", err)
	}
	return From(ctx).stage(ctx, op{replaces: true, zero: zero[T], run: func(data []byte) ([]byte, error) {
		return encoded, decode(data, new(T))
	}})
}

// Update changes the data of the request's session by f, now, and again on what they are by then when the response begins and another request has changed them meanwhile. So f is
// called once or more; it depends on nothing but *T, keeps nothing of it, and does not use the session. Its error is that of Update, and nothing is changed; where f is called
// again it is a conflict. Where f changes nothing, nothing is stored.
func Update[T any](ctx context.Context, f func(*T) error) error {
	return From(ctx).stage(ctx, op{zero: zero[T], run: func(data []byte) ([]byte, error) {
		var v T
		if err := decode(data, &v); err != nil {
			return nil, err
		}
		before, err := encode(&v) // and not data, which may have fields that T has not, or another order
		if err != nil {
			return nil, err
		}
		if err := f(&v); err != nil {
			return nil, err
		}
		after, err := encode(&v)
		if err != nil || bytes.Equal(before, after) {
			return data, err
		}
		return after, nil
	}})
}

// stage makes a change that is to be stored.
func (s *Session) stage(ctx context.Context, o op) error {
	return s.change(ctx, func() error {
		data, err := s.sessions.apply(o, s.data, s.base.data)
		if errors.Is(err, errUndecodable) && s.void() {
			data, err = s.sessions.apply(o, nil, nil)
		}
		if err == nil {
			s.data, s.ops = data, append(s.ops, o)
		}
		return err
	})
}

// apply makes a change to data, where the store has stored. Where it has none, the zero value is none.
func (s *Sessions) apply(o op, data, stored []byte) ([]byte, error) {
	data, err := o.run(data)
	if err != nil {
		return nil, err
	}
	if stored == nil && bytes.Equal(data, o.zero()) {
		return nil, nil
	}
	if len(data) > s.maxBytes {
		return nil, tooLarge(data, s.maxBytes)
	}
	return data, nil
}

func tooLarge(data []byte, most int) error {
	return fmt.Errorf("session: %w: the data have %d bytes; Options.MaxBytes allows %d", cache.ErrTooLarge, len(data), most)
}

// zero is what the zero T is encoded as, nil where it cannot be.
func zero[T any]() []byte {
	b, err := encode(new(T))
	if err != nil {
		return nil
	}
	return b
}

// decode reads data into v. Where there are none it leaves v.
func decode(data []byte, v any) error {
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", errUndecodable, err)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b, nil
}
