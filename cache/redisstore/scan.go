package redisstore

import (
	"context"
	"iter"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Keys yields the keys that begin with prefix, page by page. A key may come twice. Those that are remembered as failed do not come.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.keys(ctx, prefix, func(key string) bool { return yield(key, nil) }); err != nil {
			yield("", err)
		}
	}
}

func (s *Store) keys(ctx context.Context, prefix string, yield func(string) bool) error {
	op, err := s.begin(ctx, "keys", prefix)
	if err != nil {
		return err
	}
	conn, leave := s.aside()
	defer leave()
	pattern := escapeGlob(s.prefix+prefix) + "*"
	for cursor, done := uint64(0), false; !done; done = cursor == 0 {
		if op, err = s.next(op); err != nil {
			return err
		}
		var page []string
		if page, cursor, err = s.scan(op.ctx, conn, cursor, pattern); err != nil {
			return s.fail(op, err)
		}
		for _, key := range page {
			if key = key[len(s.prefix):]; !s.failed.covers(key) && !yield(key) {
				return nil
			}
		}
	}
	return nil
}

// aside returns a connection beside the client's, and what closes it. What reads page after page has it to itself: a cursor means nothing to another
// server, nor to the same one after a restart, so a connection that breaks must end it; and however long it takes, it keeps none of the
// client's connections from others.
func (s *Store) aside() (conn *redis.Conn, leave func()) {
	o := *s.client.Options()
	o.PoolSize, o.MinIdleConns, o.PipelinePoolSize = 1, 0, -1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(&o)
	conn = client.Conn()
	return conn, func() {
		_ = conn.Close()
		_ = client.Close()
	}
}

// escapeGlob makes the pattern of SCAN MATCH that matches s and nothing else.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
