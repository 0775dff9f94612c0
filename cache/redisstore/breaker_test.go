package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// isOpen tells whether the breaker refuses, which it learns by asking.
func isOpen(s *redisstore.Store) func() bool {
	return func() bool {
		_, _, err := s.Get(context.Background(), "key")
		return err != nil && strings.Contains(err.Error(), "the breaker is open")
	}
}

// outages are ways in which a server behind a proxy can be away, and how it comes back.
func outages() map[string]func(*redistest.Server, *redistest.Proxy) (end func()) {
	return map[string]func(*redistest.Server, *redistest.Proxy) func(){
		"a server that refuses":              func(_ *redistest.Server, p *redistest.Proxy) func() { p.Refuse(); return p.Pass },
		"a network that swallows everything": func(_ *redistest.Server, p *redistest.Proxy) func() { p.BlackHole(); return p.Pass },
		"a server that is frozen":            func(s *redistest.Server, _ *redistest.Proxy) func() { s.Freeze(); return s.Thaw },
		"a server that is dead":              func(s *redistest.Server, _ *redistest.Proxy) func() { s.Kill(); return s.Restart },
	}
}

func TestTheBreakerOpensAndClosesByItselfFor(t *testing.T) {
	t.Parallel()
	for name, begin := range outages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.StartProxy(t, server.Addr())
			s := open(t, proxy.URL(), &redisstore.Options{Timeout: timeout})
			if err := s.Set(t.Context(), "key", []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
			end := begin(server, proxy)
			wait.Until(t, isOpen(s))
			if st := s.BreakerStats(); st.Open != 1 || st.Opened != 1 || st.Refused < 1 {
				t.Errorf("BreakerStats = %+v; want it open once, and what it refused", st)
			}
			if err := s.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "the breaker is open") {
				t.Errorf("Ping: %v; want it to say that the breaker is open", err)
			}
			end()
			refused := s.BreakerStats().Refused
			wait.Until(t, func() bool { return s.BreakerStats().Open == 0 })
			if st := s.BreakerStats(); st.Refused != refused {
				t.Errorf("the breaker has refused %d commands that nobody wanted", st.Refused-refused)
			}
			wait.Until(t, func() bool { _, _, err := s.Get(t.Context(), "key"); return err == nil })
		})
	}
}

func TestAnOpenBreakerKeepsEveryMethodFromTheNetwork(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a server that refuses", "a network that swallows everything"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			proxy := redistest.StartProxy(t, server.Addr())
			s := open(t, proxy.URL(), &redisstore.Options{Timeout: timeout})
			c := over(t, s)
			outages()[name](server, proxy)
			wait.Until(t, isOpen(s))
			named, err := s.Named("sessions")
			if err != nil {
				t.Fatal(err)
			}
			sessions := over(t, named)
			// Each ping has a connection of its own, a tenth of a second after the last.
			const pause = 100 * time.Millisecond
			before, began, refused, ran := proxy.Accepted(), time.Now(), s.BreakerStats().Refused, 0
			for range 50 {
				for _, m := range methods() {
					if m.name == "Ping" || m.name == "Clear" { // which asks, and after which everything is a miss
						continue
					}
					for _, of := range []*cache.Cache{c, sessions} {
						ran++
						if claims, err := m.run(t.Context(), of); claims || !errors.Is(err, cache.ErrUnavailable) || strings.Count(err.Error(), "the breaker is open") != 1 {
							t.Errorf("%s where the breaker is open = %t, %v; want ErrUnavailable, and the breaker once", m.name, claims, err)
						}
					}
				}
			}
			if n := proxy.Accepted() - before; n > 2+int(time.Since(began)/pause) {
				t.Errorf("%d connections were made in %v for %d operations that the breaker refuses; want those of pings only", n, time.Since(began), ran)
			}
			if n := s.BreakerStats().Refused - refused; n != int64(ran) {
				t.Errorf("%d commands of %d operations were refused", n, ran)
			}
			if of := named.BreakerStats(); of.Open != 1 || of.Refused != s.BreakerStats().Refused {
				t.Errorf("a named store has the figures %+v; want those of the store", of)
			}
		})
	}
}

// What failed while the breaker was open is remembered as any failure is: the old value does not come back.
func TestWritesThatTheBreakerRefusedAreMadeUpFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server.Addr())
	s := open(t, proxy.URL(), &redisstore.Options{Timeout: timeout})
	other := redistest.Client(t, server.URL())
	writes := map[string]func(key string) error{
		"set": func(key string) error { return s.Set(t.Context(), key, []byte("new"), time.Hour) },
		"set many": func(key string) error {
			return s.SetMany(t.Context(), map[string][]byte{key: []byte("new")}, time.Hour)
		},
		"delete":      func(key string) error { return s.Delete(t.Context(), key) },
		"delete many": func(key string) error { return s.DeleteMany(t.Context(), []string{key, key + "2"}) },
		"clear":       func(key string) error { return s.Clear(t.Context(), key) },
	}
	for key := range writes {
		if err := s.Set(t.Context(), key, []byte("old"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	proxy.Refuse()
	wait.Until(t, isOpen(s))
	for key, write := range writes {
		if err := write(key); err == nil || !strings.Contains(err.Error(), "the breaker is open") {
			t.Errorf("%s: %v; want the breaker to refuse it", key, err)
		}
	}
	if st, err := s.Stats(t.Context()); err != nil || st.Pending < int64(len(writes)) {
		t.Errorf("%d failed writes are remembered, %v; want each of %d", st.Pending, err, len(writes))
	}
	proxy.Pass()
	wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
	for key := range writes {
		if _, found, err := s.Get(t.Context(), key); found || err != nil {
			t.Errorf("Get after a refused %s = %t, %v; want a miss", key, found, err)
		}
	}
	wait.Until(t, func() bool { return other.DBSize(t.Context()).Val() == 0 })
}

func TestCloseWaitsForNoAnswerWhereTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	const long = 30 * time.Second // as long as Until waits
	plain, secret := redistest.Start(t), redistest.StartTLS(t)
	for name, server := range map[string]interface {
		Addr() string
		URL() string
	}{"in plain text": plain, "by TLS": secret} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := redistest.StartProxy(t, server.Addr())
			s := open(t, strings.Replace(server.URL(), server.Addr(), proxy.Addr(), 1), &redisstore.Options{Timeout: long})
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			proxy.Refuse()
			wait.Until(t, isOpen(s))
			proxy.BlackHole()
			proxy.KillConnections()
			pings := proxy.Accepted()
			wait.Until(t, func() bool { return proxy.Accepted() > pings }) // one is under way
			began := time.Now()
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if d := time.Since(began); d > long/2 {
				t.Errorf("Close where the breaker is open took %v", d)
			}
		})
	}
}
