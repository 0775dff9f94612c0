package session

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// reindex changes the index of a user in one atomic step, and calls change again where somebody else was faster. change is given what has not expired; its error
// ends it. An index that lists nothing is not kept.
func (s *Sessions) reindex(ctx context.Context, user string, change func(x index, now time.Time) (index, error)) error {
	key := userKeyOf(user)
	for range tries(ctx) {
		raw, found, err := s.store.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("session: read the user's sessions: %w", err)
		}
		now := time.Now()
		x, err := change(decodeIndex(raw).current(now), now)
		if err != nil {
			return err
		}
		next, done := x.encode(), false
		switch {
		case found && bytes.Equal(raw, next), !found && len(x) == 0:
			return nil
		case len(x) == 0:
			done, err = s.store.CompareAndDelete(ctx, key, raw)
		case !found:
			done, err = s.store.Add(ctx, key, next, x.left(now)+outlives)
		default:
			done, err = s.store.CompareAndSwap(ctx, key, raw, next, x.left(now)+outlives)
		}
		if err != nil {
			return fmt.Errorf("session: list the user's sessions: %w", err)
		}
		if done {
			return nil
		}
	}
	return errContended()
}

// list puts a session into the index of its user, and ends others to make room, which it returns. Where it takes the place of another of theirs, replaces says of which; and if
// renews is set, that one has to be listed: it has been logged out otherwise, and the new one with it.
func (s *Sessions) list(ctx context.Context, user string, e entry, replaces *hash, renews bool) (ended []hash, err error) {
	var ending []hash
	err = s.reindex(ctx, user, func(x index, now time.Time) (index, error) {
		if renews && !x.has(replaces) {
			return nil, ErrConflict
		}
		if err := s.makeRoom(ctx, x, replaces, now); err != nil {
			return nil, err
		}
		ending = x.ending(ending[:0])
		return append(x, e), nil
	})
	if err != nil {
		return nil, err
	}
	return s.endAll(ctx, ending)
}

// confirm fails where a session that was to be made for a user is not listed any more, or is being ended: they have been logged out everywhere meanwhile, or had too many. It
// takes out those that are gone.
func (s *Sessions) confirm(ctx context.Context, user string, id *hash, gone []hash) error {
	return s.reindex(ctx, user, func(x index, _ time.Time) (index, error) {
		if !x.has(id) {
			return nil, ErrConflict
		}
		return x.without(gone...), nil
	})
}

func (s *Sessions) unlist(ctx context.Context, user string, ids ...hash) error {
	return s.reindex(ctx, user, func(x index, _ time.Time) (index, error) { return x.without(ids...), nil })
}

// LogOutEverywhere ends all sessions of a user. None that was there when it was called works when it returns nil, and no login or other request that was
// on its way can bring one back; a login that begins afterwards works. After an error some may be left: call it again.
//
// Called in a request of one of these sessions, after that was read, it ends that one too, and the cookie goes; a Login in the same request makes a new one. It goes on
// where ctx is cancelled, for whoever asked for it may have closed the page.
func (s *Sessions) LogOutEverywhere(ctx context.Context, user string) error {
	if err := checkUser(user); err != nil {
		return err
	}
	marked, cancel := apart(ctx)
	defer cancel()
	var ending []hash
	err := s.reindex(marked, user, func(x index, _ time.Time) (index, error) {
		for i := range x {
			x[i].ending = true // and kept until they are gone: if this is interrupted, another call finds them
		}
		ending = x.ending(ending[:0])
		return x, nil
	})
	if err != nil {
		return err
	}
	ended, err := s.endAll(ctx, ending)
	if x := s.exchangeOf(ctx); x != nil {
		x.session.loggedOut(user)
	}
	if len(ended) > 0 {
		_ = s.unlist(marked, user, ended...) // what is gone may stay listed
	}
	return err
}

func checkUser(user string) error {
	if user == "" || len(user) > maxUser {
		return fmt.Errorf("session: the user has %d bytes; allowed: 1 to %d", len(user), maxUser)
	}
	return nil
}
