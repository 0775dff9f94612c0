package cachetest

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// raceCases are about two operations that meet on one key: each is written as several steps in some store or other.
func raceCases() []testCase {
	return []testCase{
		{name: "reading an expired entry does not end a fresh one", needs: needs(needAdvance),
			rule: "linearizable per key: a Get removes nothing that was set after it had looked", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				for round := range 40 {
					if k.Failed() {
						return
					}
					key := fmt.Sprint("key", round)
					k.set(c, key, "old", time.Millisecond)
					k.advance(2 * time.Millisecond)
					k.together(5, func(i int) {
						var err error
						if i == 0 {
							err = c.Set(ctx, key, []byte("new"), time.Hour)
						} else {
							_, _, err = c.Get(ctx, key)
						}
						if err != nil {
							k.fail("an operation on an expired entry: %v", err)
						}
					})
					k.want(c, key, "new")
				}
			}},
		{name: "renewing does not bring an old value back", needs: needs(needRenewer),
			rule: "GetAndRenew is atomic", run: func(k *kit) {
				k.besideWrites("GetAndRenew", func(c *cache.Cache, key string) error {
					_, _, err := c.GetAndRenew(k.ctx(), key, time.Hour)
					return err
				})
			}},
		{name: "renewing does not end a permanent entry", needs: needs(needRenewer, needToucher),
			rule: "GetAndRenew is atomic; a permanent entry stays permanent", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				for round := range 100 {
					if k.Failed() {
						return
					}
					key := fmt.Sprint("key", round)
					k.set(c, key, "old", time.Hour)
					k.together(4, func(i int) {
						var err error
						if i == 0 {
							err = c.Set(ctx, key, []byte("new"), cache.Forever)
						} else {
							_, _, err = c.GetAndRenew(ctx, key, time.Hour)
						}
						if err != nil {
							k.fail("GetAndRenew beside Set: %v", err)
						}
					})
					k.wantTTL(c, key, cache.Forever, time.Now())
				}
			}},
		{name: "touching does not bring an old value back", needs: needs(needToucher),
			rule: "Touch is one atomic step", run: func(k *kit) {
				k.besideWrites("Touch", func(c *cache.Cache, key string) error {
					_, err := c.Touch(k.ctx(), key, time.Hour)
					return err
				})
			}},
		{name: "keeping a lifetime does not keep a deleted entry",
			rule: "KeepTTL on an absent key stores nothing; linearizable per key", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				ctx := k.ctx()
				for round := range 100 {
					if k.Failed() {
						return
					}
					key := fmt.Sprint("key", round)
					k.set(c, key, "old", cache.Forever)
					k.together(4, func(i int) {
						if i == 0 {
							if err := s.Delete(ctx, key); err != nil {
								k.fail("Delete: %v", err)
							}
							return
						}
						_ = s.Set(ctx, key, []byte("new"), cache.KeepTTL) // ErrNotFound after the Delete
					})
					k.wantMiss(c, key)
				}
			}},
	}
}

// besideWrites checks that what changes a lifetime undoes neither a Set nor a Delete that it meets.
func (k *kit) besideWrites(method string, change func(c *cache.Cache, key string) error) {
	c := k.cache()
	ctx := k.ctx()
	for round := range 100 {
		if k.Failed() {
			return
		}
		set, deleted := fmt.Sprint("set", round), fmt.Sprint("deleted", round)
		k.set(c, set, "old", time.Hour)
		k.set(c, deleted, "old", time.Hour)
		k.together(6, func(i int) {
			var err error
			switch i {
			case 0:
				err = c.Set(ctx, set, []byte("new"), time.Hour)
			case 1:
				err = c.Delete(ctx, deleted)
			case 2, 3:
				err = change(c, set)
			default:
				err = change(c, deleted)
			}
			if err != nil {
				k.fail("%s beside others: %v", method, err)
			}
		})
		k.want(c, set, "new")
		k.wantMiss(c, deleted)
	}
}
