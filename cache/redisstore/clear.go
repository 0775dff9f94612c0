package redisstore

import (
	"context"

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
		return err
	}
	s.failed.forgetBelow(prefix, since, nil)
	return nil
}

// clear runs on one connection from its beginning to its end: a cursor means nothing to another server, nor to the same one
// after a restart, so a connection that breaks must break the Clear.
func (s *Store) clear(ctx context.Context, prefix string) error {
	op, err := s.begin(ctx, "clear", prefix)
	if err != nil {
		return err
	}
	if err := s.drain(ctx); err != nil {
		return s.fail(op, err)
	}
	conn := s.client.Conn()
	defer conn.Close()
	for cursor, done := uint64(0), false; !done; done = cursor == 0 {
		if op, err = s.next(op); err != nil {
			return err
		}
		cursor, err = s.clearPage(op.ctx, conn, prefix, cursor)
		if err != nil {
			return s.fail(op, err)
		}
	}
	return nil
}

// clearPage removes one page and returns the cursor of the next, 0 after the last one.
func (s *Store) clearPage(ctx context.Context, conn *redis.Conn, prefix string, cursor uint64) (next uint64, err error) {
	keys, next, err := s.scan(ctx, conn, cursor, escapeGlob(s.prefix+prefix)+"*")
	if err != nil || len(keys) == 0 {
		return next, err
	}
	return next, s.unlink(ctx, conn, keys...)
}
