package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// GetMany returns the entries that are there under their keys, each value as [Cache.Get] returns it: on a server in one round trip for
// hundreds. The map is never nil without an error, and nil with one. A key that is invalid, which the error names, fails the call
// before any I/O.
func (c *Cache) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	if c == nil {
		return map[string][]byte{}, nil
	}
	start := c.now()
	items, err := c.getMany(ctx, keys)
	if err != nil {
		items, err = nil, batchError("get many", len(keys), err)
	}
	if c.onEvent != nil {
		missed := slices.ContainsFunc(keys, func(key string) bool { _, ok := items[key]; return !ok })
		c.emit("get many", start, hitOrMiss(!missed), err)
	}
	return items, err
}

func (c *Cache) getMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	ks, err := c.enterMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	items := make(map[string][]byte, len(keys))
	if len(keys) == 0 {
		return items, nil
	}
	all, _, err := c.judgeMany(ctx, ks, nil)
	if err != nil {
		return nil, err
	}
	for i, s := range all {
		if s.standing == fresh {
			items[keys[i]] = s.value
		}
	}
	return items, nil
}

// SetMany stores every value under its key as [Cache.Set] does, all with the lifetime ttl. It is not atomic: after an error some may have
// been stored. One that the store refuses as [ErrTooLarge] does not keep the others from being stored; a key that is invalid, or a value
// of more than [MaxValueLen] bytes, fails the call before any I/O. With [KeepTTL] each entry is set by itself.
func (c *Cache) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	if c == nil {
		return nil
	}
	start := c.now()
	err := batchError("set many", len(items), c.setMany(ctx, items, c.lifetime(ttl)))
	c.emit("set many", start, ResultOK, err)
	return err
}

func (c *Cache) setMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	keys := slices.Collect(maps.Keys(items))
	ks, err := c.enterMany(ctx, keys)
	if err != nil {
		return err
	}
	stored := make(map[string][]byte, len(items))
	for i, k := range ks {
		stored[k] = items[keys[i]]
		if len(stored[k]) > MaxValueLen {
			return fmt.Errorf("%s: %w", quoteKey(keys[i]), tooLarge(stored[k]))
		}
	}
	switch {
	case len(items) == 0:
		return nil
	case c.batcher == nil || ttl == KeepTTL:
		return c.setEach(ctx, stored, ttl)
	}
	return c.flights.writeMany(ctx, ks, func() error {
		if ttl <= 0 {
			return c.deleteEach(ctx, ks)
		}
		for k, value := range stored {
			stored[k] = conceal(value)
		}
		return c.batcher.SetMany(ctx, stored, ttl)
	})
}

// setEach sets one after the other. Those that it does not reach, because the backend failed, are deleted instead: a store remembers that as a failed
// invalidation, as it does with those of a batch.
func (c *Cache) setEach(ctx context.Context, stored map[string][]byte, ttl time.Duration) error {
	left := slices.Collect(maps.Keys(stored))
	var refused error
	for i, k := range left {
		err := c.set(ctx, k, stored[k], ttl)
		if err != nil && !errors.Is(err, ErrTooLarge) {
			if rest := left[i+1:]; len(rest) > 0 && c.batcher != nil {
				ctx := context.WithoutCancel(ctx)
				_ = c.flights.writeMany(ctx, rest, func() error { return c.batcher.DeleteMany(ctx, rest) }) // err says that it went wrong
			}
			return err
		}
		if refused == nil {
			refused = err
		}
	}
	return refused
}

// DeleteMany removes the entries under the keys as [Cache.Delete] does. It is not atomic: after an error some may have been removed.
// A key that is invalid fails the call before any I/O.
func (c *Cache) DeleteMany(ctx context.Context, keys []string) error {
	if c == nil {
		return nil
	}
	start := c.now()
	ks, err := c.enterMany(ctx, keys)
	if err == nil && len(keys) > 0 {
		err = c.flights.writeMany(ctx, ks, func() error { return c.deleteEach(ctx, ks) })
	}
	err = batchError("delete many", len(keys), err)
	c.emit("delete many", start, ResultOK, err)
	return err
}

func (c *Cache) deleteEach(ctx context.Context, ks []string) error {
	if c.batcher != nil {
		return c.batcher.DeleteMany(ctx, ks)
	}
	for _, k := range ks {
		if err := c.store.Delete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}
