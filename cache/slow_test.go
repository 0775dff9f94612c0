package cache_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// How long the store's operations may take, and how long the source takes.
const (
	timeout = 250 * time.Millisecond
	sourced = time.Second
)

// slow, for bubbles, is a store like a remote one: each operation takes its time, or fails when the timeout is over. It forgets no write that failed, as the contract wants it.
type slow struct {
	*shelf

	mu      sync.Mutex
	takes   time.Duration // an operation that is answered
	answers int           // so many operations are answered, those after them not
	refuses bool          // those fail at once
	doubted map[string]bool
}

var errDown = fmt.Errorf("%w: the server is down", cache.ErrUnavailable)

func newSlow() *slow { return &slow{shelf: newShelf(), answers: 1e9, doubted: map[string]bool{}} }

// set says what becomes of the operations from now on.
func (s *slow) set(takes time.Duration, answers int, refuses bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes, s.answers, s.refuses = takes, answers, refuses
}

// serve waits as the operation's server makes it. A write of keys that fails is remembered, and one that comes after it makes up for it.
func (s *slow) serve(write bool, keys ...string) error {
	s.mu.Lock()
	takes, answered, refuses := s.takes, s.answers > 0, s.refuses
	s.answers--
	s.mu.Unlock()
	switch {
	case answered:
		<-time.After(takes)
	case !refuses:
		<-time.After(timeout)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		switch {
		case !answered && write:
			s.doubted[key] = true
		case answered && s.doubted[key]:
			delete(s.doubted, key)
			s.remove(key)
		}
	}
	if !answered {
		return errDown
	}
	return nil
}

func (s *slow) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.serve(false, key); err != nil {
		return nil, false, err
	}
	return s.shelf.Get(ctx, key)
}

func (s *slow) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.serve(true, key); err != nil {
		return err
	}
	return s.shelf.Set(ctx, key, value, ttl)
}

func (s *slow) Delete(ctx context.Context, key string) error {
	if err := s.serve(true, key); err != nil {
		return err
	}
	return s.shelf.Delete(ctx, key)
}

func (s *slow) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := s.serve(false, key); err != nil {
		return false, err
	}
	return s.shelf.Add(ctx, key, value, ttl)
}

func (s *slow) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if err := s.serve(false, key); err != nil {
		return false, err
	}
	return s.shelf.CompareAndSwap(ctx, key, old, value, ttl)
}

func (s *slow) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	if err := s.serve(false, key); err != nil {
		return false, err
	}
	return s.shelf.CompareAndDelete(ctx, key, old)
}

func (s *slow) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := s.serve(false, keys...); err != nil {
		return nil, err
	}
	items := map[string][]byte{}
	for _, key := range keys {
		if value, found, err := s.shelf.Get(ctx, key); err != nil {
			return nil, err
		} else if found {
			items[key] = value
		}
	}
	return items, nil
}

func (s *slow) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	for key, value := range items {
		if err := s.Set(ctx, key, value, ttl); err != nil {
			return err
		}
	}
	return nil
}

func (s *slow) DeleteMany(ctx context.Context, keys []string) error {
	if err := s.serve(true, keys...); err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.shelf.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// letPass is for bubbles.
func letPass(d time.Duration) { <-time.After(d) }

// policies are those of the tests of trouble: each of what a policy may have, and all of it.
func policies() []cache.Policy {
	const d = time.Hour
	tags := []string{"a", "b"}
	return []cache.Policy{
		{},
		{StaleFor: d},
		{StaleIfError: d},
		{Exclusive: d},
		{Tags: tags},
		{StaleFor: d, Exclusive: d},
		{StaleIfError: d, Exclusive: d},
		{StaleFor: d, Tags: tags},
		{Exclusive: d, Tags: tags},
		{StaleFor: d, StaleIfError: d, NegativeTTL: d, Exclusive: d, Tags: tags},
	}
}

// trouble is a way of a store to be out of order.
type trouble struct {
	name    string
	takes   time.Duration
	answers int
	refuses bool
}

func troubles() []trouble {
	const all = 1e9
	list := []trouble{
		{"each operation takes 0.9 of the timeout", timeout * 9 / 10, all, false},
		{"each operation takes half of the timeout", timeout / 2, all, false},
		{"each operation takes a quarter of the timeout", timeout / 4, all, false},
	}
	for n := range 12 {
		list = append(list,
			trouble{fmt.Sprintf("silent after %d operations", n), 0, n, false},
			trouble{fmt.Sprintf("down after %d operations", n), 0, n, true},
			trouble{fmt.Sprintf("silent after %d operations, each of which takes 0.9 of the timeout", n), timeout * 9 / 10, n, false})
	}
	return list
}

// inTrouble runs a test for each policy, trouble and state of the key "k": nothing there, a value that is not fresh any more, and one whose tags have been invalidated.
func inTrouble(t *testing.T, test func(t *testing.T, s *slow, c *cache.Cache, p cache.Policy, tr trouble)) {
	for _, p := range policies() {
		for _, state := range []string{"cold", "old", "invalidated"} {
			for _, tr := range troubles() {
				p, stored := p, state
				if state == "invalidated" && p.Tags == nil {
					continue
				}
				t.Run(fmt.Sprintf("%+v, %s, %s", p, stored, tr.name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newSlow()
						c := over(t, s)
						defer c.Close()
						if stored != "cold" {
							p := p
							p.TTL = time.Minute
							wantLoaded(t, c, p, "old")
							if stored == "invalidated" {
								if err := c.InvalidateTags(t.Context(), "a"); err != nil {
									t.Fatal(err)
								}
							}
							<-time.After(time.Minute)
						}
						s.set(tr.takes, tr.answers, tr.refuses)
						test(t, s, c, p, tr)
					})
				})
			}
		}
	}
}
