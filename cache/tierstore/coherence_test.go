package tierstore_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// Whoever reads in a process has seen what anybody there has seen or written before.
func TestNobodyInAProcessGoesBackToAnOlderVersion(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	writer, reader := tracked(t, server.URL(), nil), tracked(t, server.URL(), nil)
	const versions = 1500
	var done atomic.Bool
	var all sync.WaitGroup
	watch := func(who string, s *tierstore.Store, seen *atomic.Int64) {
		for i := 0; !done.Load(); i++ {
			before := seen.Load()
			version, err := versionOf(t.Context(), s, i)
			if err != nil || version < before {
				t.Errorf("the %s gets version %d, %v after %d", who, version, err, before)
				return
			}
			for old := seen.Load(); old < version && !seen.CompareAndSwap(old, version); old = seen.Load() {
			}
		}
	}
	var written, read atomic.Int64
	for range 2 {
		all.Go(func() { watch("writer", writer, &written) })
		all.Go(func() { watch("reader", reader, &read) })
	}
	for n := int64(1); n <= versions; n++ {
		if err := writer.Set(t.Context(), "key", strconv.AppendInt(nil, n, 10), time.Hour); err != nil {
			t.Fatal(err)
		}
		written.Store(n)
	}
	wait.Until(t, func() bool { return read.Load() == versions })
	done.Store(true)
	all.Wait()
}

// versionOf reads in one of several ways. Nothing is version 0.
func versionOf(ctx context.Context, s *tierstore.Store, way int) (version int64, err error) {
	var value []byte
	switch way % 3 {
	case 0:
		value, _, err = s.Get(ctx, "key")
	case 1:
		value, _, err = s.GetAppend(ctx, nil, "key")
	case 2:
		var items map[string][]byte
		items, err = s.GetMany(ctx, []string{"key", "none", "key"})
		value = items["key"]
	}
	if err != nil || len(value) == 0 {
		return 0, err
	}
	return strconv.ParseInt(string(value), 10, 64)
}

func TestWhateverChangesAnEntryIsSeen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := tracked(t, server.URL(), nil)
	for _, command := range [][]any{
		{"set", "cache:key", "new"},
		{"append", "cache:key", "more"},
		{"setrange", "cache:key", 1, "x"},
		{"unlink", "cache:key"},
		{"getdel", "cache:key"},
		{"pexpire", "cache:key", 1},
		{"pexpireat", "cache:key", 1},
		{"rename", "cache:key", "cache:another"},
		{"rename", "test:new", "cache:key"},
		{"copy", "test:new", "cache:key", "replace"},
		{"move", "cache:key", 1},
		{"eval", "return redis.call('set', KEYS[1], 'new')", 1, "cache:key"},
		{"flushdb", "sync"},
		{"flushdb", "async"},
		{"flushall"},
	} {
		t.Run(fmt.Sprint(command[0], command[len(command)-1]), func(t *testing.T) {
			if err := other.Do(t.Context(), "set", "test:new", "new").Err(); err != nil {
				t.Fatal(err)
			}
			if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
				t.Fatal(err)
			}
			keepNear(t, s, other, "key", "old")
			if err := other.Do(t.Context(), command...).Err(); err != nil {
				t.Fatal(err)
			}
			var now string // "" where there is none
			wait.Until(t, func() bool {
				now = other.Get(t.Context(), "cache:key").Val()
				return now != "old" // what expires in a moment may still be there
			})
			wait.Until(t, func() bool {
				value, found, err := s.Get(t.Context(), "key")
				return err == nil && string(value) == now && found == (now != "")
			})
		})
	}
}

func TestAHitSendsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := tracked(t, server.URL(), nil)
	if err := s.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, other, "key", "value")
	before := reads(t, other)
	for range 100 {
		value, found, err := s.Get(t.Context(), "key")
		appended, _, err2 := s.GetAppend(t.Context(), []byte("a "), "key")
		there, err3 := s.Exists(t.Context(), "key")
		items, err4 := s.GetMany(t.Context(), []string{"key", "key"})
		if string(value) != "value" || !found || string(appended) != "a value" || !there || string(items["key"]) != "value" ||
			err != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Fatalf("%q, %t, %v; %q, %v; %t, %v; %q, %v", value, found, err, appended, err2, there, err3, items, err4)
		}
	}
	if after := reads(t, other); after != before {
		t.Errorf("the server was read %d times in 400 hits", after-before)
	}
	if _, found, err := s.Get(t.Context(), "none"); found || err != nil {
		t.Errorf("Get of what is not there = %t, %v", found, err)
	}
	if after := reads(t, other); after == before {
		t.Error("the server was not read for what is not near: this test counts nothing")
	}
}

// keepNear returns when reads of key give value and send nothing, as soon as the server has told of the last write.
func keepNear(t *testing.T, s *tierstore.Store, server *redis.Client, key, value string) {
	t.Helper()
	wait.Until(t, func() bool {
		before := reads(t, server)
		got, _, err := s.Get(t.Context(), key)
		if err != nil || string(got) != value {
			t.Fatalf("Get(%q) = %q, %v; want %q", key, got, err, value)
		}
		return reads(t, server) == before
	})
}

// reads is how many commands that read an entry a server has run.
func reads(t *testing.T, server *redis.Client) (n int) {
	t.Helper()
	said, err := server.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`cmdstat_(?:get|mget|exists|pttl):calls=(\d+)`).FindAllStringSubmatch(said, -1) {
		calls, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n += calls
	}
	return n
}
