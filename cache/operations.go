package cache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Get returns the value under key. Absent and expired are found == false with a nil error; an empty value is found and
// not nil. The slice belongs to the caller.
func (c *Cache) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if c == nil {
		return nil, false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		value, found, err = c.store.Get(ctx, k)
	}
	if err != nil {
		// Nothing is reported found beside an error, whatever the store says.
		value, found, err = nil, false, opError("get", key, err)
	}
	c.emit("get", start, hitOrMiss(found), err)
	return value, found, err
}

// Set stores value under key for the lifetime ttl, and replaces what was there with its lifetime. The slice stays the
// caller's. A ttl <= 0 other than [DefaultTTL] and [KeepTTL] has expired already: it deletes the entry.
//
// After an error the old value, the new one or none may be there; a backend that was away never serves the old one to
// this process again. Under a context that is done nothing happens at all: a handler whose client may have left sets and
// deletes with [context.WithoutCancel]. Where [KeepTTL] finds no entry, a store that is no [Adder] gives [errors.ErrUnsupported].
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if c == nil {
		return nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = c.set(ctx, k, value, c.lifetime(ttl))
	}
	err = opError("set", key, err)
	c.emit("set", start, ResultOK, err)
	return err
}

func (c *Cache) set(ctx context.Context, k string, value []byte, ttl time.Duration) error {
	if len(value) > MaxValueLen {
		return tooLarge(value)
	}
	if ttl == KeepTTL {
		return c.setKeep(ctx, k, value)
	}
	if ttl <= 0 {
		return c.store.Delete(ctx, k)
	}
	return c.store.Set(ctx, k, value, ttl)
}

// setKeep keeps the lifetime of the entry, or adds one with the default where there is none. Between the two steps another
// may have added its own, and before the first it may have gone: so it starts over until one of them holds.
func (c *Cache) setKeep(ctx context.Context, k string, value []byte) error {
	for {
		err := c.store.Set(ctx, k, value, KeepTTL)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if c.adder == nil {
			return c.unsupported("Adder")
		}
		stored, err := c.adder.Add(ctx, k, value, c.ttl)
		if err != nil || stored {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Delete removes the entry under key. An absent one is no error. Under a context that is done nothing happens, as with Set.
func (c *Cache) Delete(ctx context.Context, key string) error {
	if c == nil {
		return nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = c.store.Delete(ctx, k)
	}
	err = opError("delete", key, err)
	c.emit("delete", start, ResultOK, err)
	return err
}

// Exists tells whether there is an entry under key. An expired one is not there.
func (c *Cache) Exists(ctx context.Context, key string) (bool, error) {
	if c == nil {
		return false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	found := false
	if err == nil {
		found, err = c.store.Exists(ctx, k)
	}
	if err != nil {
		found, err = false, opError("exists", key, err)
	}
	c.emit("exists", start, hitOrMiss(found), err)
	return found, err
}

// Add stores value under key if there is no entry, in one atomic step, and tells whether it did: of any number of
// concurrent calls exactly one is told that it stored. [KeepTTL] is the default here. With a ttl <= 0 the answer is as usual
// and nothing is stored. On a nil cache Add says stored. A store that cannot add gives [errors.ErrUnsupported].
func (c *Cache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if c == nil {
		return true, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		stored, err = c.add(ctx, k, value, ttl)
	}
	if err != nil {
		stored, err = false, opError("add", key, err)
	}
	result := ResultMiss
	if stored {
		result = ResultOK
	}
	c.emit("add", start, result, err)
	return stored, err
}

func (c *Cache) add(ctx context.Context, k string, value []byte, ttl time.Duration) (bool, error) {
	if len(value) > MaxValueLen {
		return false, tooLarge(value)
	}
	if ttl == DefaultTTL || ttl == KeepTTL {
		ttl = c.ttl
	}
	switch {
	case ttl <= 0:
		found, err := c.store.Exists(ctx, k)
		return !found, err
	case c.adder == nil:
		return false, c.unsupported("Adder")
	}
	return c.adder.Add(ctx, k, value, ttl)
}

// Clear removes every entry of this namespace and of those in it; on the cache that [New] returned, every entry of the
// store. What was there when it was called is gone when it returns nil; what is stored meanwhile may stay.
func (c *Cache) Clear(ctx context.Context) error {
	if c == nil {
		return nil
	}
	start := c.now()
	err := c.ready(ctx)
	if err == nil {
		err = c.store.Clear(ctx, c.prefix)
	}
	err = opError("clear", c.prefix, err)
	c.emit("clear", start, ResultOK, err)
	return err
}

// Ping tells whether the backend serves. A nil cache always does.
func (c *Cache) Ping(ctx context.Context) error {
	if c == nil {
		return nil
	}
	start := c.now()
	err := c.ready(ctx)
	if err == nil {
		err = c.store.Ping(ctx)
	}
	err = opError("ping", "", err)
	c.emit("ping", start, ResultOK, err)
	return err
}

// Stats returns the figures of the store in this process, whatever the namespace. A store that keeps none gives
// [errors.ErrUnsupported]; a nil cache has zeros.
func (c *Cache) Stats(ctx context.Context) (Stats, error) {
	if c == nil {
		return Stats{}, nil
	}
	if err := c.ready(ctx); err != nil {
		return Stats{}, opError("stats", "", err)
	}
	if c.statter == nil {
		return Stats{}, opError("stats", "", c.unsupported("Statter"))
	}
	s, err := c.statter.Stats(ctx)
	return s, opError("stats", "", err)
}

func (c *Cache) unsupported(capability string) error {
	return fmt.Errorf("%w: %T is no cache.%s", errors.ErrUnsupported, c.store, capability)
}

func tooLarge(value []byte) error {
	return fmt.Errorf("%w: it has %d bytes; allowed: up to %d", ErrTooLarge, len(value), MaxValueLen)
}
