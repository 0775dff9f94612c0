package redisstore

import (
	"context"
	"strings"
)

// Clear removes every entry whose key has the prefix, page by page: SCAN returns every key that is there from its beginning
// to its end, so what was there when Clear was called is gone when it returns nil. Each page is bounded by the timeout.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	since := s.failed.last()
	err := s.clear(ctx, prefix)
	if err == nil {
		s.failed.forgetBelow(prefix, since)
	}
	return err
}

func (s *Store) clear(ctx context.Context, prefix string) error {
	op, err := s.begin(ctx, "clear", prefix)
	if err != nil {
		return err
	}
	err = s.drain(op.ctx)
	op.cancel()
	for cursor, done := uint64(0), false; !done && err == nil; {
		page, begun := s.begin(ctx, "clear", prefix)
		if begun != nil {
			s.failed.notePrefix(prefix)
			return begun
		}
		op = page
		cursor, err = s.clearPage(op.ctx, prefix, cursor)
		op.cancel()
		done = cursor == 0
	}
	if err != nil {
		s.failed.notePrefix(prefix)
	}
	return s.fail(op, err)
}

// clearPage removes one page and returns the cursor of the next, 0 after the last one.
func (s *Store) clearPage(ctx context.Context, prefix string, cursor uint64) (next uint64, err error) {
	keys, next, err := s.scan(ctx, cursor, escapeGlob(s.prefix+prefix)+"*")
	if err != nil {
		return cursor, err
	}
	if len(keys) > 0 {
		if err := s.unlink(ctx, keys...); err != nil {
			return cursor, err
		}
	}
	return next, nil
}

// escapeGlob makes the pattern of SCAN MATCH that matches s and nothing else.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
