package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/larder-go/larder/internal/health"
)

const (
	// redisLogInterval is the least time between two lines of one kind. A Redis that is down fails every command, and
	// go-redis writes a line for each dial.
	redisLogInterval = 10 * time.Second

	// redisLogKinds bounds the memory for formats. go-redis has fewer than 200, all constants.
	redisLogKinds = 1000
)

// RedisLogger returns what redis.SetLogger takes: go-redis's own messages go to l as warnings, made safe as
// [health.Safe] says. Of the messages of one format one is logged in 10 s; it tells how many were left out since the last.
// It can be used by several goroutines at once.
func RedisLogger(l *slog.Logger) interface {
	Printf(ctx context.Context, format string, v ...any)
} {
	return &redisLog{logger: l, kinds: make(map[string]*kind)}
}

type redisLog struct {
	logger *slog.Logger

	mu    sync.Mutex
	kinds map[string]*kind // by format
}

type kind struct {
	last    time.Time
	dropped int
}

func (l *redisLog) Printf(ctx context.Context, format string, v ...any) {
	dropped, ok := l.admit(format)
	if !ok {
		return
	}
	args := []any{"detail", health.Safe(fmt.Sprintf(format, v...))}
	if dropped > 0 {
		args = append(args, "left_out", dropped)
	}
	l.logger.WarnContext(ctx, "redis client", args...)
}

func (l *redisLog) admit(format string) (dropped int, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kinds[format]
	if k == nil {
		if len(l.kinds) >= redisLogKinds {
			return 0, false
		}
		l.kinds[format] = &kind{last: now}
		return 0, true
	}
	if now.Sub(k.last) < redisLogInterval {
		k.dropped++
		return 0, false
	}
	dropped, k.last, k.dropped = k.dropped, now, 0
	return dropped, true
}
