package cachetest

import (
	"time"

	"github.com/larder-go/larder/cache"
)

// wantLeft checks that what is left under key is a loaded value's lifetime, which is up to 5 % shorter than the policy says.
func (k *kit) wantLeft(c *cache.Cache, key string, ttl time.Duration, since time.Time) {
	k.Helper()
	if k.store(c) != nil && !is[cache.Toucher](k.store(c)) {
		return
	}
	got, found, err := c.TTL(k.ctx(), key)
	if least := ttl - ttl/20 - time.Since(since) - 2*time.Millisecond; err != nil || !found || got < least || got > ttl {
		k.fail("TTL(%.40q) = %v, %t, %v; want %v to %v", key, got, found, err, least, ttl)
	}
}

// view is how a method shows that there is an entry whose value is "41".
type view struct {
	method string
	needs  []need
	check  func(k *kit, c *cache.Cache, key string, loaded time.Time)
}

func views() []view {
	swapped := func(k *kit, c *cache.Cache, key string, ttl time.Duration) {
		ok, err := c.CompareAndSwap(k.ctx(), key, []byte("42"), []byte("43"), ttl)
		k.answer("CompareAndSwap of another value", ok, err, false)
		k.want(c, key, "41")
		ok, err = c.CompareAndSwap(k.ctx(), key, []byte("41"), []byte("43"), ttl)
		k.answer("CompareAndSwap of the loaded value", ok, err, true)
		k.want(c, key, "43")
		k.wantLoaded(c, key, "43")
	}
	return []view{
		{method: "Get", check: func(k *kit, c *cache.Cache, key string, _ time.Time) { k.want(c, key, "41") }},
		{method: "GetAppend", check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			for _, dst := range [][]byte{nil, {}, []byte("before"), append(make([]byte, 0, 500), "before"...), append(make([]byte, 0, 9), "before"...)} {
				got, found, err := c.GetAppend(k.ctx(), dst, key)
				if err != nil || !found || string(got) != string(dst)+"41" {
					k.fail("GetAppend to %q = %q, %t, %v; want 41 behind it", dst, got, found, err)
				}
			}
		}},
		{method: "GetMany", check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			k.wantMany(c, []string{key, "absent"}, map[string][]byte{key: []byte("41")})
		}},
		{method: "TTL", check: func(k *kit, c *cache.Cache, key string, loaded time.Time) { k.wantLeft(c, key, time.Hour, loaded) }},
		{method: "Keys", needs: needs(needScanner), check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			n := 0
			for found, err := range c.Keys(k.ctx(), key) {
				if n++; err != nil || found != key {
					k.fail("Keys yields %q, %v; want %q", found, err, key)
				}
			}
			if n == 0 {
				k.fail("Keys does not yield %q", key)
			}
		}},
		{method: "Add", check: func(k *kit, c *cache.Cache, key string, loaded time.Time) {
			for _, ttl := range []time.Duration{2 * time.Hour, 0} {
				stored, err := c.Add(k.ctx(), key, []byte("new"), ttl)
				k.answer("Add on a loaded value", stored, err, false)
			}
			k.want(c, key, "41")
			k.wantLeft(c, key, time.Hour, loaded)
		}},
		{method: "Increment", check: func(k *kit, c *cache.Cache, key string, loaded time.Time) {
			for i, delta := range []int64{1, -2} {
				want := []int64{42, 40}[i]
				if n, err := c.Increment(k.ctx(), key, delta, 2*time.Hour); err != nil || n != want {
					k.fail("Increment of a loaded number by %d = %d, %v; want %d", delta, n, err, want)
				}
			}
			k.want(c, key, "40")
			k.wantLeft(c, key, time.Hour, loaded)
		}},
		{method: "CompareAndSwap", check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			set := time.Now()
			swapped(k, c, key, 2*time.Hour)
			k.wantLeft(c, key, 2*time.Hour, set)
		}},
		{method: "CompareAndSwap that keeps the lifetime", check: func(k *kit, c *cache.Cache, key string, loaded time.Time) {
			swapped(k, c, key, cache.KeepTTL)
			k.wantLeft(c, key, time.Hour, loaded)
		}},
		{method: "CompareAndDelete", check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			deleted, err := c.CompareAndDelete(k.ctx(), key, []byte("42"))
			k.answer("CompareAndDelete of another value", deleted, err, false)
			deleted, err = c.CompareAndDelete(k.ctx(), key, []byte("41"))
			k.answer("CompareAndDelete of the loaded value", deleted, err, true)
			k.wantMiss(c, key)
		}},
		{method: "Set that keeps the lifetime", check: func(k *kit, c *cache.Cache, key string, loaded time.Time) {
			k.set(c, key, "new", cache.KeepTTL)
			k.want(c, key, "new")
			k.wantLeft(c, key, time.Hour, loaded)
		}},
		{method: "Touch", needs: needs(needToucher), check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			for _, ttl := range []time.Duration{2 * time.Hour, time.Minute, cache.Forever, 24 * time.Hour} {
				set := time.Now()
				found, err := c.Touch(k.ctx(), key, ttl)
				k.answer("Touch of a loaded value", found, err, true)
				k.want(c, key, "41")
				k.wantTTL(c, key, ttl, set)
			}
		}},
		{method: "GetAndRenew", needs: needs(needRenewer, needToucher), check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			for _, ttl := range []time.Duration{2 * time.Hour, time.Minute} {
				set := time.Now()
				got, found, err := c.GetAndRenew(k.ctx(), key, ttl)
				if err != nil || !found || string(got) != "41" {
					k.fail("GetAndRenew = %q, %t, %v; want 41", got, found, err)
				}
				k.wantTTL(c, key, ttl, set)
			}
		}},
		{method: "Delete", check: func(k *kit, c *cache.Cache, key string, _ time.Time) {
			k.must("Delete", c.Delete(k.ctx(), key))
			k.wantMiss(c, key)
		}},
	}
}
