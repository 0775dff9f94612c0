package cachetest

import (
	"time"

	"github.com/larder-go/larder/cache"
)

// touches returns a store that a case needs to be a Toucher.
func touches(s cache.Store) cache.Toucher {
	t, _ := s.(cache.Toucher)
	return t
}

func touchCases() []testCase {
	return []testCase{
		{name: "TTL tells what remains", needs: needs(needToucher),
			rule: "TTL: found false: absent; Forever: permanent; else what remains", run: func(k *kit) {
				c := k.cache()
				for _, d := range append(lifetimes(), cache.Forever) {
					if d < time.Second {
						continue // less than a busy machine may take to ask
					}
					set := time.Now()
					k.set(c, "key", "value", d)
					k.wantTTL(c, "key", d, set)
				}
			}},
		{name: "TTL of a brief entry is more than zero", needs: needs(needToucher),
			rule: "TTL: what remains, more than 0", run: func(k *kit) {
				c := k.cache()
				for _, d := range lifetimes() {
					if d >= time.Second {
						break
					}
					k.set(c, "key", "value", d)
					most := d.Truncate(time.Millisecond) + time.Millisecond
					if ttl, found, err := c.TTL(k.ctx(), "key"); err != nil || found && (ttl <= 0 || ttl > most) {
						k.fail("TTL = %v, %t, %v after Set for %v", ttl, found, err, d)
					}
				}
			}},
		{name: "TTL of what is absent or expired finds nothing", needs: needs(needToucher, needAdvance),
			rule: "an expired entry is absent everywhere: TTL", run: func(k *kit) {
				c := k.cache()
				k.set(c, "expired", "value", brief)
				k.outlive()
				for _, key := range []string{"absent", "expired"} {
					if ttl, found, err := c.TTL(k.ctx(), key); err != nil || found || ttl != 0 {
						k.fail("TTL(%q) = %v, %t, %v; want 0, false", key, ttl, found, err)
					}
					// A cache looks before it asks the store.
					if ttl, found, err := touches(k.store(c)).TTL(k.ctx(), key); err != nil || found {
						k.fail("the store's TTL(%q) = %v, %t, %v; want false", key, ttl, found, err)
					}
				}
			}},
		{name: "TTL goes down", needs: needs(needToucher, needAdvance),
			rule: "TTL: what remains", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", time.Hour)
				k.advance(brief)
				if ttl, found, err := c.TTL(k.ctx(), "key"); err != nil || !found || ttl > time.Hour-brief+time.Millisecond {
					k.fail("TTL = %v, %t, %v, %v after Set for an hour", ttl, found, err, brief)
				}
			}},
		{name: "Touch sets the lifetime of any entry", needs: needs(needToucher, needAdvance),
			rule: "Touch sets the lifetime of any entry; Forever makes it permanent", run: func(k *kit) {
				k.promptly(func(brief time.Duration) func() {
					c := k.cache()
					k.set(c, "longer", "value", brief)
					k.set(c, "kept", "value", brief)
					k.set(c, "shorter", "value", time.Hour)
					k.set(c, "mortal", "value", cache.Forever)
					ttls := map[string]time.Duration{"longer": time.Hour, "kept": cache.Forever, "shorter": brief, "mortal": brief}
					answers := map[string]bool{}
					for key, ttl := range ttls {
						found, err := c.Touch(k.ctx(), key, ttl)
						k.must("Touch", err)
						answers[key] = found
					}
					return func() {
						for key, found := range answers {
							k.answer("Touch("+key+")", found, nil, true)
						}
						k.outliveOf(brief)
						k.want(c, "longer", "value")
						k.want(c, "kept", "value")
						k.wantMiss(c, "shorter")
						k.wantMiss(c, "mortal")
					}
				})
			}},
		{name: "Touch sets exactly that lifetime", needs: needs(needToucher),
			rule: "Touch sets the lifetime of any entry", run: func(k *kit) {
				c := k.cache()
				for _, before := range []time.Duration{time.Hour, cache.Forever} {
					for _, d := range append(lifetimes(), cache.Forever) {
						if d < time.Second {
							continue
						}
						k.set(c, "key", "value", before)
						set := time.Now()
						found, err := c.Touch(k.ctx(), "key", d)
						k.answer("Touch", found, err, true)
						k.wantTTL(c, "key", d, set)
						k.want(c, "key", "value")
					}
				}
			}},
		{name: "Touch of what is absent or expired makes nothing", needs: needs(needToucher, needAdvance),
			rule: "Touch tells whether the entry was there", run: func(k *kit) {
				c := k.cache()
				k.set(c, "expired", "value", brief)
				k.outlive()
				for _, key := range []string{"absent", "expired"} {
					for _, ttl := range []time.Duration{time.Hour, cache.Forever, cache.KeepTTL} {
						found, err := c.Touch(k.ctx(), key, ttl)
						k.answer("Touch("+key+")", found, err, false)
						k.wantMiss(c, key)
					}
					// A cache looks before it asks the store.
					found, err := touches(k.store(c)).Touch(k.ctx(), key, time.Hour)
					k.answer("the store's Touch("+key+")", found, err, false)
					k.wantMiss(c, key)
				}
			}},
		{name: "Touch with KeepTTL changes nothing", needs: needs(needToucher),
			rule: "cache.KeepTTL: the one the entry has", run: func(k *kit) {
				c := k.cache()
				for _, ttl := range []time.Duration{time.Hour, cache.Forever} {
					set := time.Now()
					k.set(c, "key", "value", ttl)
					found, err := c.Touch(k.ctx(), "key", cache.KeepTTL)
					k.answer("Touch", found, err, true)
					k.wantTTL(c, "key", ttl, set)
				}
			}},
		{name: "Touch with an expired lifetime deletes", needs: needs(needToucher, needSwapper),
			rule: "any other d <= 0: already expired, so an existing entry is deleted", run: func(k *kit) {
				c := k.cache()
				for _, ttl := range []time.Duration{0, -1, -time.Second} {
					k.set(c, "key", "value", cache.Forever)
					found, err := c.Touch(k.ctx(), "key", ttl)
					k.answer("Touch", found, err, true)
					k.wantMiss(c, "key")
					found, err = c.Touch(k.ctx(), "key", ttl)
					k.answer("Touch of a deleted key", found, err, false)
				}
			}},
	}
}
