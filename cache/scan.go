package cache

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// Keys yields the keys of this namespace that begin with prefix, "" for all, in any order: those of its own, not those of namespaces in
// it. Every entry that is there from the beginning to the end is yielded; one that comes or goes meanwhile may be. On Redis a key may come
// twice. An error is yielded last, with an empty key. The loop's body may use the cache.
//
//	for key, err := range c.Keys(ctx, "user:") {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// It reads the whole store, so it is for tools and tests, not for requests. A nil cache has no keys. A store that is no [Scanner] yields
// [errors.ErrUnsupported].
func (c *Cache) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if c == nil {
			return
		}
		start := c.now()
		err := c.keys(ctx, prefix, func(key string) bool { return yield(key, nil) })
		err = opError("keys", prefix, err)
		c.emit("keys", start, ResultOK, err)
		if err != nil {
			yield("", err)
		}
	}
}

func (c *Cache) keys(ctx context.Context, prefix string, yield func(string) bool) error {
	if len(prefix) > MaxKeyLen {
		return fmt.Errorf("%w: the prefix has %d bytes; allowed: up to %d", ErrInvalidKey, len(prefix), MaxKeyLen)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.scanner == nil {
		return c.unsupported("Scanner")
	}
	stored := c.prefix + prefix
	if strings.HasPrefix(prefix, "@") {
		stored = c.prefix + "@" + prefix
	}
	var ks []string
	for k, err := range c.scanner.Keys(ctx, stored) {
		if err != nil {
			if goOn, _ := c.yieldVisible(ctx, ks, yield); !goOn {
				err = nil // the loop was left
			}
			return err
		}
		if _, own := c.callersKey(k); !own {
			continue
		}
		if ks = append(ks, k); len(ks) < keysAtOnce {
			continue
		}
		if goOn, err := c.yieldVisible(ctx, ks, yield); err != nil || !goOn {
			return err
		}
		ks = ks[:0]
	}
	_, err := c.yieldVisible(ctx, ks, yield)
	return err
}

// keysAtOnce is how many entries Keys reads in one step, to see which are some to callers.
const keysAtOnce = 32

// yieldVisible yields the callers' keys of those of ks under which there is something, until yield says no.
func (c *Cache) yieldVisible(ctx context.Context, ks []string, yield func(string) bool) (goOn bool, err error) {
	all, _, err := c.judgeMany(ctx, ks, nil)
	if err != nil {
		return false, err
	}
	for i, s := range all {
		if s.standing != fresh {
			continue
		}
		if key, _ := c.callersKey(ks[i]); !yield(key) {
			return false, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// callersKey is storeKey backwards. It is false for a key of a namespace in this one.
func (c *Cache) callersKey(k string) (key string, own bool) {
	key = k[len(c.prefix):]
	if strings.HasPrefix(key, "@") {
		key = key[1:]
		return key, strings.HasPrefix(key, "@")
	}
	return key, true
}

// DeleteExpired removes the entries that have expired, of the whole store whatever the namespace, and returns how many this call removed.
// Nobody has to call it: expired entries are absent and their memory comes back by itself. Redis removes them itself, which is a 0.
//
// A nil cache has none. A store that is no [Sweeper] gives [errors.ErrUnsupported].
func (c *Cache) DeleteExpired(ctx context.Context) (int, error) {
	if c == nil {
		return 0, nil
	}
	start := c.now()
	n, err := 0, c.ready(ctx)
	switch {
	case err != nil:
	case c.sweeper == nil:
		err = c.unsupported("Sweeper")
	default:
		n, err = c.sweeper.DeleteExpired(ctx)
	}
	err = opError("delete expired", "", err)
	c.emit("delete expired", start, ResultOK, err)
	return n, err
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
