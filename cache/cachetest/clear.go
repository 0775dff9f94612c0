package cachetest

import (
	"fmt"

	"github.com/larder-go/larder/cache"
)

func clearCases() []testCase {
	return []testCase{
		{name: "Clear removes everything of the store",
			rule: "what was there when it was called is gone when it returns", run: func(k *kit) {
				c := k.cache()
				const n = 2500 // several pages of any backend
				for i := range n {
					k.set(c, fmt.Sprint("key", i), "value", cache.DefaultTTL)
				}
				for _, key := range alphabet() {
					k.set(c, key, "value", cache.Forever)
				}
				if err := c.Clear(k.ctx()); err != nil {
					k.fail("Clear: %v", err)
				}
				for i := range n {
					if found, err := c.Exists(k.ctx(), fmt.Sprint("key", i)); found || err != nil {
						k.fail("Exists(key%d) = %t, %v after Clear", i, found, err)
					}
				}
				for _, key := range alphabet() {
					k.wantMiss(c, key)
				}
				k.set(c, "key", "after", cache.DefaultTTL)
				k.want(c, "key", "after")
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
