package memstore

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Sweeper = (*Store)(nil)

// DeleteExpired removes the entries that had expired when it was called. Others go on between its batches. The number is
// right beside an error too.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	// One time for all batches: it ends, however fast entries are added that expire soon.
	now := s.now()
	defer s.callJanitor()
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
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	n := s.sweep(now, batch)
	s.reclaim()
	return n, nil
}
