package cachetest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// server is a backend that several clients share, that can be away, and that holds what is not theirs.
type server struct {
	mu      sync.Mutex
	entries map[string]item
	away    bool
}

type item struct {
	value   string
	expires time.Time // zero: never
}

// client is a store on a server, sound unless it has a fault.
type client struct {
	*server
	fault string

	mu     sync.Mutex
	closed bool
	failed map[string]bool // keys, and prefixes with a '*', of invalidations that failed
	local  map[string]bool
}

type clientFault struct{ name, by, fault string }

func clientFaults() []clientFault {
	return []clientFault{
		{"Clear flushes the database", "Clear leaves what is foreign", "flushes"},
		{"Clear takes what begins alike", "Clear leaves what is foreign", "no boundary"},
		{"entries stay in the process", "a second store sees the entries", "own entries"},
		{"Add is atomic in one process only", "of many Adds of several stores one stores", "local lock"},
		{"a backend that is away is a miss", "a broken backend gives errors that say what failed", "misses"},
		{"the error does not say that the backend is away", "a broken backend gives errors that say what failed", "vague"},
		{"a Delete that failed is forgotten", "a Delete that failed is made up for", "forgets"},
		{"a Delete that failed is remembered for Get only", "a Delete that failed is made up for whatever comes next", "forgets in Add"},
		{"a Set that failed is forgotten", "a Set that failed does not leave the old value", "forgets"},
		{"a Clear that failed is forgotten", "a Clear that failed is made up for", "forgets"},
	}
}

// onServer returns the hooks of clients on one server.
func onServer(fault string) hooks {
	s := &server{entries: map[string]item{}}
	open := func() *client {
		c := &client{server: s, fault: fault, failed: map[string]bool{}, local: map[string]bool{}}
		if fault == "own entries" {
			c.server = &server{entries: map[string]item{}}
		}
		return c
	}
	away := func(yes bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.away = yes
	}
	return hooks{
		open: func() cache.Store {
			s.mu.Lock()
			maps.DeleteFunc(s.entries, func(key string, _ item) bool { return strings.HasPrefix(key, "cache:") })
			s.mu.Unlock()
			return open()
		},
		reopen:  func() cache.Store { return open() },
		advance: func(d time.Duration) { pass(context.Background(), d) },
		broken:  func() func() { away(true); return func() { away(false) } },
		plant: func(key string, value []byte) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if _, there := s.entries[key]; there {
				return errors.New("it is there")
			}
			s.entries[key] = item{value: string(value)}
			return nil
		},
	}
}

// do runs f on the server's entries, after the key has been repaired.
func (c *client) do(ctx context.Context, key string, f func(entries map[string]item)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return cache.ErrClosed
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.away {
		if c.fault == "vague" {
			return errors.New("something went wrong")
		}
		return cache.ErrUnavailable
	}
	maps.DeleteFunc(c.entries, func(k string, e item) bool {
		expired := !e.expires.IsZero() && !time.Now().Before(e.expires)
		return expired || k == key && c.failed[k] || strings.HasPrefix(k, "cache:") && c.underFailedClear(k)
	})
	maps.DeleteFunc(c.failed, func(mark string, _ bool) bool { return mark == key || strings.HasSuffix(mark, "*") })
	f(c.entries)
	return nil
}

func (c *client) underFailedClear(key string) bool {
	for mark := range c.failed {
		if prefix, ok := strings.CutSuffix(mark, "*"); ok && strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// invalidate is do, and remembers what failed.
func (c *client) invalidate(ctx context.Context, mark string, f func(entries map[string]item)) error {
	err := c.do(ctx, mark, f)
	if errors.Is(err, cache.ErrUnavailable) && c.fault != "forgets" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed[mark] = true
	}
	return err
}

func (c *client) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	err = c.do(ctx, "cache:"+key, func(entries map[string]item) {
		e, ok := entries["cache:"+key]
		value, found = []byte(e.value), ok
	})
	if !found {
		value = nil
	}
	if c.fault == "misses" && errors.Is(err, cache.ErrUnavailable) {
		err = nil
	}
	return value, found, err
}

func (c *client) Exists(ctx context.Context, key string) (bool, error) {
	_, found, err := c.Get(ctx, key)
	return found, err
}

func (c *client) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	absent := false
	err := c.invalidate(ctx, "cache:"+key, func(entries map[string]item) {
		old, found := entries["cache:"+key]
		e := item{value: string(value)}
		switch {
		case ttl == cache.KeepTTL:
			e.expires, absent = old.expires, !found
		case ttl != cache.Forever:
			e.expires = time.Now().Add(ttl)
		}
		if !absent {
			entries["cache:"+key] = e
		}
	})
	if absent {
		err = cache.ErrNotFound
	}
	return err
}

func (c *client) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if c.fault == "local lock" {
		c.mu.Lock()
		taken := c.local[key]
		c.local[key] = true
		c.mu.Unlock()
		return !taken, c.Set(ctx, key, value, ttl)
	}
	if c.fault == "forgets in Add" {
		c.mu.Lock()
		clear(c.failed)
		c.mu.Unlock()
	}
	err = c.do(ctx, "cache:"+key, func(entries map[string]item) {
		if _, found := entries["cache:"+key]; found {
			return
		}
		e := item{value: string(value)}
		if ttl != cache.Forever {
			e.expires = time.Now().Add(ttl)
		}
		entries["cache:"+key], stored = e, true
	})
	return stored, err
}

func (c *client) Delete(ctx context.Context, key string) error {
	return c.invalidate(ctx, "cache:"+key, func(entries map[string]item) { delete(entries, "cache:"+key) })
}

func (c *client) Clear(ctx context.Context, prefix string) error {
	return c.invalidate(ctx, "cache:"+prefix+"*", func(entries map[string]item) {
		begins := "cache:" + prefix
		switch c.fault {
		case "flushes":
			begins = ""
		case "no boundary":
			begins = strings.TrimSuffix(begins, ":")
		}
		maps.DeleteFunc(entries, func(k string, _ item) bool { return strings.HasPrefix(k, begins) })
	})
}

func (c *client) Ping(ctx context.Context) error {
	return c.do(ctx, "", func(map[string]item) {})
}

func (c *client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}
