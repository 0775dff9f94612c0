package cachetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

func addCases() []testCase {
	return []testCase{
		{name: "Add stores where nothing is", needs: needs(needAdder),
			rule: "Add stores only where there is no entry", run: func(k *kit) {
				c := k.cache()
				if stored, err := c.Add(k.ctx(), "key", []byte("first"), cache.DefaultTTL); err != nil || !stored {
					k.fail("Add = %t, %v; want true", stored, err)
				}
				k.want(c, "key", "first")
				if stored, err := c.Add(k.ctx(), "key", []byte("second"), cache.DefaultTTL); err != nil || stored {
					k.fail("Add on an entry = %t, %v; want false", stored, err)
				}
				k.want(c, "key", "first")
			}},
		{name: "what was deleted can be added again", needs: needs(needAdder),
			rule: "Add stores where there is no entry", run: func(k *kit) {
				c := k.cache()
				for range 2 {
					stored, err := c.Add(k.ctx(), "key", []byte("value"), time.Hour)
					k.answer("Add", stored, err, true)
					k.must("Delete", c.Delete(k.ctx(), "key"))
				}
				k.set(c, "cleared", "value", time.Hour)
				k.must("Clear", c.Clear(k.ctx()))
				stored, err := c.Add(k.ctx(), "cleared", []byte("value"), time.Hour)
				k.answer("Add after Clear", stored, err, true)
			}},
		{name: "Add gives the entry its lifetime", needs: needs(needAdder, needAdvance),
			rule: "d > 0: that long; Forever: no expiry", run: func(k *kit) {
				c := k.cache()
				for key, ttl := range map[string]time.Duration{"brief": brief, "long": time.Hour, "permanent": cache.Forever} {
					if stored, err := c.Add(k.ctx(), key, []byte("value"), ttl); err != nil || !stored {
						k.fail("Add(%q) = %t, %v; want true", key, stored, err)
					}
				}
				k.outlive()
				k.wantMiss(c, "brief")
				k.want(c, "long", "value")
				k.want(c, "permanent", "value")
			}},
		{name: "Add keeps no reference to the slice", needs: needs(needAdder),
			rule: "Set keeps no reference to the caller's slice, nor does Add", run: func(k *kit) {
				c := k.cache()
				value := []byte("value")
				if _, err := c.Add(k.ctx(), "key", value, cache.DefaultTTL); err != nil {
					k.must("the operation", err)
				}
				copy(value, "XXXXX")
				k.want(c, "key", "value")
			}},
		{name: "an added entry's timer does not end a new value", needs: needs(needAdder, needAdvance),
			rule: "an old timer never kills a new value", run: func(k *kit) {
				c := k.cache()
				if _, err := c.Add(k.ctx(), "key", []byte("old"), brief); err != nil {
					k.must("the operation", err)
				}
				k.set(c, "key", "new", time.Hour)
				k.outlive()
				k.want(c, "key", "new")
			}},
		{name: "an Add that stores nothing renews nothing", needs: needs(needAdder, needAdvance),
			rule: "Add stores only where there is no entry", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", brief)
				if _, err := c.Add(k.ctx(), "key", []byte("new"), time.Hour); err != nil {
					k.must("the operation", err)
				}
				k.outlive()
				// On a machine that was busy for long the Add may have come after the expiry.
				if v, found, err := c.Get(k.ctx(), "key"); err != nil || found && string(v) == "old" {
					k.fail("Get = %q, %t, %v; want the old entry expired", v, found, err)
				}
			}},
		{name: "Add with an expired lifetime only answers", needs: needs(needAdder),
			rule: "atomics with d <= 0: the answer as usual, nothing stored", run: func(k *kit) {
				c := k.cache()
				if stored, err := c.Add(k.ctx(), "key", []byte("value"), 0); err != nil || !stored {
					k.fail("Add of an absent key for 0 = %t, %v; want true", stored, err)
				}
				k.wantMiss(c, "key")
				k.set(c, "key", "old", cache.DefaultTTL)
				if stored, err := c.Add(k.ctx(), "key", []byte("value"), -time.Second); err != nil || stored {
					k.fail("Add on an entry for -1s = %t, %v; want false", stored, err)
				}
				k.want(c, "key", "old")
			}},
		{name: "of many Adds one stores", needs: needs(needAdder),
			rule: "linearizable per key: one winner", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				for round := range 200 {
					var winners atomic.Int64
					var value atomic.Value
					key := fmt.Sprint("key", round)
					k.together(8, func(i int) {
						stored, err := c.Add(ctx, key, []byte(fmt.Sprint(i)), cache.DefaultTTL)
						if err != nil {
							k.fail("Add: %v", err)
						}
						if stored {
							winners.Add(1)
							value.Store(fmt.Sprint(i))
						}
					})
					if n := winners.Load(); n != 1 {
						k.fail("%d of 8 concurrent Adds stored; want 1", n)
						return
					}
					k.want(c, key, value.Load().(string))
				}
			}},
	}
}
