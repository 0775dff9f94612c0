package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// DeleteExpired returns 0 and does no I/O: the server removes what has expired by itself.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	if err := s.ready(ctx); err != nil {
		return 0, &cache.OpError{Op: "delete expired", Err: err}
	}
	return 0, nil
}

// Stats returns how many failed invalidations this store has not made up for yet. The rest only the server knows.
func (s *Store) Stats(ctx context.Context) (cache.Stats, error) {
	if err := s.ready(ctx); err != nil {
		return cache.Stats{}, &cache.OpError{Op: "stats", Err: err}
	}
	return cache.Stats{Entries: -1, Bytes: -1, Evictions: -1, Pending: s.failed.marks.Load()}, nil
}

// PoolStats returns the figures of the client's connections.
func (s *Store) PoolStats() *redis.PoolStats { return s.client.PoolStats() }
