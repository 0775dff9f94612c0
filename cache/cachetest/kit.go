package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// tester is what a case reports to: the *testing.T of Run, or the record of Check.
type tester interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
}

// hooks are those of a Config, for one case.
type hooks struct {
	open    func() cache.Store
	reopen  func() cache.Store
	advance func(d time.Duration)
	broken  func() (restore func())
	plant   func(key string, value []byte) error
}

// kit is what a case works with. Its failures carry the rule that the case checks.
type kit struct {
	tester
	hooks
	rule string

	mu     sync.Mutex
	stores map[*cache.Cache]cache.Store
}

func (k *kit) fail(format string, args ...any) {
	k.Helper()
	k.Errorf("%s\n\tthe rule: %s", fmt.Sprintf(format, args...), k.rule)
}

// must ends the case if err is not nil.
func (k *kit) must(what string, err error) {
	k.Helper()
	if err != nil {
		k.Fatalf("%s: %v\n\tthe rule: %s", what, err, k.rule)
	}
}

// limit bounds what a case does, so that a store which hangs fails it.
const limit = 30 * time.Second

func (k *kit) ctx() context.Context {
	ctx, cancel := context.WithTimeout(k.Context(), limit)
	k.Cleanup(cancel)
	return ctx
}

// cache returns a cache over a new store and closes it when the case ends.
func (k *kit) cache() *cache.Cache {
	k.Helper()
	return k.over(k.open())
}

func (k *kit) over(s cache.Store) *cache.Cache {
	k.Helper()
	c, err := cache.New(s, nil)
	k.must("cache.New", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stores == nil {
		k.stores = make(map[*cache.Cache]cache.Store)
	}
	k.stores[c] = s
	k.Cleanup(func() {
		if err := c.Close(); err != nil {
			k.fail("Close: %v", err)
		}
	})
	return c
}

func (k *kit) set(c *cache.Cache, key, value string, ttl time.Duration) {
	k.Helper()
	if err := c.Set(k.ctx(), key, []byte(value), ttl); err != nil {
		k.Fatalf("Set(%.40q, %.40q, %s): %v\n\tthe rule: %s", key, value, ttlText(ttl), err, k.rule)
	}
}

// back restores the backend, and waits until the store answers: one may keep calls from a backend that was away, for a moment longer.
func (k *kit) back(c *cache.Cache, restore func()) {
	k.Helper()
	restore()
	ctx := k.ctx()
	for err := c.Ping(ctx); err != nil; err = c.Ping(ctx) {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			k.Fatalf("Ping of a backend that is back: %v\n\tthe rule: %s", err, k.rule)
		}
	}
}

// fill sets every key to value, several at a time: a store may be slow.
func (k *kit) fill(c *cache.Cache, keys []string, value string) {
	k.Helper()
	k.spread(keys, func(key string) {
		if err := c.Set(k.ctx(), key, []byte(value), cache.DefaultTTL); err != nil {
			k.fail("Set(%.40q): %v", key, err)
		}
	})
	if k.Failed() {
		k.Fatalf("the case cannot go on")
	}
}

// spread calls f for every key, several at a time, until one fails.
func (k *kit) spread(keys []string, f func(key string)) {
	const workers = 16
	k.together(workers, func(i int) {
		for n := i; n < len(keys) && !k.Failed(); n += workers {
			f(keys[n])
		}
	})
}

// ttlText names the special lifetimes, whose numbers say nothing.
func ttlText(d time.Duration) string {
	switch d {
	case cache.DefaultTTL:
		return "DefaultTTL"
	case cache.KeepTTL:
		return "KeepTTL"
	case cache.Forever:
		return "Forever"
	}
	return d.String()
}

// want checks that Get and Exists find value under key.
func (k *kit) want(c *cache.Cache, key, value string) {
	k.Helper()
	got, found, err := c.Get(k.ctx(), key)
	switch {
	case err != nil:
		k.fail("Get(%.40q): %v; want %.40q", key, err, value)
	case !found:
		k.fail("Get(%.40q): not found; want %.40q", key, value)
	case got == nil:
		k.fail("Get(%.40q): found, and the value is nil; want %.40q", key, value)
	case !bytes.Equal(got, []byte(value)):
		k.fail("Get(%.40q) = %.40q; want %.40q", key, got, value)
	}
	k.exists(c, key, true)
}

