package redisstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// behind returns a store whose client has one connection, through the cutter, and the defaults of the client otherwise: it would try everything
// up to four times.
func behind(t *testing.T, c *redistest.Proxy) *redisstore.Store {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: c.Addr(), ContextTimeoutEnabled: true, PoolSize: 1})
	t.Cleanup(func() { _ = client.Close() })
	s, err := redisstore.New(client, &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAWriteWhoseAnswerIsCutOffIsDoneOnceAndSaysThatItFailed(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	for name, over := range map[string]func(*testing.T, *redistest.Proxy) *redisstore.Store{
		"on the caller's client": behind,
		"on a client of its own": func(t *testing.T, c *redistest.Proxy) *redisstore.Store {
			return open(t, c.URL(), &redisstore.Options{Timeout: 10 * time.Second})
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range writes() {
				t.Run(w.name, func(t *testing.T) {
					c := redistest.StartProxy(t, server.Addr())
					s := over(t, c)
					prepare(t, other, s, true)
					c.CutReply(0)
					if err := w.run(t.Context(), s); !errors.Is(err, cache.ErrUnavailable) {
						t.Errorf("%s whose answer was cut off: %v; want ErrUnavailable", w.name, err)
					}
					w.check(t, other)
					if stats, err := s.Stats(t.Context()); err != nil || stats.Pending != w.pending {
						t.Errorf("%d failed writes are remembered, %v; want %d", stats.Pending, err, w.pending)
					}
				})
			}
		})
	}
}

func TestGetTellsWhetherAnAddWhoseAnswerWasCutOffHasStored(t *testing.T) {
	server := redistest.Start(t)
	c := redistest.StartProxy(t, server.Addr())
	s := behind(t, c)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.CutReply(0)
	if stored, err := s.Add(t.Context(), "lock", []byte("mine"), time.Hour); stored || !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Add = %t, %v; want ErrUnavailable", stored, err)
	}
	if v, found, err := s.Get(t.Context(), "lock"); string(v) != "mine" || !found || err != nil {
		t.Errorf("Get = %q, %t, %v; want what Add stored", v, found, err)
	}
}

func TestAReadWhoseAnswerIsCutOffIsTriedOnceMore(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	other.Set(t.Context(), "cache:key", "value", time.Hour)
	for name, run := range map[string]func(s *redisstore.Store) error{
		"Get": func(s *redisstore.Store) error {
			v, found, err := s.Get(t.Context(), "key")
			return done(found && string(v) == "value", err)
		},
		"GetAppend": func(s *redisstore.Store) error {
			v, found, err := s.GetAppend(t.Context(), []byte("a "), "key")
			return done(found && string(v) == "a value", err)
		},
		"GetMany": func(s *redisstore.Store) error {
			items, err := s.GetMany(t.Context(), []string{"key", "absent"})
			return done(len(items) == 1 && string(items["key"]) == "value", err)
		},
		"TTL": func(s *redisstore.Store) error {
			ttl, found, err := s.TTL(t.Context(), "key")
			return done(found && ttl > time.Minute, err)
		},
		"Exists": func(s *redisstore.Store) error {
			found, err := s.Exists(t.Context(), "key")
			return done(found, err)
		},
		"Ping": func(s *redisstore.Store) error { return s.Ping(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := redistest.StartProxy(t, server.Addr())
			s := behind(t, c)
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.CutReply(0)
			if err := run(s); err != nil {
				t.Errorf("%s whose answer was cut off: %v; want it to succeed on another connection", name, err)
			}
		})
	}
}

func TestASetManyThatIsCutOffRemembersWhatWasNotConfirmed(t *testing.T) {
	server := redistest.Start(t)
	c := redistest.StartProxy(t, server.Addr())
	s := behind(t, c)
	if err := s.SetMany(t.Context(), map[string][]byte{"other": nil}, time.Hour); err != nil {
		t.Fatal(err)
	}
	items := map[string][]byte{}
	for i := range 10 {
		items[fmt.Sprint("key", i)] = []byte("value")
	}
	c.CutReply(len("+OK\r\n+OK\r\n+OK\r\n+O"))
	if err := s.SetMany(t.Context(), items, time.Hour); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("SetMany: %v; want ErrUnavailable", err)
	}
	if stats, err := s.Stats(t.Context()); stats.Pending != 7 {
		t.Errorf("%d failed writes are remembered, %v; want 7", stats.Pending, err)
	}
	got, err := s.GetMany(t.Context(), keysOf(items))
	if len(got) != 3 || err != nil {
		t.Errorf("GetMany finds %d entries, %v; want the 3 that were confirmed", len(got), err)
	}
}

func keysOf(items map[string][]byte) []string {
	var keys []string
	for key := range items {
		keys = append(keys, key)
	}
	return keys
}

func TestEveryScriptWorksAfterARestartOfTheServer(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	for _, w := range writes() {
		t.Run(w.name, func(t *testing.T) {
			s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
			prepare(t, other, s, true)
			server.Restart() // it has forgotten the scripts
			prepare(t, other, s, false)
			err := w.run(t.Context(), s)
			if errors.Is(err, cache.ErrUnavailable) { // the connection was dead
				err = w.run(t.Context(), s)
			}
			if err != nil {
				t.Errorf("%s after the restart: %v", w.name, err)
			}
		})
	}
}
