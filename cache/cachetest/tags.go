package cachetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// tagged is a policy with tags.
func tagged(tags ...string) cache.Policy { return cache.Policy{TTL: time.Hour, Tags: tags} }

// wantAbsences checks that every method finds nothing under its key, where "1" had been loaded; prefix and the name of the method are the key. What is there may be
// something to the store.
func (k *kit) wantAbsences(c *cache.Cache, all []absence, prefix string) {
	k.Helper()
	for _, a := range all {
		key := prefix + a.method
		absent, err := a.seen(k.ctx(), c, key)
		k.answer(a.method+" finding nothing under "+key, absent, err, true)
		switch a.method {
		case "Add":
			k.want(c, key, "new")
		case "Increment":
			k.want(c, key, "1")
		}
	}
}

// absencesOf are those that s serves, but for Take's, whose entries are its own.
func absencesOf(s cache.Store) []absence {
	return slices.DeleteFunc(absences(), func(a absence) bool { return a.method == "Take" || testCase{needs: a.needs}.lacks(can(s)) != "" })
}

func tagCases() []testCase {
	return []testCase{
		{name: "InvalidateTags makes what has the tag a miss", needs: needs(needAdder, needSwapper),
			rule: "InvalidateTags makes every entry so tagged a miss, through all methods; others stay", run: func(k *kit) {
				c := k.cache()
				gone := absencesOf(k.store(c))
				for _, c := range []*cache.Cache{c, c.Namespace("a")} {
					for _, a := range gone {
						k.load(c, "one "+a.method, tagged("x"), "1")
						k.load(c, "several "+a.method, tagged("w", "x", "y"), "1")
					}
					k.load(c, "kept", tagged("y", "X", "xx"), "value")
					k.load(c, "untagged", cache.Policy{}, "value")
					k.set(c, "set", "value", time.Hour)
					k.want(c, "one Get", "1")
					k.want(c, "several Get", "1")
					k.wantMany(c, []string{"one Get", "several Get", "kept"}, map[string][]byte{"one Get": []byte("1"), "several Get": []byte("1"), "kept": []byte("value")})
					k.must("InvalidateTags", c.InvalidateTags(k.ctx(), "x"))
					k.wantMany(c, []string{"one Get", "several Get", "kept", "set"}, map[string][]byte{"kept": []byte("value"), "set": []byte("value")})
					k.wantAbsences(c, gone, "one ")
					k.wantAbsences(c, gone, "several ")
					for _, key := range []string{"kept", "untagged", "set"} {
						k.want(c, key, "value")
						k.wantLoaded(c, key, "value")
					}
					k.load(c, "one Get", tagged("x"), "2")
					k.want(c, "one Get", "2")
					k.must("InvalidateTags", c.InvalidateTags(k.ctx(), "none", "y", "x"))
					k.wantGone(c, "one Get")
					k.wantGone(c, "kept")
				}
			}},
		{name: "a tag is that of a namespace and of those in it", needs: needs(needAdder, needSwapper),
			rule: "a tag of a namespace covers its children, and neither its parent nor its siblings", run: func(k *kit) {
				all := family(k.cache())
				for _, c := range all {
					k.load(c, "key", tagged("x"), "value")
				}
				k.must("InvalidateTags", all["a"].InvalidateTags(k.ctx(), "x"))
				for name, c := range all {
					switch name {
					case "a", "a in a", "b in a":
						k.wantGone(c, "key")
					default:
						k.want(c, "key", "value")
					}
				}
				k.must("InvalidateTags", all["the root"].InvalidateTags(k.ctx(), "x"))
				for _, c := range all {
					k.wantGone(c, "key")
					k.load(c, "key", tagged("x"), "new")
				}
			}},
		{name: "tags are kept apart byte for byte", needs: needs(needAdder, needSwapper),
			rule: "a tag is 1 byte to 1 KiB of any content", run: func(k *kit) {
				c := k.cache().Namespace("a")
				tags := alphabet()
				for i, tag := range tags {
					k.load(c, fmt.Sprint(i), tagged(tag), "value")
				}
				for i, tag := range tags {
					k.must("InvalidateTags", c.InvalidateTags(k.ctx(), tag))
					k.wantGone(c, fmt.Sprint(i))
					for rest := i + 1; rest < min(i+4, len(tags)); rest++ { // its neighbours, which it resembles most
						k.want(c, fmt.Sprint(rest), "value")
					}
				}
				for _, tag := range []string{"", strings.Repeat("t", cache.MaxKeyLen+1)} {
					if err := c.InvalidateTags(k.ctx(), tag); !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("InvalidateTags of %d bytes: %v; want ErrInvalidKey", len(tag), err)
					}
				}
			}},
		{name: "no key is a tag's marker", needs: needs(needAdder, needSwapper),
			rule: "no choice of key crosses over, to a tag neither", run: func(k *kit) {
				c := k.cache()
				k.load(c, "key", tagged("x"), "value")
				for _, key := range []string{"@:x", "@@:x", ":x", "x"} {
					k.set(c, key, "other", time.Hour)
					k.want(c, "key", "value")
					k.must("Delete", c.Delete(k.ctx(), key))
					k.want(c, "key", "value")
				}
				if !is[cache.Scanner](k.store(c)) {
					return
				}
				for key, err := range c.Keys(k.ctx(), "") {
					if err != nil || key != "key" {
						k.fail("Keys yields %q, %v; want the key, and nothing of the tag", key, err)
					}
				}
			}},
		{name: "a marker that is lost makes its entries a miss", needs: needs(needAdder, needSwapper),
			rule: "a lost marker makes entries a miss, never stale", run: func(k *kit) {
				root := k.cache()
				c := root.Namespace("a")
				for _, marker := range []string{"@:x", "@a:@:x"} {
					k.load(c, "key", tagged("w", "x"), "value")
					k.load(c, "other", tagged("w"), "value")
					k.want(c, "key", "value")
					k.must("the store's Delete", k.store(root).Delete(k.ctx(), marker))
					k.wantGone(c, "key")
					k.want(c, "other", "value")
					k.load(c, "key", tagged("w", "x"), "new")
					k.want(c, "key", "new")
					k.must("Clear", c.Clear(k.ctx()))
				}
			}},
		{name: "a marker outlives what it tags", needs: needs(needAdder, needSwapper, needToucher),
			rule: "a marker outlives the longest entry it tags", run: func(k *kit) {
				c := k.cache()
				for key, p := range map[string]cache.Policy{
					"minute": {TTL: time.Minute}, "stale": {TTL: time.Hour, StaleFor: 10 * time.Hour}, "day": {TTL: 24 * time.Hour}, "permanent": {TTL: cache.Forever},
				} {
					p.Tags = []string{"x", key}
					k.load(c, key, p, "value")
					for _, tag := range p.Tags {
						if left, found, err := direct(k.store(c)).TTL(k.ctx(), "@:"+tag); err != nil || !found || left < max(p.TTL, p.TTL+p.StaleFor) {
							k.fail("the marker lives for %v, %t, %v; want longer than an entry with %+v", left, found, err, p)
						}
					}
				}
				for _, key := range []string{"minute", "stale", "day", "permanent"} {
					k.want(c, key, "value")
				}
			}},
		{name: "a marker outlives what is to live longer", needs: needs(needAdder, needSwapper, needToucher, needRenewer),
			rule: "a marker outlives the longest entry it tags, also where Touch and GetAndRenew have made its life longer", run: func(k *kit) {
				c := k.cache()
				for name, longer := range map[string]func(key string) (bool, error){
					"Touch":         func(key string) (bool, error) { return c.Touch(k.ctx(), key, 24*time.Hour) },
					"Touch forever": func(key string) (bool, error) { return c.Touch(k.ctx(), key, cache.Forever) },
					"GetAndRenew": func(key string) (bool, error) {
						_, found, err := c.GetAndRenew(k.ctx(), key, 24*time.Hour)
						return found, err
					},
				} {
					for _, p := range []cache.Policy{{TTL: time.Minute}, {TTL: time.Minute, StaleFor: 20 * time.Hour}} {
						key := fmt.Sprint(name, p.StaleFor)
						p.Tags = []string{"tag of " + key, "another of " + key}
						k.load(c, key, p, "value")
						found, err := longer(key)
						k.answer(name, found, err, true)
						for _, tag := range p.Tags {
							if left, found, err := direct(k.store(c)).TTL(k.ctx(), "@:"+tag); err != nil || !found || left < 24*time.Hour+p.StaleFor {
								k.fail("after %s the marker lives for %v, %t, %v; want longer than its entry", name, left, found, err)
							}
						}
						k.want(c, key, "value")
						k.must("InvalidateTags", c.InvalidateTags(k.ctx(), p.Tags[1]))
						found, err = longer(key)
						k.answer(name+" of what has been invalidated", found, err, false)
						k.wantGone(c, key)
					}
				}
			}},
		{name: "a second store sees what tags invalidate", needs: needs(needReopen, needAdder, needSwapper),
			rule: "InvalidateTags makes entries a miss in all processes, and those that are being loaded", run: func(k *kit) {
				c := k.two()
				for i := range c {
					k.load(c[i], "key", tagged("x", "y"), "value")
					k.load(c[i], "other", tagged("y"), "value")
					k.want(c[1-i], "key", "value")
					k.wantLoaded(c[1-i], "key", "value")
					h := k.hold(c[i], "slow", tagged("x"), "old")
					k.must("InvalidateTags", c[1-i].InvalidateTags(k.ctx(), "x"))
					h.ends("old")
					for _, c := range c {
						k.wantGone(c, "key")
						k.wantGone(c, "slow")
						k.want(c, "other", "value")
					}
					k.must("DeleteMany", c[i].DeleteMany(k.ctx(), []string{"key", "other", "slow"}))
				}
			}},
	}
}

// wantGone checks that an entry is absent to a cache, though the store may still have it.
func (k *kit) wantGone(c *cache.Cache, key string) {
	k.Helper()
	if got, found, err := c.Get(k.ctx(), key); err != nil || found || got != nil {
		k.fail("Get(%.40q) = %.40q, %t, %v; want nil, false, nil", key, got, found, err)
	}
	found, err := c.Exists(k.ctx(), key)
	k.answer(fmt.Sprintf("Exists(%.40q)", key), found, err, false)
	k.wantMany(c, []string{key, "absent"}, nil)
}
