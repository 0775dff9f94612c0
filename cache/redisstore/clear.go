package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Clear removes every entry whose key has the prefix, page by page: SCAN returns every key that is there from its beginning
// to its end, so what was there when Clear was called is gone when it returns nil. Each page is bounded by the timeout.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	if _, err := s.begin(ctx, "clear", prefix); err != nil {
		return err
	}
	since := s.failed.last()
	if err := s.clear(ctx, prefix); err != nil {
		s.failed.notePrefix(prefix)
		s.failed.blame(prefix, err)
		return err
	}
	s.failed.forgetBelow(prefix, since, nil)
	return nil
}

func (s *Store) clear(ctx context.Context, prefix string) error {
	op, err := s.begin(ctx, "clear", prefix)
	if err != nil {
		return err
	}
	if err := s.drainAll(ctx); err != nil {
		return s.fail(op, err)
	}
	var pace pace
	return s.walk(op, prefix, func(ctx context.Context, conn *redis.Conn, keys []string, since time.Time) error {
		if len(keys) > 0 {
			if err := s.clearPage(ctx, conn, keys); err != nil {
				return err
			}
		}
		pace.rest(ctx, time.Since(since))
		return nil
	})
}

// pace makes Clear rest for as long as it works. Page after page without a rest it would take every turn of the server's that others leave, and
// another client's reads would take twice as long.
type pace struct{ owed time.Duration }

const (
	// pageCost is what a page costs the server at most, or nearly: where one takes longer it has waited its turn, and others were served.
	pageCost = 250 * time.Microsecond
	// shortestRest is what is worth a timer, which may be late by as much.
	shortestRest = time.Millisecond
)

// rest waits for what is owed with the last page's time, once that is worth it. What the timer is late by is rested already.
func (p *pace) rest(ctx context.Context, worked time.Duration) {
	if p.owed += min(worked, pageCost); p.owed < shortestRest {
		return
	}
	begun := time.Now()
	timer := time.NewTimer(p.owed)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done(): // the next page says so
	}
	p.owed -= time.Since(begun)
}

// clearPage removes a page's keys. In a cluster they may have gone to another master meanwhile, so it is the client that finds them.
func (s *Store) clearPage(ctx context.Context, conn *redis.Conn, keys []string) error {
	if s.one() {
		return conn.Process(ctx, newInt(ctx, command("unlink", keys)...))
	}
	return s.unlink(ctx, keys...)
}
