package tierstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestAnEntryLivesNearNoLongerThanInRedis(t *testing.T) {
	t.Parallel()
	server, other := silentOfExpiry(t)
	s := tracked(t, server.URL(), &redisstore.Options{Timeout: patience})
	const ttl = 400 * time.Millisecond
	for _, tc := range []struct {
		name string
		set  func() error
		ttl  time.Duration
	}{
		{"its own", func() error { return s.Set(t.Context(), "key", []byte("value"), ttl) }, ttl},
		{"one that another process has shortened", func() error {
			if err := s.Set(t.Context(), "key", []byte("value"), cache.Forever); err != nil {
				return err
			}
			keepNear(t, s, other, "key", "value")
			return other.PExpire(t.Context(), "cache:key", ttl).Err()
		}, ttl},
		{"one that another process has prolonged", func() error {
			if err := s.Set(t.Context(), "key", []byte("value"), ttl); err != nil {
				return err
			}
			keepNear(t, s, other, "key", "value")
			return other.PExpire(t.Context(), "cache:key", 2*ttl).Err()
		}, 2 * ttl},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.set(); err != nil {
				t.Fatal(err)
			}
			end := time.Now().Add(tc.ttl + 5*time.Millisecond) // the clocks are two, one of which counts milliseconds
			ended := other.PExpireTime(t.Context(), "cache:key").Val()
			keepNear(t, s, other, "key", "value")
			found := true
			for hits := 0; found; hits++ {
				begun := time.Now()
				_, there, err := s.Get(t.Context(), "key")
				if err != nil {
					t.Fatal(err)
				}
				if there && !begun.Before(end) {
					t.Fatalf("it is found %v after its end", begun.Sub(end))
				}
				if left := time.Until(time.UnixMilli(ended.Milliseconds())); !there && left > 20*time.Millisecond {
					t.Errorf("after %d hits it is gone %v before its end", hits, left)
				}
				found = there
			}
		})
	}
}

func TestAnEntryThatTookLongToReadLivesNearNoLonger(t *testing.T) {
	t.Parallel()
	server, other := silentOfExpiry(t)
	proxy := redistest.StartProxy(t, server.Addr())
	s := tracked(t, proxy.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	if err := s.Set(t.Context(), "key", []byte("value"), 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(1505 * time.Millisecond) // the clocks are two, one of which counts milliseconds
	keepNear(t, s, other, "key", "value")
	if _, found, err := s.TTL(t.Context(), "key"); !found || err != nil { // after which it is not near
		t.Fatalf("TTL = %t, %v", found, err)
	}
	proxy.Delay(500 * time.Millisecond)
	if _, found, err := s.Get(t.Context(), "key"); !found || err != nil {
		t.Fatalf("Get = %t, %v", found, err)
	}
	proxy.Pass()
	keepNear(t, s, other, "key", "value")
	wait.Until(t, func() bool {
		begun := time.Now()
		_, found, err := s.Get(t.Context(), "key")
		if err != nil || found && begun.After(end) {
			t.Fatalf("Get = %t, %v, %v after its end", found, err, begun.Sub(end))
		}
		return !found
	})
}

// For the sake of what the server does not tell, like SWAPDB.
func TestWhatLivesForeverIsNearForAMinute(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	near, s := over(t, server, nil)
	if err := s.Set(t.Context(), "key", []byte("value"), cache.Forever); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, other, "key", "value")
	if ttl, found, err := near.TTL(t.Context(), "key"); ttl <= 50*time.Second || ttl > time.Minute || !found || err != nil {
		t.Errorf("near it has the lifetime %v, %t, %v", ttl, found, err)
	}
	if ttl, found, err := s.TTL(t.Context(), "key"); ttl != cache.Forever || !found || err != nil {
		t.Errorf("it has the lifetime %v, %t, %v", ttl, found, err)
	}
}

// silentOfExpiry returns a server that does not look for what has expired, and so tells nobody.
func silentOfExpiry(t *testing.T) (*redistest.Server, *redis.Client) {
	t.Helper()
	server := redistest.Start(t, "--enable-debug-command", "yes")
	other := redistest.Client(t, server.URL())
	if err := other.Do(t.Context(), "debug", "set-active-expire", 0).Err(); err != nil {
		t.Fatal(err)
	}
	return server, other
}

// over returns a store that is tracked, and what it has near, which only a test may look at.
func over(t *testing.T, server *redistest.Server, limits *memstore.Options) (*memstore.Store, *tierstore.Store) {
	t.Helper()
	near, err := memstore.New(limits)
	if err != nil {
		t.Fatal(err)
	}
	far, err := redisstore.Open(t.Context(), server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 100)
	s, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	return near, s
}
