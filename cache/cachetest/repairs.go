package cachetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// repairCases are about writes that failed while the backend was away.
func repairCases() []testCase {
	return []testCase{
		{name: "a Delete that failed is made up for", needs: needs(needBreak),
			rule: "failed invalidation: a Delete that failed counts as a miss in this process", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", cache.Forever)
				restore := k.broken()
				err := c.Delete(k.ctx(), "key")
				k.back(c, restore)
				if err != nil {
					k.wantMiss(c, "key")
				}
			}},
		{name: "a Delete that failed is made up for whatever comes next", needs: needs(needBreak),
			rule: "before the backend is read, or an atomic runs on it, the key is deleted", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				all := slices.DeleteFunc(absences(), func(a absence) bool { return testCase{needs: a.needs}.lacks(can(s)) != "" })
				for _, a := range all {
					k.set(c, a.method, "1", cache.Forever)
				}
				restore := k.broken()
				var failed atomic.Int64
				k.together(len(all), func(i int) {
					if c.Delete(k.ctx(), all[i].method) != nil {
						failed.Add(1)
					}
				})
				k.back(c, restore)
				if int(failed.Load()) < len(all) {
					return // some were deleted at once
				}
				for _, a := range all {
					absent, err := a.seen(k.ctx(), c, a.method)
					k.answer(a.method+" finding nothing after a Delete that failed", absent, err, true)
				}
			}},
		{name: "batches that failed are made up for", needs: needs(needBreak, needBatcher),
			rule: "failed invalidation: a Set or Delete that failed counts as a miss in this process", run: func(k *kit) {
				c := k.cache()
				keys, items := many(50)
				k.must("SetMany", c.SetMany(k.ctx(), items, cache.Forever))
				k.set(c, "other", "value", cache.Forever)
				restore := k.broken()
				set := c.SetMany(k.ctx(), map[string][]byte{"key0": []byte("new"), "key1": []byte("new")}, time.Hour)
				deleted := c.DeleteMany(k.ctx(), keys[2:])
				k.back(c, restore)
				if set == nil || deleted == nil {
					return
				}
				k.wantMiss(c, "key0")
				k.wantMiss(c, "key49")
				k.wantMany(c, keys, nil)
				k.want(c, "other", "value")
			}},
		{name: "a Set that failed does not leave the old value", needs: needs(needBreak),
			rule: "failed invalidation: a Set that failed counts as a miss; the old Set itself is never run again", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", cache.Forever)
				restore := k.broken()
				err := c.Set(k.ctx(), "key", []byte("new"), cache.Forever)
				k.back(c, restore)
				if err != nil {
					k.wantMiss(c, "key")
				}
				k.set(c, "key", "newer", cache.Forever)
				k.want(c, "key", "newer")
			}},
		{name: "a Clear that failed is made up for", needs: needs(needBreak),
			rule: "failed invalidation: for a Clear: cleared", run: func(k *kit) {
				c := k.cache()
				a, b := c.Namespace("a"), c.Namespace("b")
				for _, key := range alphabet() {
					k.set(a, key, "old", cache.Forever)
					k.set(b, key, "old", cache.Forever)
				}
				restore := k.broken()
				err := a.Clear(k.ctx())
				k.back(c, restore)
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

// absence is how a method shows that there is no entry under a key where "1" had been.
type absence struct {
	method string
	needs  []need
	seen   func(ctx context.Context, c *cache.Cache, key string) (bool, error)
}

func absences() []absence {
	not := func(yes bool, err error) (bool, error) { return !yes, err }
	return []absence{
		{method: "Get", seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			_, found, err := c.Get(ctx, key)
			return !found, err
		}},
		{method: "Exists", seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) { return not(c.Exists(ctx, key)) }},
		{method: "GetAppend", needs: needs(needAppender), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			_, found, err := c.GetAppend(ctx, nil, key)
			return !found, err
		}},
		{method: "GetMany", needs: needs(needBatcher), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			got, err := c.GetMany(ctx, []string{key})
			return len(got) == 0, err
		}},
		{method: "Add", needs: needs(needAdder), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			return c.Add(ctx, key, []byte("new"), time.Hour)
		}},
		{method: "Increment", needs: needs(needIncrementer), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			n, err := c.Increment(ctx, key, 1, time.Hour)
			return n == 1, err
		}},
		{method: "CompareAndSwap", needs: needs(needSwapper), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			return not(c.CompareAndSwap(ctx, key, []byte("1"), []byte("2"), time.Hour))
		}},
		{method: "CompareAndDelete", needs: needs(needSwapper), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			return not(c.CompareAndDelete(ctx, key, []byte("1")))
		}},
		{method: "GetAndRenew", needs: needs(needRenewer), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			_, found, err := c.GetAndRenew(ctx, key, time.Hour)
			return !found, err
		}},
		{method: "Touch", needs: needs(needToucher), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			return not(c.Touch(ctx, key, time.Hour))
		}},
		{method: "TTL", needs: needs(needToucher), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			_, found, err := c.TTL(ctx, key)
			return !found, err
		}},
		{method: "Take", needs: needs(needLimiter), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			d, err := c.Take(ctx, key, perDay(1), 1) // an error on the entry that was there
			return d.Allowed, err
		}},
		{method: "Keys", needs: needs(needScanner), seen: func(ctx context.Context, c *cache.Cache, key string) (bool, error) {
			for found, err := range c.Keys(ctx, key) {
				if err != nil || found == key {
					return false, err
				}
			}
			return true, nil
		}},
	}
}
