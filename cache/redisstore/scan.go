package redisstore

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// scanCount is how many keys one SCAN looks at: with more, another client's slowest reads wait longer.
const scanCount = 100

// settleAfter is how long masters are given to agree who has a slot, before they are asked again.
const settleAfter = 50 * time.Millisecond

// errEnough ends a walk that nobody wants to go on.
var errEnough = errors.New("enough")

// Keys yields the keys that begin with prefix, page by page. A key may come twice. Those that are remembered as failed do not come.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		op, err := s.begin(ctx, "keys", prefix)
		if err == nil {
			err = s.walk(op, prefix, func(_ context.Context, _ *redis.Conn, page []string, _ time.Time) error {
				for _, key := range page {
					if key = key[len(s.prefix):]; !s.failed.covers(key) && !yield(key, nil) {
						return errEnough
					}
				}
				return nil
			})
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield("", err)
		}
	}
}

// visit is called with a page of keys as the servers have them, the connection that they came from and when the page was begun.
type visit func(ctx context.Context, conn *redis.Conn, page []string, begun time.Time) error

// walk visits all keys that begin with prefix and are there from its beginning to its end, some twice. SCAN returns every key that stays where it
// is. One that goes to another master of a cluster meanwhile may be missed, so where the masters' parts have changed all is walked once more. Where keys
// are on their way it is walked twice: they go one way as long as the parts stay the same, so a key that the first round missed is found by the second.
// A Clear may so remove twice what is stored anew while it runs.
func (s *Store) walk(op operation, prefix string, visit visit) error {
	before, err := s.layout(op)
	if err != nil {
		return err
	}
	for {
		rounds := 1
		if before.moving {
			rounds = 2
		}
		for range rounds {
			for _, master := range before.masters {
				if err := s.walkMaster(op, master, prefix, visit); err != nil {
					return err
				}
			}
		}
		after, err := s.layout(op)
		if err != nil || after.text == before.text {
			return err
		}
		before = after
	}
}

// layout asks several times where the masters do not agree: they will in a moment.
func (s *Store) layout(op operation) (l layout, err error) {
	for range 20 {
		if op, err = s.next(op); err != nil {
			return layout{}, err
		}
		if l, err = s.topology.layout(op.ctx, s.processOn); !errors.Is(err, errUnsettled) || !rest(op.parent, settleAfter) {
			break
		}
	}
	return l, s.fail(op, err)
}

// walkMaster goes over one connection from its beginning to its end.
func (s *Store) walkMaster(op operation, master *redis.Client, prefix string, visit visit) error {
	b := s.breakerOf(master)
	if err := s.pass(b); err != nil {
		return s.fail(op, err)
	}
	conn, leave := aside(master)
	defer leave()
	pattern := escapeGlob(s.prefix+prefix) + "*"
	for cursor, done := uint64(0), false; !done; done = cursor == 0 {
		op, err := s.next(op)
		if err != nil {
			return err
		}
		begun := time.Now()
		var page []string
		page, cursor, err = scan(op.ctx, conn, cursor, pattern)
		s.report(b, err)
		if err == nil {
			err = visit(op.ctx, conn, page, begun)
		}
		if errors.Is(err, errEnough) {
			return err
		}
		if err != nil {
			return s.fail(op, err)
		}
	}
	return nil
}

// scan is tried once: its cursor belongs to the connection.
func scan(ctx context.Context, conn *redis.Conn, cursor uint64, pattern string) (keys []string, next uint64, err error) {
	c := scanCmd{redis.NewScanCmd(ctx, nil, "scan", cursor, "match", pattern, "count", scanCount)}
	if err := conn.Process(ctx, c); err != nil {
		return nil, 0, err
	}
	return c.Result()
}

// aside returns a connection beside the client's, and what closes it. What reads page after page has it to itself: a cursor means nothing to another
// server, nor to the same one after a restart, so a connection that breaks must end it; and however long it takes, it keeps none of the
// client's connections from others.
func aside(of *redis.Client) (conn *redis.Conn, leave func()) {
	o := optionsAside(of)
	client := redis.NewClient(&o)
	conn = client.Conn()
	return conn, func() {
		_ = conn.Close()
		_ = client.Close()
	}
}

// optionsAside are those of a client of one connection to the same server. It could have two: where as many dials have failed as it may have connections, the
// client starts a goroutine that dials until it succeeds, and sleeps between.
func optionsAside(of *redis.Client) redis.Options {
	o := *of.Options()
	o.PoolSize, o.MinIdleConns, o.PipelinePoolSize, o.DialerRetries = 2, 0, -1, 1
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.ClientSideCache, o.ClientSideCacheConfig = nil, nil // it would be another one, with a goroutine, and takes what the server tells for itself
	return o
}

// escapeGlob makes the pattern of SCAN MATCH that matches s and nothing else.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