// wantMiss checks that Get and Exists find nothing under key.
func (k *kit) wantMiss(c *cache.Cache, key string) {
	k.Helper()
	if got, found, err := c.Get(k.ctx(), key); err != nil || found || got != nil {
		k.fail("Get(%.40q) = %.40q, %t, %v; want nil, false, nil", key, got, found, err)
	}
	k.exists(c, key, false)
}

// exists checks what Exists of the cache says and, where it is not a namespace, what the store says, which a cache need not ask.
func (k *kit) exists(c *cache.Cache, key string, want bool) {
	k.Helper()
	if ok, err := c.Exists(k.ctx(), key); err != nil || ok != want {
		k.fail("Exists(%.40q) = %t, %v; want %t", key, ok, err, want)
	}
	if s := k.store(c); s != nil && key != "" && key[0] != '@' {
		if ok, err := s.Exists(k.ctx(), key); err != nil || ok != want {
			k.fail("the store's Exists(%.40q) = %t, %v; want %t", key, ok, err, want)
		}
	}
}

// store returns the store of a cache that over made, or nil for a namespace.
func (k *kit) store(c *cache.Cache) cache.Store {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stores[c]
}

// answer checks the answer of an operation that says yes or no.
func (k *kit) answer(what string, got bool, err error, want bool) {
	k.Helper()
	if err != nil || got != want {
		k.fail("%s = %t, %v; want %t", what, got, err, want)
	}
}

// wantTTL checks that what remains under key is ttl, less what has passed since the lifetime was set.
func (k *kit) wantTTL(c *cache.Cache, key string, ttl time.Duration, set time.Time) {
	k.Helper()
	got, found, err := c.TTL(k.ctx(), key)
	if err != nil || !found {
		k.fail("TTL(%.40q) = %v, %t, %v; want %v", key, got, found, err, ttl)
		return
	}
	most := ttl
	if rest := ttl % time.Millisecond; rest != 0 && ttl != cache.Forever {
		most += time.Millisecond - rest // the backend may count in them
	}
	// A backend that counts in milliseconds may cut those of both of its readings of the clock.
	least := ttl - time.Since(set) - 2*time.Millisecond
	if ttl == cache.Forever {
		least = ttl
	}
	if got > most || got < least || got <= 0 {
		k.fail("TTL(%.40q) = %v; want %v, less the %v that have passed", key, got, ttl, time.Since(set))
	}
}

// brief is a lifetime that advance can wait for.
const brief = 40 * time.Millisecond

// outlive waits until a brief lifetime is over on any backend: one that counts in milliseconds rounds up.
func (k *kit) outlive() { k.outliveOf(brief) }

// outliveOf is outlive for another lifetime, in steps that Advance allows.
func (k *kit) outliveOf(d time.Duration) {
	for d += 5 * time.Millisecond; d > 0; d -= 80 * time.Millisecond {
		k.advance(min(d, 80*time.Millisecond))
	}
}

// promptly takes steps that have to be done well within a lifetime that is over soon. Where the store or the machine is too slow for that they are taken
// again, with a longer one: they begin from scratch each time, and return a check that is made if they were in time.
func (k *kit) promptly(steps func(brief time.Duration) (check func())) {
	k.Helper()
	for try := range 40 {
		lifetime := brief << (try / 6)
		begun := time.Now()
		if check := steps(lifetime); time.Since(begun) < lifetime/2 {
			check()
			return
		}
	}
	k.fail("a few operations took more than a second, again and again: too slow for this case")
}

// together runs f on n goroutines that start at once, and waits for them. A panic in one is a failure of the case.
func (k *kit) together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					k.fail("the store panicked: %v\n%s", p, debug.Stack())
				}
			}()
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}
