package cachetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

func renewCases() []testCase {
	return []testCase{
		{name: "GetAndRenew reads", needs: needs(needRenewer),
			rule: "GetAndRenew is Get", run: func(k *kit) {
				c := k.cache()
				for key, value := range map[string]string{"key": "value", "empty": "", "binary": "\x00\r\n\xff"} {
					k.set(c, key, value, cache.DefaultTTL)
					got, found, err := c.GetAndRenew(k.ctx(), key, time.Hour)
					if err != nil || !found || got == nil || string(got) != value {
						k.fail("GetAndRenew(%q) = %q, %t, %v; want %q", key, got, found, err, value)
						continue
					}
					for i := range got {
						got[i] = 'X'
					}
					k.want(c, key, value)
				}
				if got, found, err := c.GetAndRenew(k.ctx(), "absent", time.Hour); err != nil || found || got != nil {
					k.fail("GetAndRenew of an absent key = %q, %t, %v; want nil, false", got, found, err)
				}
				k.wantMiss(c, "absent")
			}},
		{name: "GetAndRenew renews a lifetime", needs: needs(needRenewer, needAdvance),
			rule: "GetAndRenew renews an entry that has a lifetime", run: func(k *kit) {
				k.promptly(func(brief time.Duration) func() {
					c := k.cache()
					k.set(c, "key", "value", brief)
					_, found, err := c.GetAndRenew(k.ctx(), "key", time.Hour)
					return func() {
						k.answer("GetAndRenew", found, err, true)
						k.outliveOf(brief)
						k.want(c, "key", "value")
					}
				})
			}},
		{name: "GetAndRenew shortens a lifetime too", needs: needs(needRenewer, needAdvance),
			rule: "GetAndRenew sets the lifetime", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", time.Hour)
				_, found, err := c.GetAndRenew(k.ctx(), "key", brief)
				k.answer("GetAndRenew", found, err, true)
				k.outlive()
				k.wantMiss(c, "key")
			}},
		{name: "GetAndRenew renews in the last millisecond", needs: needs(needRenewer, needAdvance),
			rule: "GetAndRenew renews also in the entry's last millisecond", run: func(k *kit) {
				c := k.cache()
				var found []string
				for i := range 200 {
					key := fmt.Sprint("key", i)
					k.set(c, key, "value", time.Duration(1+i%4)*time.Millisecond)
					_, ok, err := c.GetAndRenew(k.ctx(), key, time.Hour)
					k.must("GetAndRenew", err)
					if ok {
						found = append(found, key)
					}
				}
				k.advance(10 * time.Millisecond)
				for _, key := range found {
					k.want(c, key, "value")
				}
			}},
		{name: "GetAndRenew sets exactly that lifetime", needs: needs(needRenewer, needToucher),
			rule: "GetAndRenew: 1 ms to 400 days", run: func(k *kit) {
				c := k.cache()
				for _, d := range lifetimes() {
					if d < 500*time.Millisecond {
						continue
					}
					k.set(c, "key", "value", time.Hour)
					set := time.Now()
					_, found, err := c.GetAndRenew(k.ctx(), "key", d)
					k.answer("GetAndRenew", found, err, true)
					if _, there, err := c.Get(k.ctx(), "key"); err == nil && !there && time.Since(set) > d {
						continue // a machine so busy that the entry is gone
					}
					k.wantTTL(c, "key", d, set)
				}
			}},
		{name: "GetAndRenew leaves a permanent entry permanent", needs: needs(needRenewer, needAdvance),
			rule: "a permanent entry stays permanent", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.Forever)
				_, found, err := c.GetAndRenew(k.ctx(), "key", brief)
				k.answer("GetAndRenew", found, err, true)
				k.outlive()
				k.want(c, "key", "value")
			}},
		{name: "GetAndRenew of an expired entry finds nothing", needs: needs(needRenewer, needAdvance),
			rule: "an expired entry is absent everywhere", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", brief)
				k.outlive()
				_, found, err := c.GetAndRenew(k.ctx(), "key", time.Hour)
				k.answer("GetAndRenew", found, err, false)
				k.wantMiss(c, "key")
			}},
		{name: "GetAndRenew takes only lifetimes", needs: needs(needRenewer, needAdvance),
			rule: "1 ms to 400 days, else ErrInvalidTTL and nothing changes; KeepTTL and Forever are not lifetimes here", run: func(k *kit) {
				c := k.cache()
				const day = 24 * time.Hour
				for _, d := range []time.Duration{0, -1, 1, time.Millisecond - 1, 400*day + 1, cache.Forever, cache.KeepTTL, -time.Hour} {
					k.set(c, "key", "value", time.Hour)
					if got, found, err := c.GetAndRenew(k.ctx(), "key", d); !errors.Is(err, cache.ErrInvalidTTL) || found || got != nil {
						k.fail("GetAndRenew for %v = %q, %t, %v; want ErrInvalidTTL", d, got, found, err)
					}
					k.want(c, "key", "value")
				}
				for _, d := range []time.Duration{time.Millisecond, 400 * day, cache.DefaultTTL} {
					k.set(c, "key", "value", time.Hour)
					_, found, err := c.GetAndRenew(k.ctx(), "key", d)
					k.answer(fmt.Sprintf("GetAndRenew for %v", d), found, err, true)
				}
			}},
	}
}
