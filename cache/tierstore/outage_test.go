package tierstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestNoReadIsOlderThanThreeSecondsWhereTheServerIsNotReached(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	proxy := redistest.StartProxy(t, server.Addr())
	s, told := open(t, proxy.URL(), &redisstore.Options{Timeout: patience})
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, other, "key", "old")
	proxy.BlackHole()
	if err := other.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
		t.Fatal(err)
	}
	neverAfter(t, s, time.Now(), "old")
	proxy.Pass()
	resume(t, s, told, other, "new")
}

func TestWhatWasNearIsGoneWithAServerThatIsRestarted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s, told := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, other, "key", "old")
	server.Restart()
	restarted := time.Now()
	wait.Until(t, func() bool {
		_, found, err := s.Get(t.Context(), "key")
		return !found && err == nil
	})
	if took := time.Since(restarted); took > bound {
		t.Errorf("it took %v", took)
	}
	wait.Until(t, func() bool { return other.Set(t.Context(), "cache:key", "new", 0).Err() == nil }) // its pool has dead connections
	resume(t, s, told, other, "new")
}

func TestWhatWasNearIsUsedNoMoreWhileTheServerIsFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s, told := open(t, server.URL(), &redisstore.Options{Timeout: patience})
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	keepNear(t, s, other, "key", "old")
	server.Freeze()
	neverAfter(t, s, time.Now(), "old")
	server.Thaw()
	wait.Until(t, func() bool { return other.Set(t.Context(), "cache:key", "new", 0).Err() == nil })
	neverAfter(t, s, time.Now(), "old")
	resume(t, s, told, other, "new")
}

// neverAfter fails the test if a read that begins more than three seconds later has this value. One may fail.
func neverAfter(t *testing.T, s *tierstore.Store, written time.Time, old string) {
	t.Helper()
	wait.Until(t, func() bool {
		late := time.Since(written) > bound
		if value, found, _ := s.Get(t.Context(), "key"); late && found && string(value) == old {
			t.Fatalf("%v later what was there before is read", time.Since(written))
		}
		return late && time.Since(written) > bound+time.Second/2
	})
}

// resume returns when the store that has lost its server is told of changes again, and keeps near what is there now.
func resume(t *testing.T, s *tierstore.Store, told <-chan error, other *redis.Client, now string) {
	t.Helper()
	if err := <-told; err == nil {
		t.Error("OnTracking is told nil first; want why it was lost")
	}
	wait.Until(t, func() bool { return <-told == nil })
	wait.Until(t, func() bool { // what the pool has left of the old connections fails first
		value, _, err := s.Get(t.Context(), "key")
		return err == nil && string(value) == now
	})
	keepNear(t, s, other, "key", now)
}

// plain returns what another process may have.
func plain(t *testing.T, url string) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(t.Context(), url, &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
