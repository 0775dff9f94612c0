package cachetest

import (
	"errors"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

func lifetimeCases() []testCase {
	return []testCase{
		{name: "an expired entry is absent", rule: "an expired entry is absent everywhere", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "brief", "value", brief)
			k.set(c, "long", "value", time.Hour)
			k.outlive()
			k.wantMiss(c, "brief")
			k.want(c, "long", "value")
		}},
		{name: "an expired entry can be added again", adds: true, rule: "an expired entry is absent everywhere: Get, Exists, TTL, Add, Increment", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "old", brief)
			k.outlive()
			if stored, err := c.Add(k.ctx(), "key", []byte("new"), time.Hour); err != nil || !stored {
				k.fail("Add = %t, %v; want true", stored, err)
			}
			k.want(c, "key", "new")
		}},
		{name: "a nanosecond is a lifetime", rule: "d > 0: that long, rounded up to the next millisecond where the backend counts in them", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "value", 1)
			k.config.Advance(5 * time.Millisecond)
			k.wantMiss(c, "key")
		}},
		{name: "400 days is a lifetime", rule: "d > 0: that long", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "value", 400*24*time.Hour)
			k.want(c, "key", "value")
		}},
		{name: "292 years is a lifetime", rule: "d > 0: that long", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "value", cache.Forever-1)
			k.want(c, "key", "value")
		}},
		{name: "Forever does not expire", rule: "cache.Forever: no expiry, said out loud", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "value", cache.Forever)
			k.outlive()
			k.want(c, "key", "value")
		}},
		{name: "a lifetime of zero or less has expired", rule: "any other d <= 0: already expired, so nothing is stored and an existing entry is deleted; zero never means forever", run: func(k *kit) {
			c := k.open()
			for _, d := range []time.Duration{0, -1, -time.Millisecond, -5 * time.Second, -math.MaxInt64 + 2, math.MinInt64} {
				k.set(c, "new", "value", d)
				k.wantMiss(c, "new")
				k.set(c, "key", "old", cache.DefaultTTL)
				k.set(c, "key", "value", d)
				k.wantMiss(c, "key")
			}
		}},
		{name: "an old timer does not end a new value", rule: "an old timer never kills a new value", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "old", brief)
			k.set(c, "key", "new", time.Hour)
			k.set(c, "permanent", "old", brief)
			k.set(c, "permanent", "new", cache.Forever)
			k.outlive()
			k.want(c, "key", "new")
			k.want(c, "permanent", "new")
		}},
		{name: "overwriting shortens a lifetime too", rule: "overwrite replaces value and lifetime", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "old", cache.Forever)
			k.set(c, "key", "new", brief)
			k.outlive()
			k.wantMiss(c, "key")
		}},
		{name: "KeepTTL keeps a lifetime", rule: "cache.KeepTTL: the one the entry has", hook: "Advance", run: func(k *kit) {
			c := k.open()
			k.set(c, "brief", "old", brief)
			k.set(c, "permanent", "old", cache.Forever)
			k.set(c, "brief", "new", cache.KeepTTL)
			k.set(c, "permanent", "new", cache.KeepTTL)
			k.want(c, "permanent", "new")
			k.outlive()
			k.wantMiss(c, "brief")
			k.want(c, "permanent", "new")
		}},
		{name: "KeepTTL does not renew a lifetime", rule: "cache.KeepTTL: the one the entry has", hook: "Advance", run: func(k *kit) {
			s := k.config.New(k.T)
			c := k.over(s)
			k.set(c, "key", "old", brief)
			k.config.Advance(brief / 2)
			if err := s.Set(k.ctx(), "key", []byte("new"), cache.KeepTTL); err != nil && !errors.Is(err, cache.ErrNotFound) {
				k.fail("Set(KeepTTL) in the middle of a lifetime: %v", err)
			}
			k.config.Advance(brief/2 + 5*time.Millisecond)
			k.wantMiss(c, "key")
		}},
		{name: "KeepTTL on an expired entry finds none", adds: true, rule: "an expired entry is absent everywhere; KeepTTL on an absent key gives ErrNotFound", hook: "Advance", run: func(k *kit) {
			s := k.config.New(k.T)
			c := k.over(s)
			k.set(c, "key", "old", brief)
			k.outlive()
			if err := s.Set(k.ctx(), "key", []byte("new"), cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
				k.fail("Set(KeepTTL) on an expired entry = %v; want ErrNotFound", err)
			}
			k.set(c, "key", "new", cache.KeepTTL)
			k.want(c, "key", "new")
		}},
		{name: "KeepTTL is the default where there is no entry", adds: true, rule: "cache.KeepTTL: … or the default if there is none", run: func(k *kit) {
			c := k.open()
			k.set(c, "key", "value", cache.KeepTTL)
			k.want(c, "key", "value")
		}},
		{name: "a store asked to keep what is not there says so", rule: "KeepTTL on an absent key stores nothing and gives ErrNotFound", run: func(k *kit) {
			s := k.config.New(k.T)
			c := k.over(s)
			if err := s.Set(k.ctx(), "key", []byte("value"), cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
				k.fail("Set(KeepTTL) = %v; want ErrNotFound", err)
			}
			k.wantMiss(c, "key")
		}},
	}
}
