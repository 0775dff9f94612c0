package tierstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache/redisstore"
)

// GetMany returns the entries that are there under the keys.
func (s *Store) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	items := make(map[string][]byte, len(keys))
	tracked := s.tracked()
	if tracked {
		near, err := s.near.GetMany(ctx, keys)
		if own(err) != nil {
			return nil, err
		}
		maps.Copy(items, near)
	}
	missing := make(map[string]struct{})
	for _, key := range keys {
		if _, found := items[key]; !found {
			missing[key] = struct{}{}
		}
	}
	if tracked && len(missing) == 0 {
		return items, nil
	}
	if err := s.loadMany(ctx, slices.Collect(maps.Keys(missing)), tracked, items); err != nil {
		return nil, err
	}
	return items, nil
}

// loadMany reads keys, each of which is there once, into items, and keeps what it finds, if changes are told.
func (s *Store) loadMany(ctx context.Context, keys []string, tracked bool, items map[string][]byte) (err error) {
	tickets := make([]ticket, len(keys))
	for i, key := range keys {
		tickets[i] = s.flights.read(key)
	}
	asked := time.Now()
	entries := make(map[string]redisstore.Entry, len(keys))
	if tracked {
		entries, err = s.far.GetManyWithTTL(ctx, keys)
	} else {
		var values map[string][]byte
		values, err = s.far.GetMany(ctx, keys)
		for key, value := range values {
			entries[key] = redisstore.Entry{Value: value}
		}
	}
	for i, key := range keys {
		e, found := entries[key]
		tickets[i].end(func(newest bool) { s.settle(key, e, found, tracked && newest, asked) })
		if found {
			items[key] = e.Value
		}
	}
	return err
}

// SetMany stores every value under its key.
func (s *Store) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) (err error) {
	s.writeAll(slices.Collect(maps.Keys(items)), func() { err = s.far.SetMany(ctx, items, ttl) })
	return err
}

// DeleteMany removes the entries under the keys.
func (s *Store) DeleteMany(ctx context.Context, keys []string) (err error) {
	s.writeAll(keys, func() { err = s.far.DeleteMany(ctx, keys) })
	return err
}
