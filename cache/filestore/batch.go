package filestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Batcher = (*Store)(nil)

// GetMany returns the entries that are there under the keys.
func (s *Store) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.begin(ctx); err != nil {
		return nil, batchError("get many", len(keys), err)
	}
	items := make(map[string][]byte, len(keys))
	for _, key := range keys {
		value, found, err := s.get(ctx, nil, key)
		if err != nil {
			return nil, batchError("get many", len(keys), err)
		}
		if found {
			items[key] = value
		}
	}
	return items, nil
}

// SetMany stores a copy of every value under its key.
func (s *Store) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	if err := s.begin(ctx); err != nil {
		return batchError("set many", len(items), err)
	}
	var tooLarge, failed error
	var left []string // not tried any more
	for key, value := range items {
		if failed != nil {
			left = append(left, key)
			continue
		}
		err := s.set(ctx, key, value, ttl)
		switch {
		case errors.Is(err, cache.ErrTooLarge):
			tooLarge = fmt.Errorf("%.64q: %w", key, err)
		case err != nil:
			failed, left = err, append(left, key)
		}
	}
	if failed == nil {
		return batchError("set many", len(items), tooLarge)
	}
	if !standing(failed) {
		s.failed.noteKeys(left...)
	}
	return batchError("set many", len(items), failed)
}

// DeleteMany removes the entries under the keys.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	if err := s.begin(ctx); err != nil {
		return batchError("delete many", len(keys), err)
	}
	for i, key := range keys {
		if err := s.delete(ctx, key); err != nil {
			if !errors.Is(err, cache.ErrClosed) {
				s.failed.noteKeys(keys[i:]...)
			}
			return batchError("delete many", len(keys), err)
		}
	}
	return nil
}
