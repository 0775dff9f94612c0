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
		if found && err == nil {
			value, found, err = c.reveal(ctx, value)
		}
	}
	if err != nil {
		// Nothing is reported found beside an error, whatever the store says.
		value, found, err = nil, false, opError("get", key, err)
	}
	c.emit("get", start, hitOrMiss(found), err)
	return value, found, err
}

// GetAppend is [Cache.Get] into the caller's memory: it appends the value under key to dst and returns the extended slice, without
// allocating where dst has room and the backend allows. On a miss and on an error it returns dst unchanged.
func (c *Cache) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	if c == nil {
		return dst, false, nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	value = dst
	switch {
	case err != nil:
	case c.appender != nil:
		value, found, err = c.appender.GetAppend(ctx, dst, k)
	default:
		var stored []byte
		stored, found, err = c.store.Get(ctx, k)
		value = append(dst, stored...)
	}
	if found && err == nil && isFramed(value[len(dst):]) {
		var own []byte
		own, found, err = c.reveal(ctx, value[len(dst):])
		value = append(value[:len(dst)], own...) // to the front, where it overlaps
	}
	if err != nil {
		found, err = false, opError("get", key, err)
	}
	switch {
	case !found:
		value = dst
	case value == nil: // an empty value appended to nil
		value = []byte{}
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
	return c.flights.write(ctx, k, func() error {
		switch {
		case ttl == KeepTTL:
			return c.setKeep(ctx, k, conceal(value))
		case ttl <= 0:
			return c.store.Delete(ctx, k)
		}
		return c.store.Set(ctx, k, conceal(value), ttl)
	})
}

// setKeep keeps the lifetime of the entry, or adds one with the default where there is none. Between the two steps another
// may have added its own, and before the first it may have gone: so it starts over until one of them holds.
func (c *Cache) setKeep(ctx context.Context, k string, value []byte) error {
	for range maxTries {
		s, err := c.look(ctx, k)
		done := false
		switch {
		case err != nil:
		case s.isSpecial(): // its lifetime is not what the store would keep
			done, err = c.swapOver(ctx, k, &s, value, s.left(c))
		case s.raw != nil:
			if err = c.store.Set(ctx, k, value, KeepTTL); !errors.Is(err, ErrNotFound) {
				return err
			}
			err = nil // it has gone meanwhile
		case c.adder == nil:
			return c.unsupported("Adder")
		default: // not Set, which would take over the lifetime of a lease that came meanwhile
			done, err = c.adder.Add(ctx, k, value, c.ttl)
		}
		if err != nil {
			return c.failed(ctx, k, err)
		}
		if done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errContended()
}

// failed returns the error of a Set that did not come to the store's Set. What was there must not come back if it was trouble: a store remembers a Delete that fails.
func (c *Cache) failed(ctx context.Context, k string, err error) error {
	if !errors.Is(err, ErrTooLarge) && !errors.Is(err, errors.ErrUnsupported) {
		_ = c.store.Delete(context.WithoutCancel(ctx), k) // err says that it went wrong
	}
	return err
}

// Delete removes the entry under key. An absent one is no error. Under a context that is done nothing happens, as with Set.
func (c *Cache) Delete(ctx context.Context, key string) error {
	if c == nil {
		return nil
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = c.flights.write(ctx, k, func() error { return c.store.Delete(ctx, k) })
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
		found, err = c.exists(ctx, k)
	}
	if err != nil {
		found, err = false, opError("exists", key, err)
	}
	c.emit("exists", start, hitOrMiss(found), err)
	return found, err
}

// exists reads the entry: the store would also tell of one that is nothing to callers.
func (c *Cache) exists(ctx context.Context, k string) (bool, error) {
	s, err := c.look(ctx, k)
	return s.standing == fresh, err
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
		err = c.flights.writeAll(ctx, c.below, func() error { return c.store.Clear(ctx, c.prefix) })
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

func tooLarge(value []byte) error {
	return fmt.Errorf("%w: it has %d bytes; allowed: up to %d", ErrTooLarge, len(value), MaxValueLen)
}
