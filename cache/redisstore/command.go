package redisstore

import (
	"context"
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

// Commands that the client never runs twice. By its defaults it retries whatever failed, writes too: an INCR whose reply was
// cut off counts twice, a SET NX loses the entry that it made. What deserves a second try is decided here, once.
type (
	stringCmd struct{ *redis.StringCmd }
	statusCmd struct{ *redis.StatusCmd }
	intCmd    struct{ *redis.IntCmd }
	sliceCmd  struct{ *redis.SliceCmd }
	textsCmd  struct{ *redis.StringSliceCmd }
	scanCmd   struct{ *redis.ScanCmd }
)

// NoRetry is read by the client.
func (stringCmd) NoRetry() bool { return true }

// NoRetry is read by the client.
func (statusCmd) NoRetry() bool { return true }

// NoRetry is read by the client.
func (intCmd) NoRetry() bool { return true }

// NoRetry is read by the client.
func (sliceCmd) NoRetry() bool { return true }

// NoRetry is read by the client.
func (textsCmd) NoRetry() bool { return true }

// NoRetry is read by the client.
func (scanCmd) NoRetry() bool { return true }

func newString(ctx context.Context, args ...any) stringCmd {
	return stringCmd{redis.NewStringCmd(ctx, args...)}
}

func newStatus(ctx context.Context, args ...any) statusCmd {
	return statusCmd{redis.NewStatusCmd(ctx, args...)}
}

func newInt(ctx context.Context, args ...any) intCmd { return intCmd{redis.NewIntCmd(ctx, args...)} }

func newSlice(ctx context.Context, args ...any) sliceCmd {
	return sliceCmd{redis.NewSliceCmd(ctx, args...)}
}

func newTexts(ctx context.Context, args ...any) textsCmd {
	return textsCmd{redis.NewStringSliceCmd(ctx, args...)}
}

// The commands themselves. A read makes a new one for its second try: a command keeps its error.

func (s *Store) get(ctx context.Context, key string) (stringCmd, error) {
	key = s.prefix + key
	return read(func() (stringCmd, error) {
		c := newString(ctx, "get", key)
		return c, s.process(ctx, key, c)
	})
}

// readInt is for what answers with a number and changes nothing.
func (s *Store) readInt(ctx context.Context, command, key string) (int64, error) {
	key = s.prefix + key
	c, err := read(func() (intCmd, error) {
		c := newInt(ctx, command, key)
		return c, s.process(ctx, key, c)
	})
	return c.Val(), err
}

// set runs SET with the options; redis.Nil says that a condition among them did not hold.
func (s *Store) set(ctx context.Context, key string, value []byte, options ...any) error {
	key = s.prefix + key
	if len(value) > maxShared {
		return s.processAlone(ctx, key, newSet(ctx, key, value, options...))
	}
	return s.process(ctx, key, newSet(ctx, key, value, options...))
}

// newSet takes the key as the servers have it.
func newSet(ctx context.Context, key string, value []byte, options ...any) statusCmd {
	args := append(make([]any, 0, 3+len(options)), "set", key, bytesOf(value))
	return newStatus(ctx, append(args, options...)...)
}

// bytesOf is value, empty where it is nil: the client has no nil.
func bytesOf(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// read runs a command that changes nothing once more if its connection was dead: the pool cannot know that the server has
// closed it, and a server that restarted has closed all of them.
func read[C any](run func() (C, error)) (C, error) {
	c, err := run()
	if err != nil && dead(err) {
		return run()
	}
	return c, err
}

// milliseconds rounds up: an entry lives at least as long as it was told to. Only the last millisecond of 292 years is cut, so
// that the result is still a time.Duration wherever it is turned back into one.
func milliseconds(d time.Duration) int64 {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond != 0 {
		ms++
	}
	return min(ms, int64(math.MaxInt64/time.Millisecond))
}
