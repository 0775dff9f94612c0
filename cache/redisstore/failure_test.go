package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

const timeout = 100 * time.Millisecond

func TestAFrozenServer(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: timeout})
	c := over(t, s)
	server.Freeze()
	defer server.Thaw()
	t.Run("costs an operation its timeout where the context has no deadline", func(t *testing.T) {
		start := time.Now()
		_, _, err := c.Get(t.Context(), "key")
		if !errors.Is(err, cache.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get: %v; want ErrUnavailable", err)
		}
		if want := `cache: get "key": store unavailable: no answer within 100ms`; err.Error() != want {
			t.Errorf("Get: %q; want %q", err, want)
		}
		if d := time.Since(start); d < timeout || d > 20*timeout {
			t.Errorf("Get took %v; want about %v", d, timeout)
		}
	})
	t.Run("does not hold an operation beyond its context's deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout/10)
		defer cancel()
		for method, err := range map[string]error{"Set": c.Set(ctx, "key", nil, time.Hour), "Clear": c.Clear(ctx)} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v; want context.DeadlineExceeded", method, err)
			}
		}
	})
	t.Run("does not hold a cancelled operation beyond the timeout", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(timeout/10, cancel)
		if err := c.Set(ctx, "key", nil, time.Hour); !errors.Is(err, context.Canceled) && !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Set: %v; want context.Canceled or ErrUnavailable", err)
		}
	})
}

func TestAValueSetBeforeTheFreezeDoesNotComeBackWithTheServer(t *testing.T) {
	opened := func(t *testing.T, url string) *redisstore.Store {
		return open(t, url, &redisstore.Options{Timeout: timeout})
	}
	// Its connections are closed as usual: what it had written is still delivered.
	given := func(t *testing.T, url string) *redisstore.Store {
		s, err := redisstore.New(redistest.Client(t, url), &redisstore.Options{Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, tc := range []struct {
		name string
		size int
		open func(t *testing.T, url string) *redisstore.Store
	}{
		{"a short value", 5, opened},
		{"a value of 300 kB", 300_000, opened},
		{"a value of 3 MB", 3_000_000, opened},
		{"a short value of the caller's client", 5, given},
		{"a value of 300 kB of the caller's client", 300_000, given},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			c := over(t, tc.open(t, server.URL()))
			for round := range 10 {
				key := fmt.Sprint("key", round)
				old := bytes.Repeat([]byte("o"), tc.size)
				wait.Until(t, func() bool { return c.Set(t.Context(), "warm", nil, time.Hour) == nil })
				server.Freeze()
				// A reader populates the old value; it lies in the server's socket and will be executed at the thaw. Then the value
				// changes, and a writer invalidates it.
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() { _ = c.Set(t.Context(), key, old, time.Hour) })
				}
				all.Wait()
				if err := c.Delete(t.Context(), key); err == nil {
					t.Fatal("Delete on a frozen server succeeded")
				}
				server.Thaw()
				wait.Until(t, func() bool {
					v, found, err := c.Get(t.Context(), key)
					if found {
						t.Fatalf("round %d: Get after the thaw = %d bytes; want a miss", round, len(v))
					}
					return err == nil
				})
			}
		})
	}
}

func TestAServerThatWasKilledAndRestarted(t *testing.T) {
	server := redistest.Start(t)
	c := over(t, open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second}))
	var all sync.WaitGroup
	for range 8 { // several connections in the pool
		all.Go(func() { _ = c.Set(t.Context(), "key", nil, time.Hour) })
	}
	all.Wait()
	server.Kill()
	if err := c.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Ping of a killed server: %v; want ErrUnavailable", err)
	}
	server.Restart()
	for range 20 {
		if _, found, err := c.Get(t.Context(), "other"); found || err != nil {
			t.Errorf("Get after the restart: %t, %v; want a miss on whatever connection", found, err)
		}
	}
}

