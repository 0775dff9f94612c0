package tierstore_test

import (
	"errors"
	"strings"
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

func TestWithoutTrackingItIsAPlainRedisStoreAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		user []any
	}{
		{"the user may not have it", nil, []any{"-client|tracking"}},
		{"the user may not use CLIENT", nil, []any{"-client"}},
		{"the server does not know CLIENT", []string{"--rename-command", "CLIENT", ""}, nil},
		{"the server does not know HELLO, and so no RESP3", []string{"--rename-command", "HELLO", ""}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, tc.args...)
			url := withUser(t, server, tc.user...)
			other := redistest.Client(t, server.URL())
			s, told := open(t, url, nil)
			if err := <-told; !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("OnTracking is told %v, want what matches errors.ErrUnsupported", err)
			}
			if err := s.Set(t.Context(), "key", []byte("old"), time.Hour); err != nil {
				t.Fatal(err)
			}
			for n := range 100 {
				before := reads(t, other)
				if _, found, err := s.Get(t.Context(), "key"); !found || err != nil {
					t.Fatalf("Get = %t, %v", found, err)
				}
				if reads(t, other) != before+1 {
					t.Fatalf("Get %d does not go to the server", n)
				}
			}
			if err := other.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if value, _, err := s.Get(t.Context(), "key"); string(value) != "new" || err != nil {
				t.Errorf("Get = %q, %v; want what another process wrote last", value, err)
			}
			end := time.Now().Add(time.Second) // for ten attempts, if it tried as after a loss
			wait.Until(t, func() bool { return time.Now().After(end) })
			if n := len(told); n > 0 {
				t.Errorf("OnTracking is told %d times more, first %v", n, <-told)
			}
		})
	}
}

// withUser returns the URL of a server for a user of these rules.
func withUser(t *testing.T, server *redistest.Server, rules ...any) (url string) {
	t.Helper()
	if rules == nil {
		return server.URL()
	}
	create := append([]any{"acl", "setuser", "user", "on", ">password", "~*", "+@all"}, rules...)
	if err := redistest.Client(t, server.URL()).Do(t.Context(), create...).Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(server.URL(), "redis://", "redis://user:password@", 1)
}

// What the caller's client speaks, and keeps ready, is not what the connection does that tells of changes.
func TestWhatTheCallersClientIsLikeDoesNotMatter(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	for name, o := range map[string]redis.Options{
		"RESP2":                  {Protocol: 2},
		"connections in advance": {MinIdleConns: 5},
		"one connection":         {PoolSize: 1},
		"a cache of its own":     {Protocol: 3, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}},
		"another database":       {DB: 3},
	} {
		t.Run(name, func(t *testing.T) {
			o.Addr, o.ContextTimeoutEnabled = server.Addr(), true
			client := redis.NewClient(&o)
			t.Cleanup(func() { _ = client.Close() })
			far, err := redisstore.New(client, nil)
			if err != nil {
				t.Fatal(err)
			}
			near, err := memstore.New(nil)
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
			if err := s.Set(t.Context(), "key", []byte("old"), cache.Forever); err != nil {
				t.Fatal(err)
			}
			keepNear(t, s, other, "key", "old")
			if err := client.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
				t.Fatal(err)
			}
			wait.Until(t, func() bool {
				value, _, err := s.Get(t.Context(), "key")
				return err == nil && string(value) == "new"
			})
		})
	}
}
