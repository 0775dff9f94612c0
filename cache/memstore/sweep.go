package memstore

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

// sweepLimit is how many expired entries a write removes at most, for each of its keys. Two keep ahead of any load, for a
// key adds one entry at most.
const sweepLimit = 2

var _ cache.Sweeper = (*Store)(nil)

// DeleteExpired removes the entries that had expired when it was called. Others go on between its batches. The number is
// right beside an error too.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	// One time for all batches: it ends, however fast entries are added that expire soon.
	now := s.now()
	removed := 0
	for {
		n, err := s.deleteExpired(ctx, now)
		removed += n
		if err != nil || n < batch {
			return removed, opError("delete expired", "", err)
		}
	}
}

func (s *Store) deleteExpired(ctx context.Context, now time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return 0, cache.ErrClosed
	}
	return s.sweep(now, batch), nil
}

// sweep removes up to limit expired entries and returns how many, so that memory comes back though nobody reads them.
func (s *Store) sweep(now time.Duration, limit int) int {
	for n := range limit {
		if len(s.order) == 0 || !s.order[0].expired(now) {
			return n
		}
		s.remove(s.order[0])
	}
	return limit
}
