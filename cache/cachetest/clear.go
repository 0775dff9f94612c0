package cachetest

import (
	"github.com/larder-go/larder/cache"
)

func clearCases() []testCase {
	return []testCase{
		{name: "Clear removes everything of the store",
			rule: "what was there when it was called is gone when it returns", run: func(k *kit) {
				c := k.cache()
				keys, _ := many(2500) // several pages of any backend
				k.fill(c, keys, "value")
				for name, n := range family(c) {
					k.set(n, "key", name, cache.Forever)
				}
				k.must("Clear", c.Clear(k.ctx()))
				k.spread(keys, func(key string) {
					if found, err := c.Exists(k.ctx(), key); found || err != nil {
						k.fail("Exists(%s) = %t, %v after Clear", key, found, err)
					}
				})
				for _, n := range family(c) {
					k.wantMiss(n, "key")
				}
				k.set(c, "key", "after", cache.DefaultTTL)
				k.want(c, "key", "after")
			}},
		{name: "Clear removes every key of the alphabet",
			rule: "what was there when it was called is gone when it returns", run: func(k *kit) {
				c := k.cache()
				for _, key := range alphabet() {
					k.set(c, key, "value", cache.Forever)
				}
				k.must("Clear", c.Clear(k.ctx()))
				for _, key := range alphabet() {
					k.wantMiss(c, key)
				}
			}},
		{name: "Clear of an empty store is no error", rule: "Clear is idempotent", run: func(k *kit) {
			c := k.cache()
			for range 2 {
				if err := c.Clear(k.ctx()); err != nil {
					k.fail("Clear: %v", err)
				}
			}
		}},
		{name: "Clear leaves what is foreign", needs: needs(needPlant),
			rule: "only what is this store's; never FLUSHDB", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				foreign := []string{"foreign", "cache", "cache2:key", "cach", "Cache:key", "app:cache:key"}
				for _, key := range foreign {
					if err := k.plant(key, []byte("foreign")); err != nil {
						k.Fatalf("Plant(%q): %v", key, err)
					}
				}
				if err := c.Clear(k.ctx()); err != nil {
					k.fail("Clear: %v", err)
				}
				k.wantMiss(c, "key")
				for _, key := range foreign {
					if err := k.plant(key, []byte("again")); err == nil {
						k.fail("Clear removed the foreign key %q", key)
					}
				}
			}},
	}
}
