package redisstore_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
)

// hourly is a limit that gives nothing back while a test runs.
func hourly(n int64) []cache.Limit {
	return []cache.Limit{{Name: "hourly", Requests: n, Period: time.Hour}}
}

// write is a write and what the server has to do for it.
type write struct {
	name     string
	run      func(ctx context.Context, s *redisstore.Store) error
	command  string        // that is executed, and
	times    int           // how often
	key      string        // that it changes, and
	want     string        // what it holds after it was done once: "" for nothing, "taken once" for what Take makes of it
	lifetime time.Duration // of that, -1 where it is permanent
	pending  int64         // marks after its failure
}

// writes are the writes that a server prepared by prepare can be asked for, each once.
func writes() []write {
	return []write{
		{
			name: "Set", command: "set", times: 1, key: "set", want: "new", lifetime: time.Hour, pending: 1,
			run: func(ctx context.Context, s *redisstore.Store) error {
				return s.Set(ctx, "set", []byte("new"), time.Hour)
			},
		},
		{
			name: "Delete", command: "unlink", times: 1, key: "delete", pending: 1,
			run: func(ctx context.Context, s *redisstore.Store) error { return s.Delete(ctx, "delete") },
		},
		{
			name: "Add", command: "set", times: 1, key: "add", want: "token", lifetime: time.Hour,
			run: func(ctx context.Context, s *redisstore.Store) error {
				stored, err := s.Add(ctx, "add", []byte("token"), time.Hour)
				return done(stored, err)
			},
		},
		{
			name: "Increment", command: "evalsha", times: 1, key: "increment", want: "8", lifetime: 2 * time.Hour,
			run: func(ctx context.Context, s *redisstore.Store) error {
				n, err := s.Increment(ctx, "increment", 1, time.Hour)
				return done(n == 8, err)
			},
		},
		{
			name: "CompareAndSwap", command: "evalsha", times: 1, key: "swap", want: "new", lifetime: time.Hour,
			run: func(ctx context.Context, s *redisstore.Store) error {
				swapped, err := s.CompareAndSwap(ctx, "swap", []byte("old"), []byte("new"), time.Hour)
				return done(swapped, err)
			},
		},
		{
			name: "CompareAndDelete", command: "evalsha", times: 1, key: "compare",
			run: func(ctx context.Context, s *redisstore.Store) error {
				deleted, err := s.CompareAndDelete(ctx, "compare", []byte("old"))
				return done(deleted, err)
			},
		},
		{
			name: "GetAndRenew", command: "evalsha", times: 1, key: "renew", want: "old", lifetime: time.Hour,
			run: func(ctx context.Context, s *redisstore.Store) error {
				value, found, err := s.GetAndRenew(ctx, "renew", time.Hour)
				return done(found && string(value) == "old", err)
			},
		},
		{
			name: "Touch", command: "pexpire", times: 1, key: "touch", want: "old", lifetime: time.Hour,
			run: func(ctx context.Context, s *redisstore.Store) error {
				found, err := s.Touch(ctx, "touch", time.Hour)
				return done(found, err)
			},
		},
		{
			name: "Touch with Forever", command: "evalsha", times: 1, key: "persist", want: "old", lifetime: -1,
			run: func(ctx context.Context, s *redisstore.Store) error {
				found, err := s.Touch(ctx, "persist", cache.Forever)
				return done(found, err)
			},
		},
		{
			name: "Take", command: "evalsha", times: 1, key: "take", lifetime: 12 * time.Minute, want: "taken once",
			run: func(ctx context.Context, s *redisstore.Store) error {
				d, err := s.Take(ctx, "take", hourly(5), 1)
				return done(d.Allowed && d.Remaining == 4, err)
			},
		},
		{
			name: "SetMany", command: "set", times: 3, key: "many1", want: "new", lifetime: time.Hour, pending: 3,
			run: func(ctx context.Context, s *redisstore.Store) error {
				return s.SetMany(ctx, map[string][]byte{"many1": []byte("new"), "many2": nil, "many3": nil}, time.Hour)
			},
		},
		{
			name: "DeleteMany", command: "unlink", times: 1, key: "gone1", pending: 2,
			run: func(ctx context.Context, s *redisstore.Store) error {
				return s.DeleteMany(ctx, []string{"gone1", "gone2"})
			},
		},
	}
}

// done is the error of a call that should have done something.
func done(did bool, err error) error {
	if err == nil && !did {
		return errors.New("it did nothing, or too much")
	}
	return err
}

// prepare puts in place what writes change, makes the server know the scripts if that is asked for, and resets its counters.
func prepare(t *testing.T, other *redis.Client, s *redisstore.Store, known bool) {
	t.Helper()
	if known {
		for _, w := range writes() {
			_ = w.run(t.Context(), s) // some find nothing to do
		}
	}
	p := other.Pipeline()
	for _, w := range writes() {
		p.Del(t.Context(), "cache:"+w.key)
	}
	for _, key := range []string{"delete", "swap", "compare", "renew", "touch", "persist", "many1", "gone1"} {
		p.Set(t.Context(), "cache:"+key, "old", 2*time.Hour)
	}
	p.Set(t.Context(), "cache:increment", 7, 2*time.Hour)
	p.ConfigResetStat(t.Context())
	if _, err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// check tells whether the server has done w once.
func (w write) check(t *testing.T, other *redis.Client) {
	t.Helper()
	if n := calls(t, other, w.command); n != w.times {
		t.Errorf("the server has executed %s %d times; want %d", w.command, n, w.times)
	}
	got, err := other.Get(t.Context(), "cache:"+w.key).Result()
	switch {
	case w.want == "" && !errors.Is(err, redis.Nil):
		t.Errorf("%q holds %q, %v; want it gone", w.key, got, err)
	case w.want != "" && w.want != "taken once" && got != w.want:
		t.Errorf("%q holds %q; want %q", w.key, got, w.want)
	}
	if w.want == "" {
		return
	}
	ttl := other.PTTL(t.Context(), "cache:"+w.key).Val()
	if w.lifetime < 0 && ttl != -1 || w.lifetime > 0 && (ttl <= w.lifetime-time.Minute || ttl > w.lifetime) {
		t.Errorf("%q lives %v; want %v", w.key, ttl, w.lifetime)
	}
}

// calls returns how often the server has executed the command.
func calls(t *testing.T, other *redis.Client, command string) int {
	t.Helper()
	stats, err := other.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+),`).FindStringSubmatch(stats)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
