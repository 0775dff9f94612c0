package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A session leaves the index of its user in an order of which every interleaving with a login leaves none that is stored and not listed, for that could not be logged out:
//
//  1. the index marks it, so that whoever is about to store it finds that it may not be;
//  2. what is stored of it is removed;
//  3. it is taken out of the index.

const (
	// outlives is how much longer an index is stored than the last of its sessions: of equal lifetimes a full store in memory would drop the index first.
	outlives = time.Millisecond
	// young is how long a session may be listed before it is stored. A login that takes longer may be told that it conflicts.
	young = time.Minute
	// atOnce is how many entries are read or deleted in one batch.
	atOnce = 100
)

// makeRoom marks sessions of a user who has as many as are allowed, so that there is room for one more: those that are not in the store any more, and then the oldest. One whose
// place it takes, kept, does not count.
func (s *Sessions) makeRoom(ctx context.Context, x index, kept *hash, now time.Time) error {
	if x.count(kept) < s.maxPerUser {
		return nil
	}
	if err := s.markIdle(ctx, x, now); err != nil {
		return err
	}
	for x.count(kept) >= s.maxPerUser {
		x[x.oldest(kept)].ending = true
	}
	return nil
}

// markIdle marks the sessions that are not in the store any more.
func (s *Sessions) markIdle(ctx context.Context, x index, now time.Time) error {
	for entries := range slices.Chunk(x, atOnce) {
		keys := make([]string, len(entries))
		for i := range entries {
			keys[i] = entries[i].id.key()
		}
		raws, err := s.store.GetMany(ctx, keys)
		if err != nil {
			return fmt.Errorf("session: read the user's sessions: %w", err)
		}
		for i := range entries {
			_, there, _, _ := decodeRecord(raws[keys[i]])
			if e := &entries[i]; !there && now.Sub(time.Unix(0, e.listed)) > young {
				e.ending = true
			}
		}
	}
	return nil
}

// endAll removes what is stored of sessions that are marked, and returns those of which it did.
func (s *Sessions) endAll(ctx context.Context, ids []hash) (ended []hash, err error) {
	var errs []error
	for ids := range slices.Chunk(ids, atOnce) {
		raws, known := s.read(ctx, ids)
		for _, id := range ids {
			raw, there := raws[id.key()]
			if known && !there {
				ended = append(ended, id)
				continue
			}
			if _, err := s.end(ctx, id, raw, false); err != nil {
				errs = append(errs, err)
				continue
			}
			ended = append(ended, id)
		}
	}
	return ended, errors.Join(errs...)
}

// read is what is stored of sessions, by key. Where the store fails it is not known: then each is asked for, and fails, by itself.
func (s *Sessions) read(ctx context.Context, ids []hash) (raws map[string][]byte, known bool) {
	ctx, cancel := apart(ctx)
	defer cancel()
	keys := make([]string, len(ids))
	for i := range ids {
		keys[i] = ids[i].key()
	}
	raws, err := s.store.GetMany(ctx, keys)
	return raws, err == nil
}
