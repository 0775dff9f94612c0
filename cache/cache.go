package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Cache is a handle on a [Store]: what handlers hold. Handles are cheap, share everything but the namespace, and may be
// used by many goroutines at once. A nil *Cache is valid and caches nothing.
type Cache struct {
	*shared
	prefix string // "@name:" for every level of namespace
	depth  int
	owner  bool // Close closes the store: true only for the handle that New returned
}

// shared is what all handles on one store have in common.
type shared struct {
	capabilities
	store   Store
	ttl     time.Duration
	timeout time.Duration
	onEvent func(Event)
	flights flights

	closed    atomic.Bool
	closeOnce sync.Once
	closeErr  error
}

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// TTL is the default lifetime, what [DefaultTTL] stands for. Zero is five minutes; [Forever] is allowed.
	TTL time.Duration
	// Require are the capabilities without which the program cannot work, as in CanAdd | CanIncrement: a store that can neither do
	// one nor be made to is an error of [New], instead of an [errors.ErrUnsupported] of the first call.
	Require Capability
	// Timeout is how long a load waits for the store beyond the read that missed: to look at tags, to take a lease, and to take the value. So the callers of [GetOrLoad] wait for
	// the source, for one read and for this at most, whatever the store does; where it is over they have their value, and the store may still take it. Zero is 250 ms. Single operations
	// are bounded by the store's own timeout, which this should be equal to; a batch over a store that is no [Batcher] is as many of them.
	Timeout time.Duration
	// OnEvent, where it is not nil, is called after every operation, on the goroutine that called it, and for loads on theirs. It must be fast and
	// safe for concurrent use. It costs two readings of the clock an operation; unset it costs nothing.
	OnEvent func(Event)
}

// New returns a cache over s, which it owns from now on: its Close closes s. A nil o is the default options.
func New(s Store, o *Options) (*Cache, error) {
	if s == nil {
		return nil, errors.New("cache: new: the store is nil")
	}
	if o == nil {
		o = &Options{}
	}
	ttl := o.TTL
	switch {
	case ttl == 0 || ttl == DefaultTTL:
		ttl = defaultTTL
	case ttl < 0:
		return nil, fmt.Errorf("cache: new: %w: default of %v; allowed: more than 0, or Forever", ErrInvalidTTL, ttl)
	}
	timeout := o.Timeout
	if timeout < 0 {
		return nil, fmt.Errorf("cache: new: Options.Timeout is %v; allowed: 0 (%v) or more", timeout, defaultTimeout)
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	can := discover(s)
	if err := can.require(s, o.Require); err != nil {
		return nil, fmt.Errorf("cache: new: %w", err)
	}
	return &Cache{shared: &shared{capabilities: can, store: s, ttl: ttl, timeout: timeout, onEvent: o.OnEvent, flights: flights{writers: writers{seed: maphash.MakeSeed()}}}, owner: true}, nil
}

// Namespace returns a handle on the same store whose keys are its own: nothing stored through it can be named
// through another handle, and the other way round. Clear of c clears its namespaces too, never the reverse.
// Namespaces nest up to 8 deep.
//
// A name has 1 to 64 of the characters A-Z, a-z, 0-9, '_' and '-'. Namespace panics on any other, on a nil cache too, as a
// wrong constant would: names belong into the program, not into its input.
func (c *Cache) Namespace(name string) *Cache {
	if err := checkName(name); err != nil {
		panic("cache: " + err.Error())
	}
	if c == nil {
		return nil
	}
	if c.depth == maxDepth {
		panic(fmt.Sprintf("cache: namespace %q is nested more than %d deep", name, maxDepth))
	}
	return &Cache{shared: c.shared, prefix: c.prefix + "@" + name + ":", depth: c.depth + 1}
}

// borrowed returns a handle like c whose Close does nothing.
func (c *Cache) borrowed() *Cache {
	if c == nil {
		return nil
	}
	b := *c
	b.owner = false
	return &b
}

// Close closes the store if c is the handle that [New] returned; on any other handle, and on a nil one, it does nothing.
// It is idempotent. Afterwards every operation through any handle gives [ErrClosed].
func (c *Cache) Close() error {
	if c == nil || !c.owner {
		return nil
	}
	c.closeOnce.Do(func() {
		c.closed.Store(true)
		c.flights.close()
		c.closeErr = opError("close", "", c.store.Close())
	})
	return c.closeErr
}

// ready tells why no operation may begin: a done context before a closed cache.
func (c *Cache) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.closed.Load() {
		return ErrClosed
	}
	return nil
}

// enter makes the checks that come before every operation on a key and returns the key that the store sees.
func (c *Cache) enter(ctx context.Context, key string) (string, error) {
	if !c.isStoreKey(key) {
		var err error
		if key, err = c.storeKey(key); err != nil {
			return "", err
		}
	}
	if err := ctx.Err(); err != nil {
		return key, err
	}
	if c.closed.Load() {
		return key, ErrClosed
	}
	return key, nil
}

// enterMany is enter for a batch. The error of an invalid key names it.
func (c *Cache) enterMany(ctx context.Context, keys []string) ([]string, error) {
	ks := make([]string, len(keys))
	for i, key := range keys {
		k, err := c.storeKey(key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", quoteKey(key), err)
		}
		ks[i] = k
	}
	return ks, c.ready(ctx)
}
