package cachetest

import (
	"fmt"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

// lifetimes are those that backends round, cut and overflow.
func lifetimes() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		1, time.Microsecond, 999 * time.Microsecond, time.Millisecond, 1_000_001, 1_999_900, 10 * time.Millisecond,
		500 * time.Millisecond, time.Second - 1, time.Second, time.Second + 1, 1500 * time.Millisecond, 1999 * time.Millisecond,
		time.Minute, time.Hour + 1, day, day + 5*time.Second, 14 * day, 31 * day, 365 * day, 400 * day,
	}
}

func lifetimeCases() []testCase {
	return []testCase{
		{name: "an expired entry is absent", needs: needs(needAdvance),
			rule: "an expired entry is absent everywhere", run: func(k *kit) {
				c := k.cache()
				k.set(c, "brief", "value", brief)
				k.set(c, "long", "value", time.Hour)
				k.outlive()
				k.wantMiss(c, "brief")
				k.want(c, "long", "value")
			}},
		{name: "an expired entry can be set again", needs: needs(needAdvance),
			rule: "an expired entry is absent everywhere", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", brief)
				k.outlive()
				k.set(c, "key", "new", time.Hour)
				k.want(c, "key", "new")
			}},
		{name: "an expired entry can be added again", needs: needs(needAdder, needAdvance),
			rule: "an expired entry is absent everywhere: Get, Exists, TTL, Add, Increment", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", brief)
				k.outlive()
				stored, err := c.Add(k.ctx(), "key", []byte("new"), time.Hour)
				k.answer("Add on an expired entry", stored, err, true)
				k.want(c, "key", "new")
			}},
		{name: "lifetimes that end do end", needs: needs(needAdvance),
			rule: "d > 0: that long, rounded up to the next millisecond where the backend counts in them", run: func(k *kit) {
				c := k.cache()
				for _, d := range lifetimes() {
					k.set(c, fmt.Sprint(d), "value", d)
				}
				k.outlive()
				for _, d := range lifetimes() {
					if d <= brief {
						k.wantMiss(c, fmt.Sprint(d))
					}
				}
			}},
		{name: "a lifetime is not cut short",
			rule: "d > 0: that long", run: func(k *kit) {
				for _, d := range lifetimes() {
					if d < brief {
						continue // what is over before one can look
					}
					c := k.cache()
					set := time.Now()
					k.set(c, "key", "value", d)
					_, found, err := c.Get(k.ctx(), "key")
					if err != nil || !found && time.Since(set) < d {
						k.fail("Get = %t, %v, %v after Set for %v; want the entry", found, err, time.Since(set), d)
					}
				}
			}},
		{name: "every operation that stores keeps to the lifetime", needs: needs(needAdvance),
			rule: "d > 0: that long, from a nanosecond to 292 years, whichever operation gives it", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				served := can(s)
				for _, w := range []struct {
					name  string
					needs []need
					store func(key string, ttl time.Duration) error
				}{
					{"Add", needs(needAdder), func(key string, ttl time.Duration) error {
						_, err := c.Add(k.ctx(), key, []byte("1"), ttl)
						return err
					}},
					{"Increment", needs(needIncrementer), func(key string, ttl time.Duration) error {
						_, err := c.Increment(k.ctx(), key, 1, ttl)
						return err
					}},
					{"SetMany", needs(needBatcher), func(key string, ttl time.Duration) error {
						return c.SetMany(k.ctx(), map[string][]byte{key: []byte("1")}, ttl)
					}},
					{"CompareAndSwap", needs(needSwapper), func(key string, ttl time.Duration) error {
						k.set(c, key, "0", time.Hour)
						_, err := c.CompareAndSwap(k.ctx(), key, []byte("0"), []byte("1"), ttl)
						return err
					}},
					{"Touch", needs(needToucher), func(key string, ttl time.Duration) error {
						k.set(c, key, "1", time.Hour)
						_, err := c.Touch(k.ctx(), key, ttl)
						return err
					}},
				} {
					if (testCase{needs: w.needs}).lacks(served) != "" {
						continue
					}
					for _, ttl := range []time.Duration{1, time.Microsecond, time.Hour, 400 * 24 * time.Hour, cache.Forever - 1, cache.Forever} {
						k.must(w.name, w.store(w.name+ttlText(ttl), ttl))
					}
					k.advance(10 * time.Millisecond)
					for _, ttl := range []time.Duration{1, time.Microsecond} {
						k.wantMiss(c, w.name+ttlText(ttl))
					}
					for _, ttl := range []time.Duration{time.Hour, 400 * 24 * time.Hour, cache.Forever - 1, cache.Forever} {
						k.want(c, w.name+ttlText(ttl), "1")
					}
				}
			}},
		{name: "an expired entry can be deleted", needs: needs(needAdvance),
			rule: "an absent one is no error", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", brief)
				k.outlive()
				if err := c.Delete(k.ctx(), "key"); err != nil {
					k.fail("Delete of an expired entry: %v", err)
				}
			}},
		{name: "292 years is a lifetime",
			rule: "d > 0: that long", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.Forever-1)
				k.want(c, "key", "value")
			}},
		{name: "Forever does not expire", needs: needs(needAdvance),
			rule: "cache.Forever: no expiry, said out loud", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.Forever)
				k.outlive()
				k.want(c, "key", "value")
			}},
		{name: "a lifetime of zero or less has expired",
			rule: "any other d <= 0: already expired, so nothing is stored and an existing entry is deleted; zero never means forever", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{0, -1, -time.Millisecond, -5 * time.Second, -math.MaxInt64 + 2, math.MinInt64} {
					k.set(c, "new", "value", d)
					k.wantMiss(c, "new")
					k.set(c, "key", "old", cache.DefaultTTL)
					k.set(c, "key", "value", d)
					k.wantMiss(c, "key")
				}
			}},
		{name: "an old timer does not end a new value", needs: needs(needAdvance),
			rule: "an old timer never kills a new value", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", brief)
				k.set(c, "key", "new", time.Hour)
				k.set(c, "permanent", "old", brief)
				k.set(c, "permanent", "new", cache.Forever)
				k.set(c, "deleted", "old", brief)
				k.must("Delete", c.Delete(k.ctx(), "deleted"))
				k.set(c, "deleted", "new", time.Hour)
				k.outlive()
				k.want(c, "key", "new")
				k.want(c, "permanent", "new")
				k.want(c, "deleted", "new")
			}},
		{name: "overwriting shortens a lifetime too", needs: needs(needAdvance),
			rule: "overwrite replaces value and lifetime", run: func(k *kit) {
				c := k.cache()
				k.set(c, "permanent", "old", cache.Forever)
				k.set(c, "permanent", "new", brief)
				k.set(c, "long", "old", time.Hour)
				k.set(c, "long", "new", brief)
				k.outlive()
				k.wantMiss(c, "permanent")
				k.wantMiss(c, "long")
			}},
	}
}
