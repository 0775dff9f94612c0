package cache_test

import (
	"context"
	"time"
)

// batching is the shelf with a Batcher, which answers a repeated key once and leaves nothing out.
type batching struct{ *shelf }

func (s batching) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	items := map[string][]byte{}
	for _, key := range keys {
		value, found, err := s.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			items[key] = value
		}
	}
	return items, nil
}

func (s batching) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	for key, value := range items {
		if err := s.Set(ctx, key, value, ttl); err != nil {
			return err
		}
	}
	return nil
}

func (s batching) DeleteMany(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := s.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