func TestAClearWhoseConnectionBreaksSaysSoAndIsMadeUpFor(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	c := over(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	const keys = 100_000
	for batch := range keys / 1000 {
		_, err := other.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.Set(t.Context(), fmt.Sprint("cache:", batch*1000+i), "old", 0)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	cleared := make(chan error, 1)
	go func() { cleared <- c.Clear(t.Context()) }()
	wait.Until(t, func() bool { return other.DBSize(t.Context()).Val() < keys || len(cleared) == 1 })
	// Whatever answers on a new connection, the old cursor means nothing to it.
	if err := other.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-cleared; !errors.Is(err, cache.ErrUnavailable) {
		t.Fatalf("Clear on a connection that broke: %v; want ErrUnavailable", err)
	}
	for i := range 1000 {
		if _, found, err := c.Get(t.Context(), fmt.Sprint(keys-1-i)); found || err != nil {
			t.Fatalf("Get after a Clear that failed: %t, %v; want a miss", found, err)
		}
	}
	// It is repeated in the background, and what is stored meanwhile waits for it.
	if err := c.Set(t.Context(), "new", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool { return other.DBSize(t.Context()).Val() <= 1 })
}

func TestAFailedClearKeepsNobodyFromWriting(t *testing.T) {
	server := redistest.Start(t)
	c := over(t, open(t, server.URL(), &redisstore.Options{Timeout: patience}))
	server.Freeze()
	if err := c.Clear(t.Context()); err == nil {
		t.Fatal("Clear on a frozen server succeeded")
	}
	server.Thaw()
	wait.Until(t, func() bool { return c.Ping(t.Context()) == nil })
	for i := range 100 {
		key := fmt.Sprint("key", i)
		if err := c.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
			t.Errorf("Set: %v", err)
		}
		if err := c.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if stored, err := c.Add(t.Context(), key, []byte("value"), time.Hour); err != nil || !stored {
			t.Errorf("Add = %t, %v; want true", stored, err)
		}
		if v, found, err := c.Get(t.Context(), key); !found || err != nil {
			t.Errorf("Get = %q, %t, %v; want the entry", v, found, err)
		}
	}
}

func TestManyFailedKeysBecomeTheirNamespace(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: timeout})
	c := over(t, s)
	pages, other := c.Namespace("pages"), c.Namespace("other")
	for _, n := range []*cache.Cache{pages, other, c} {
		if err := n.Set(t.Context(), "kept", []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	server.Kill() // a refused connection fails at once
	for i := range 10_001 {
		if err := pages.Delete(t.Context(), fmt.Sprint("key", i)); err == nil {
			t.Fatal("Delete on a dead server succeeded")
		}
	}
	server.Restart()
	client := redistest.Client(t, server.URL())
	for _, key := range []string{"cache:@pages:kept", "cache:@other:kept", "cache:kept"} {
		client.Set(t.Context(), key, "value", 0)
	}
	// The client gives a dead server a second's rest before it dials again.
	wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
	if _, found, err := pages.Get(t.Context(), "kept"); found || err != nil {
		t.Errorf("Get in the namespace of too many failures: %t, %v; want a miss", found, err)
	}
	for name, n := range map[string]*cache.Cache{"another namespace": other, "the root": c} {
		if _, found, err := n.Get(t.Context(), "kept"); !found || err != nil {
			t.Errorf("Get in %s: %t, %v; want the entry", name, found, err)
		}
	}
}

func TestWhatLooksLikeDownButIsAMistake(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		url  func(*redistest.Server) string
		want error
		also string // Set only: the server lets reads through
	}{
		{"a wrong password", []string{"--requirepass", "right"}, with("redis://:wrong@%s"), redisstore.ErrAuth, ""},
		{"no password", []string{"--requirepass", "right"}, with("redis://%s"), redisstore.ErrAuth, ""},
		{"an unknown user", nil, with("redis://nobody:pw@%s"), redisstore.ErrAuth, ""},
		{"a user who may do nothing", []string{"--user", "u", "on", ">pw", "~*", "-@all", "+hello", "+ping", "+select"}, with("redis://u:pw@%s"), redisstore.ErrPermission, ""},
		{"a database that is not there", nil, with("redis://%s/99"), redisstore.ErrDatabase, ""},
		{"a read-only replica", []string{"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"}, with("redis://%s"), redisstore.ErrReadOnly, "set"},
		{"a full server", []string{"--maxmemory", "1"}, with("redis://%s"), redisstore.ErrMemory, "set"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := redistest.Start(t, tc.args...)
			s := open(t, tc.url(server), &redisstore.Options{Timeout: time.Second})
			err := s.Set(t.Context(), "key", []byte("value"), time.Hour)
			if !errors.Is(err, tc.want) || !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("Set: %v; want %v, and ErrUnavailable", err, tc.want)
			}
			if tc.also == "" {
				if _, _, err := s.Get(t.Context(), "other"); !errors.Is(err, tc.want) {
					t.Errorf("Get: %v; want %v", err, tc.want)
				}
			}
			for _, secret := range []string{"wrong", "right", "pw"} {
				if rest := strings.ReplaceAll(err.Error(), "wrong user or password", ""); strings.Contains(rest, secret) {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
}

func TestOneSideSpeaksTLSAndTheOtherDoesNot(t *testing.T) {
	complains := answering(t, func(c net.Conn) { _, _ = c.Write([]byte("-ERR unknown command\r\n")) })
	hangsUp := answering(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }) // what a TLS server does to a HELLO
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // as a Redis is that waits for the end of what it takes for a line
	for _, tc := range []struct {
		name, url string
		want      error
	}{
		{"a server without TLS that answers", "rediss://" + complains, redisstore.ErrTLS},
		{"a server without TLS that waits", "rediss://" + silent.Addr().String(), redisstore.ErrGreeting},
		{"a server with TLS", "redis://" + hangsUp, redisstore.ErrGreeting},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.url, &redisstore.Options{Timeout: patience})
			if err := s.Ping(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("Ping: %v; want %v", err, tc.want)
			}
		})
	}
}

