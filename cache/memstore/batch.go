package memstore

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Batcher = (*Store)(nil)

// GetMany returns copies of the values that are there under the keys. Others go on between its batches.
func (s *Store) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, batchError("get many", len(keys), err)
	}
	items := make(map[string][]byte, len(keys))
	for some := range slices.Chunk(keys, batch) {
		if err := s.peekMany(ctx, some, items); err != nil {
			return nil, batchError("get many", len(keys), err)
		}
	}
	for key, stored := range items {
		items[key] = clone(stored)
	}
	return items, nil
}

// peekMany adds the stored slices themselves to items, as peek returns them.
func (s *Store) peekMany(ctx context.Context, keys []string, items map[string][]byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.entries == nil {
		return cache.ErrClosed
	}
	now := s.now()
	for _, key := range keys {
		if e := s.live(now, key); e != nil {
			items[key] = e.value
		}
	}
	return nil
}

// SetMany stores a copy of every value under its key. Others go on between its batches. The error is the first refusal's.
func (s *Store) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	if err := s.ready(ctx); err != nil {
		return batchError("set many", len(items), err)
	}
	var refused error
	for some := range slices.Chunk(slices.Collect(maps.Keys(items)), batch) {
		err := s.setSome(ctx, some, items, ttl)
		if err != nil && !errors.Is(err, cache.ErrTooLarge) {
			return batchError("set many", len(items), err)
		}
		if refused == nil {
			refused = err
		}
	}
	return batchError("set many", len(items), refused)
}

func (s *Store) setSome(ctx context.Context, keys []string, items map[string][]byte, ttl time.Duration) error {
	now, err := s.enter(ctx, len(keys))
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	var refused error
	for _, key := range keys {
		if err := s.put(now, key, items[key], expiry(now, ttl)); refused == nil {
			refused = err
		}
	}
	return refused
}

// DeleteMany removes the entries under the keys. Others go on between its batches.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	if err := s.ready(ctx); err != nil {
		return batchError("delete many", len(keys), err)
	}
	for some := range slices.Chunk(keys, batch) {
		if err := s.deleteSome(ctx, some); err != nil {
			return batchError("delete many", len(keys), err)
		}
	}
	return nil
}

func (s *Store) deleteSome(ctx context.Context, keys []string) error {
	if _, err := s.enter(ctx, len(keys)); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, key := range keys {
		if e := s.entries[key]; e != nil {
			s.remove(e)
		}
	}
	return nil
}

func batchError(op string, keys int, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Keys: keys, Err: err}
}
