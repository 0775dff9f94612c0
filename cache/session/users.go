package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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

// list puts a session into the index of its user. Where it takes the place of another of theirs, replaces says of which; and if renews is set, that one has to be listed: it has
// been logged out otherwise, and the new one with it.
func (s *Sessions) list(ctx context.Context, user string, e entry, replaces *hash, renews bool) error {
	return s.reindex(ctx, user, func(x index, now time.Time) (index, error) {
		if renews && !x.has(replaces) {
			return nil, ErrConflict
		}
		x, err := s.makeRoom(ctx, x, replaces, now)
		return append(x, e), err
	})
}

// makeRoom ends the oldest sessions of a user who has as many as are allowed, before they leave the index: what is not listed could not be logged out.
func (s *Sessions) makeRoom(ctx context.Context, x index, kept *hash, now time.Time) (index, error) {
	full := func() bool {
		n := len(x)
		if x.at(kept) >= 0 {
			n--
		}
		return n >= s.maxPerUser
	}
	if !full() {
		return x, nil
	}
	x, err := s.withoutIdle(ctx, x, now)
	for err == nil && full() {
		i := x.oldest(kept)
		if _, err = s.end(ctx, x[i].id, nil, false); err == nil {
			x = slices.Delete(x, i, i+1)
		}
	}
	return x, err
}

const (
	// outlives is how much longer an index is stored than the last of its sessions: of equal lifetimes a full store in memory would drop the index first.
	outlives = time.Millisecond
	// young is how long a session may be listed before it is stored. A login that takes longer may be told that it conflicts.
	young = time.Minute
	// atOnce is how many entries are read or deleted in one batch.
	atOnce = 100
)

// withoutIdle returns the index without the sessions that are not in the store any more.
func (s *Sessions) withoutIdle(ctx context.Context, x index, now time.Time) (index, error) {
	var gone []hash
	for entries := range slices.Chunk(x, atOnce) {
		keys := make([]string, len(entries))
		for i := range entries {
			keys[i] = entries[i].id.key()
		}
		raws, err := s.store.GetMany(ctx, keys)
		if err != nil {
			return x, fmt.Errorf("session: read the user's sessions: %w", err)
		}
		for i := range entries {
			_, there, _, _ := decodeRecord(raws[keys[i]])
			if e := &entries[i]; !there && now.Sub(time.Unix(0, e.listed)) > young {
				gone = append(gone, e.id)
			}
		}
	}
	return x.without(gone...), nil
}

// confirm fails where a session that was to be made for a user is not listed any more: they have been logged out everywhere meanwhile. It takes out the one whose
// place it took.
func (s *Sessions) confirm(ctx context.Context, user string, id, replaces *hash) error {
	return s.reindex(ctx, user, func(x index, _ time.Time) (index, error) {
		if !x.has(id) {
			return nil, ErrConflict
		}
		return x.without(*replaces), nil
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
	var ending []hash
	marked, cancel := apart(ctx)
	defer cancel()
	err := s.reindex(marked, user, func(x index, _ time.Time) (index, error) {
		ending = ending[:0]
		for i := range x { // marked and kept until they are gone: if this is interrupted, another call finds them
			x[i].ending = true
			ending = append(ending, x[i].id)
		}
		return x, nil
	})
	if err != nil {
		return err
	}
	var ended []hash
	var errs []error
	for _, id := range ending {
		if _, err := s.end(ctx, id, nil, false); err != nil {
			errs = append(errs, err)
			continue
		}
		ended = append(ended, id)
	}
	if x := s.exchangeOf(ctx); x != nil {
		x.session.loggedOut(user)
	}
	if len(ended) > 0 {
		_ = s.unlist(marked, user, ended...) // what is gone may stay listed
	}
	return errors.Join(errs...)
}

func checkUser(user string) error {
	if user == "" || len(user) > maxUser {
		return fmt.Errorf("session: the user has %d bytes; allowed: 1 to %d", len(user), maxUser)
	}
	return nil
}
