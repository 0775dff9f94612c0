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

// GetMany returns copies of the values that are there under the keys, all at one time of the store's clock.
func (s *Store) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, batchError("get many", len(keys), err)
	}
	now := s.now()
	items := make(map[string][]byte, len(keys))
	for _, key := range keys {
		err := ctx.Err()
		if err == nil {
			var value []byte
			var found bool
			if value, found, err = s.read(nil, key, now); found {
				items[key] = value
			}
		}
		if err != nil {
			return nil, batchError("get many", len(keys), err)
		}
	}
	return items, nil
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
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = own(key, items[key])
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now := s.now()
	var refused error
	for i, key := range keys {
		e := s.entry(key)
		s.find(&e)
		if err := s.put(now, &e, values[i], expiry(now, ttl)); refused == nil {
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
	defer s.callJanitor()
	for some := range slices.Chunk(keys, batch) {
		if err := s.deleteSome(ctx, some); err != nil {
			return batchError("delete many", len(keys), err)
		}
	}
	return nil
}

func (s *Store) deleteSome(ctx context.Context, keys []string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, key := range keys {
		e := s.entry(key)
		if s.find(&e); e.there {
			s.remove(&e)
		}
	}
	s.reclaim()
	return nil
}

func batchError(op string, keys int, err error) error {
	if err == nil {
		return nil
	}
	return &cache.OpError{Op: op, Keys: keys, Err: err}
}
