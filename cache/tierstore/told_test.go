package tierstore_test

import (
	"sync"
	"testing"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
)

// What the server tells is not read meanwhile.
func TestNothingIsReadNearWhileOnTrackingRuns(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	near, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	far, err := redisstore.Open(t.Context(), server.URL(), &redisstore.Options{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	told, ended := make(chan error, 1), make(chan struct{})
	s, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) {
		told <- err
		<-ended
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	end := sync.OnceFunc(func() { close(ended) })
	t.Cleanup(end) // before Close, which waits for it
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1", "2", "3"} {
		if err := other.Set(t.Context(), "cache:key", version, 0).Err(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if value, _, err := s.Get(t.Context(), "key"); string(value) != version || err != nil {
				t.Errorf("Get = %q, %v; want %q", value, err, version)
			}
		}
	}
	end()
	keepNear(t, s, other, "key", "3")
}
