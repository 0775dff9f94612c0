package cachetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// two returns two caches over the same data, as two processes have them.
func (k *kit) two() [2]*cache.Cache {
	k.Helper()
	return [2]*cache.Cache{k.cache(), k.over(k.reopen())}
}

// processCases are about several stores over the same data.
func processCases() []testCase {
	return []testCase{
		{name: "a second store sees the entries", needs: needs(needReopen),
			rule: "entries belong to the backend, not to one process", run: func(k *kit) {
				c := k.two()
				k.set(c[0], "key", "value", cache.Forever)
				k.want(c[1], "key", "value")
				k.must("Delete", c[1].Delete(k.ctx(), "key"))
				k.wantMiss(c[0], "key")
				k.set(c[1].Namespace("a"), "key", "of a", cache.Forever)
				k.want(c[0].Namespace("a"), "key", "of a")
				k.set(c[0], "key", "new", cache.Forever)
				k.must("Clear", c[1].Clear(k.ctx()))
				k.wantMiss(c[0], "key")
				k.wantMiss(c[0].Namespace("a"), "key")
			}},
		{name: "a second store sees lifetimes", needs: needs(needReopen, needToucher),
			rule: "entries belong to the backend, with their lifetimes", run: func(k *kit) {
				c := k.two()
				for _, d := range []time.Duration{time.Hour, cache.Forever} {
					set := time.Now()
					k.set(c[0], "key", "value", d)
					k.wantTTL(c[1], "key", d, set)
				}
			}},
		{name: "of many Adds of several stores one stores", needs: needs(needReopen, needAdder),
			rule: "linearizable per key: one winner", run: func(k *kit) {
				c := k.two()
				ctx := k.ctx()
				for round := range 50 {
					var winners atomic.Int64
					k.together(8, func(i int) {
						stored, err := c[i%2].Add(ctx, fmt.Sprint("key", round), []byte(fmt.Sprint(i)), time.Hour)
						if err != nil {
							k.fail("Add: %v", err)
						}
						if stored {
							winners.Add(1)
						}
					})
					if n := winners.Load(); n != 1 {
						k.fail("%d of 8 concurrent Adds stored; want 1", n)
						return
					}
				}
			}},
		{name: "no increment of several stores is lost", needs: needs(needReopen, needIncrementer),
			rule: "Increment is one atomic step", run: func(k *kit) {
				c := k.two()
				ctx := k.ctx()
				k.together(8, func(i int) {
					for range 50 {
						if _, err := c[i%2].Increment(ctx, "key", 1, time.Hour); err != nil {
							k.fail("Increment: %v", err)
							return
						}
					}
				})
				k.want(c[0], "key", "400")
			}},
		{name: "many stores take no more than there is", needs: needs(needReopen, needLimiter),
			rule: "exact across processes", run: func(k *kit) {
				c := k.two()
				ctx := k.ctx()
				var passed atomic.Int64
				k.together(8, func(i int) {
					for range 25 {
						d, err := c[i%2].Take(ctx, "key", perDay(100), 1)
						if err != nil {
							k.fail("Take: %v", err)
							return
						}
						if d.Allowed {
							passed.Add(1)
						}
					}
				})
				if n := passed.Load(); n != 100 {
					k.fail("%d of 200 passed a limit of 100 a day; want 100", n)
				}
			}},
	}
}
