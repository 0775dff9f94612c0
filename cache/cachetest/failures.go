package cachetest

import (
	"context"
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
)

func failureCases() []testCase {
	return []testCase{
		{name: "a broken backend gives errors that say what failed", rule: "an error that matches ErrUnavailable or DeadlineExceeded, names the operation and the key once; never found, never a hang", hook: "Break", run: func(k *kit) {
			s := k.config.New(k.T)
			c := k.over(s)
			k.set(c, "key", "value", cache.DefaultTTL)
			restore := k.config.Break()
			defer restore()
			check := func(who string) func(string, error) {
				return func(method string, err error) {
					if !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
						k.fail("%s %s: %v; want ErrUnavailable or DeadlineExceeded", who, method, err)
						return
					}
					if n := strings.Count(err.Error(), strings.ToLower(method)); n != 1 {
						k.fail("%s %s: the error names the operation %d times: %v", who, method, n, err)
					}
					if n := strings.Count(err.Error(), `"key"`); n != 1 && method != "Clear" && method != "Ping" {
						k.fail("%s %s: the error names the key %d times: %v", who, method, n, err)
					}
				}
			}
			every(k.ctx(), s, check("the store's"))
			every(k.ctx(), throughCache{c}, check("the cache's"))
		}},
		{name: "a Delete that failed is made up for", rule: "failed invalidation: a Delete that failed counts as a miss in this process", hook: "Break", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "old", cache.Forever)
			restore := k.config.Break()
			err := c.Delete(k.ctx(), "key")
			restore()
			if err != nil {
				k.wantMiss(c, "key")
			}
		}},
		{name: "a Delete that failed is made up for whatever comes next", adds: true, rule: "before the backend is read, or an atomic runs on it, the key is deleted", hook: "Break", run: func(k *kit) {
			c := k.open()
			k.set(c, "exists", "old", cache.Forever)
			k.set(c, "add", "old", cache.Forever)
			restore := k.config.Break()
			failed := c.Delete(k.ctx(), "exists") != nil && c.Delete(k.ctx(), "add") != nil
			restore()
			if !failed {
				return
			}
			if found, err := c.Exists(k.ctx(), "exists"); err != nil || found {
				k.fail("Exists = %t, %v; want false", found, err)
			}
			if stored, err := c.Add(k.ctx(), "add", []byte("new"), cache.Forever); err != nil || !stored {
				k.fail("Add = %t, %v; want it stored", stored, err)
			}
			k.want(c, "add", "new")
		}},
		{name: "a Set that failed does not leave the old value", rule: "failed invalidation: a Set that failed counts as a miss; the old Set itself is never run again", hook: "Break", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "old", cache.Forever)
			restore := k.config.Break()
			err := c.Set(k.ctx(), "key", []byte("new"), cache.Forever)
			restore()
			if err != nil {
				k.wantMiss(c, "key")
			}
			k.set(c, "key", "newer", cache.Forever)
			k.want(c, "key", "newer")
		}},
		{name: "a Clear that failed is made up for", rule: "failed invalidation: for a Clear: cleared", hook: "Break", run: func(k *kit) {
			c := k.open()
			a, b := c.Namespace("a"), c.Namespace("b")
			for _, key := range alphabet() {
				k.set(a, key, "old", cache.Forever)
				k.set(b, key, "old", cache.Forever)
			}
			restore := k.config.Break()
			err := a.Clear(k.ctx())
			restore()
			if err == nil {
				return
			}
			for _, key := range alphabet() {
				k.wantMiss(a, key)
				k.want(b, key, "old")
			}
			k.set(a, "key", "new", cache.Forever)
			k.want(a, "key", "new")
		}},
	}
}

// throughCache lets the same table drive a cache.
type throughCache struct{ *cache.Cache }

// Clear clears all of the cache.
func (t throughCache) Clear(ctx context.Context, _ string) error { return t.Cache.Clear(ctx) }
