package cachetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// many returns n keys with their values.
func many(n int) (keys []string, items map[string][]byte) {
	items = make(map[string][]byte, n)
	for i := range n {
		key := fmt.Sprint("key", i)
		keys = append(keys, key)
		items[key] = []byte(fmt.Sprint("value", i))
	}
	return keys, items
}

// wantMany checks that GetMany returns exactly the items.
func (k *kit) wantMany(c *cache.Cache, keys []string, items map[string][]byte) {
	k.Helper()
	got, err := c.GetMany(k.ctx(), keys)
	if err != nil || got == nil {
		k.fail("GetMany of %d keys = %v, %v", len(keys), got, err)
		return
	}
	if len(got) != len(items) {
		k.fail("GetMany of %d keys found %d; want %d", len(keys), len(got), len(items))
	}
	for key, value := range items {
		if v, ok := got[key]; !ok || v == nil || string(v) != string(value) {
			k.fail("GetMany has %.40q (%t) under %.40q; want %.40q", v, ok, key, value)
			return
		}
	}
}

func batchCases() []testCase {
	return []testCase{
		{name: "GetMany returns what is there", needs: needs(needBatcher, needAdvance),
			rule: "a batch is as many single operations", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				k.set(c, "empty", "", cache.Forever)
				k.set(c, "expired", "value", brief)
				k.outlive()
				k.wantMany(c, []string{"absent", "key", "empty", "expired", "key"}, map[string][]byte{"key": []byte("value"), "empty": {}})
				k.wantMany(c, []string{"absent", "expired"}, nil)
			}},
		{name: "batches keep keys apart byte for byte", needs: needs(needBatcher),
			rule: "keys: any string of 1 byte to 1 KiB, byte for byte", run: func(k *kit) {
				c := k.cache()
				items := map[string][]byte{}
				for i, key := range alphabet() {
					items[key] = []byte(fmt.Sprint(i))
				}
				k.must("SetMany", c.SetMany(k.ctx(), items, cache.DefaultTTL))
				for i, key := range alphabet() {
					k.want(c, key, fmt.Sprint(i))
				}
				k.wantMany(c, alphabet(), items)
				k.wantMany(c.Namespace("a"), alphabet(), nil)
				half := alphabet()[:len(alphabet())/2]
				k.must("DeleteMany", c.DeleteMany(k.ctx(), half))
				for _, key := range half {
					delete(items, key)
				}
				k.wantMany(c, alphabet(), items)
			}},
		{name: "a batch of thousands equals as many single operations", needs: needs(needBatcher),
			rule: "a batch is as many single operations", run: func(k *kit) {
				c := k.cache()
				keys, items := many(2500)
				k.must("SetMany", c.SetMany(k.ctx(), items, time.Hour))
				k.want(c, "key0", "value0")
				k.want(c, "key2499", "value2499")
				k.wantMany(c, keys, items)
				k.must("DeleteMany", c.DeleteMany(k.ctx(), keys[1000:]))
				maps.DeleteFunc(items, func(key string, _ []byte) bool { return !strings.HasPrefix(key, "key") || len(key) > 6 })
				k.wantMany(c, keys, items)
				k.wantMiss(c, "key1000")
			}},
		{name: "batches belong to their namespace", needs: needs(needBatcher),
			rule: "namespaces: same store, isolated keys", run: func(k *kit) {
				all := family(k.cache())
				for name, c := range all {
					k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"key": []byte(name), "@a:key": []byte("@" + name)}, time.Hour))
				}
				for name, c := range all {
					k.wantMany(c, []string{"key", "@a:key"}, map[string][]byte{"key": []byte(name), "@a:key": []byte("@" + name)})
				}
				k.must("DeleteMany", all["a"].DeleteMany(k.ctx(), []string{"key", "@a:key"}))
				for name, c := range all {
					if name != "a" {
						k.want(c, "key", name)
					} else {
						k.wantMiss(c, "key")
					}
				}
			}},
		{name: "SetMany replaces values and lifetimes", needs: needs(needBatcher, needAdvance),
			rule: "overwrite replaces value and lifetime", run: func(k *kit) {
				c := k.cache()
				k.set(c, "longer", "old", brief)
				k.set(c, "kept", "old", brief)
				k.set(c, "shorter", "old", cache.Forever)
				k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"longer": []byte("new")}, time.Hour))
				k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"kept": nil}, cache.Forever))
				k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"shorter": []byte("new")}, brief))
				k.outlive()
				k.want(c, "longer", "new")
				k.want(c, "kept", "")
				k.wantMiss(c, "shorter")
			}},
		{name: "SetMany gives exactly that lifetime", needs: needs(needBatcher, needToucher),
			rule: "d > 0: that long; Forever: no expiry", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{1500 * time.Millisecond, time.Hour, 400 * 24 * time.Hour, cache.Forever} {
					set := time.Now()
					k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"a": nil, "b": []byte("value")}, d))
					if _, found, err := c.Get(k.ctx(), "a"); err == nil && !found && time.Since(set) > d {
						continue
					}
					k.wantTTL(c, "a", d, set)
					k.wantTTL(c, "b", d, set)
				}
			}},
		{name: "SetMany with an expired lifetime deletes", needs: needs(needBatcher),
			rule: "any other d <= 0: already expired, so nothing is stored and an existing entry is deleted", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{0, -1, -time.Hour} {
					k.set(c, "key", "old", cache.Forever)
					k.set(c, "other", "kept", cache.Forever)
					k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"key": []byte("new"), "new": nil}, d))
					k.wantMiss(c, "key")
					k.wantMiss(c, "new")
					k.want(c, "other", "kept")
				}
			}},
		{name: "SetMany with KeepTTL keeps each lifetime", needs: needs(needBatcher, needAdder, needToucher),
			rule: "cache.KeepTTL: the one the entry has, or the default if there is none", run: func(k *kit) {
				c := k.cache()
				set := time.Now()
				k.set(c, "hour", "old", time.Hour)
				k.set(c, "permanent", "old", cache.Forever)
				items := map[string][]byte{"hour": []byte("new"), "permanent": []byte("new"), "absent": []byte("new")}
				k.must("SetMany", c.SetMany(k.ctx(), items, cache.KeepTTL))
				k.wantMany(c, []string{"hour", "permanent", "absent"}, items)
				k.wantTTL(c, "hour", time.Hour, set)
				k.wantTTL(c, "permanent", cache.Forever, set)
			}},
		{name: "batches share no slices", needs: needs(needBatcher),
			rule: "Set keeps no reference to the caller's slice; Get returns a slice the caller may change", run: func(k *kit) {
				c := k.cache()
				value := []byte("value")
				k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"a": value, "b": value}, time.Hour))
				copy(value, "XXXXX")
				k.want(c, "a", "value")
				got, err := c.GetMany(k.ctx(), []string{"a", "b"})
				k.must("GetMany", err)
				copy(got["a"], "XXXXX")
				_ = append(got["a"], "beyond"...)
				if string(got["b"]) != "value" {
					k.fail("changing one value of a batch made another %q", got["b"])
				}
				k.wantMany(c, []string{"a", "b"}, map[string][]byte{"a": []byte("value"), "b": []byte("value")})
			}},
		{name: "empty batches do nothing", needs: needs(needBatcher),
			rule: "a batch is as many single operations", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				k.wantMany(c, nil, nil)
				k.must("SetMany of nothing", c.SetMany(k.ctx(), nil, time.Hour))
				k.must("SetMany of nothing, expired", c.SetMany(k.ctx(), nil, 0))
				k.must("DeleteMany of nothing", c.DeleteMany(k.ctx(), nil))
				k.want(c, "key", "value")
			}},
		{name: "a batch with an invalid key does nothing", needs: needs(needBatcher),
			rule: "else ErrInvalidKey before any I/O", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", cache.DefaultTTL)
				for _, bad := range []string{"", strings.Repeat("k", cache.MaxKeyLen+1)} {
					if got, err := c.GetMany(k.ctx(), []string{"key", bad}); !errors.Is(err, cache.ErrInvalidKey) || got != nil {
						k.fail("GetMany = %v, %v; want ErrInvalidKey", got, err)
					}
					if err := c.SetMany(k.ctx(), map[string][]byte{"key": []byte("new"), bad: nil}, time.Hour); !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("SetMany: %v; want ErrInvalidKey", err)
					}
					if err := c.DeleteMany(k.ctx(), []string{"key", bad}); !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("DeleteMany: %v; want ErrInvalidKey", err)
					}
					k.want(c, "key", "old")
				}
			}},
	}
}
