package cachetest

import (
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

func keepCases() []testCase {
	return []testCase{
		{name: "KeepTTL keeps a lifetime", needs: needs(needAdvance),
			rule: "cache.KeepTTL: the one the entry has", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "permanent", "old", cache.Forever)
				k.set(c, "permanent", "new", cache.KeepTTL)
				k.set(c, "brief", "old", brief)
				// Not through the cache: on a busy machine the entry may have gone, and that would store one with the default lifetime.
				if err := s.Set(k.ctx(), "brief", []byte("new"), cache.KeepTTL); err != nil && !errors.Is(err, cache.ErrNotFound) {
					k.fail("Set(KeepTTL): %v", err)
				}
				k.want(c, "permanent", "new")
				k.outlive()
				k.wantMiss(c, "brief")
				k.want(c, "permanent", "new")
			}},
		{name: "KeepTTL does not renew a lifetime", needs: needs(needAdvance),
			rule: "cache.KeepTTL: the one the entry has", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "old", brief)
				k.advance(brief / 2)
				if err := s.Set(k.ctx(), "key", []byte("new"), cache.KeepTTL); err != nil && !errors.Is(err, cache.ErrNotFound) {
					k.fail("Set(KeepTTL) in the middle of a lifetime: %v", err)
				}
				k.advance(brief/2 + 5*time.Millisecond)
				k.wantMiss(c, "key")
			}},
		{name: "KeepTTL replaces the value",
			rule: "cache.KeepTTL: overwrite replaces the value", run: func(k *kit) {
				c := k.cache()
				for _, value := range []string{"old", "a longer new one", ""} {
					k.set(c, "key", "old", time.Hour)
					k.set(c, "key", value, cache.KeepTTL)
					k.want(c, "key", value)
				}
			}},
		{name: "KeepTTL keeps what remains", needs: needs(needToucher),
			rule: "cache.KeepTTL: the one the entry has", run: func(k *kit) {
				c := k.cache()
				for key, ttl := range map[string]time.Duration{"hour": time.Hour, "days": 400 * 24 * time.Hour, "permanent": cache.Forever} {
					set := time.Now()
					k.set(c, key, "old", ttl)
					k.set(c, key, "new", cache.KeepTTL)
					k.wantTTL(c, key, ttl, set)
				}
			}},
		{name: "KeepTTL on an expired entry finds none", needs: needs(needAdvance),
			rule: "an expired entry is absent everywhere; KeepTTL on an absent key gives ErrNotFound", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "old", brief)
				k.outlive()
				if err := s.Set(k.ctx(), "key", []byte("new"), cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
					k.fail("Set(KeepTTL) on an expired entry = %v; want ErrNotFound", err)
				}
				k.wantMiss(c, "key")
			}},
		{name: "KeepTTL is the default where there is no entry", needs: needs(needAdder),
			rule: "cache.KeepTTL: … or the default if there is none", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.KeepTTL)
				k.want(c, "key", "value")
			}},
		{name: "a store asked to keep what is not there says so",
			rule: "KeepTTL on an absent key stores nothing and gives ErrNotFound", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				if err := s.Set(k.ctx(), "key", []byte("value"), cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
					k.fail("Set(KeepTTL) = %v; want ErrNotFound", err)
				}
				k.wantMiss(c, "key")
			}},
	}
}