// answering starts a server that does one thing with every connection and closes it.
func answering(t *testing.T, with func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			with(c)
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

func TestAConnectionThatIsGivenUpThrowsAwayWhatItHasNotSent(t *testing.T) {
	ended := make(chan error, 1)
	silent := answering(t, func(c net.Conn) {
		_, err := io.Copy(io.Discard, c)
		select {
		case ended <- err:
		default:
		}
	})
	s := open(t, "redis://"+silent, &redisstore.Options{Timeout: timeout})
	if err := s.Ping(t.Context()); err == nil {
		t.Fatal("Ping of a silent server succeeded")
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server sees %v; want the connection reset, not ended in order", err)
	}
}

func TestAServerThatOnceAnsweredIsNotSuspectedOfTLS(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), &redisstore.Options{Timeout: timeout})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := s.Ping(t.Context()); err == nil || errors.Is(err, redisstore.ErrGreeting) {
		t.Errorf("Ping: %v; want an error without ErrGreeting", err)
	}
}

func with(format string) func(*redistest.Server) string {
	return func(s *redistest.Server) string { return fmt.Sprintf(format, s.Addr()) }
}

func TestAHostThatSwallowsPacketsCostsTheTimeout(t *testing.T) {
	// A listener that never accepts, with a full backlog, is as silent as a firewall.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, "redis://"+l.Addr().String(), &redisstore.Options{Timeout: timeout})
	for range 5 {
		start := time.Now()
		if err := s.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Ping: %v; want ErrUnavailable", err)
		}
		if d := time.Since(start); d > 20*timeout {
			t.Errorf("Ping took %v; want about %v", d, timeout)
		}
	}
}
