package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// magic is what all that GetOrLoad stores begins with.
const magic = "\xfeldr"

// likeFrames are values that begin as what GetOrLoad stores, or nearly.
func likeFrames() []string {
	return []string{
		magic, magic + "\x01", magic + "\x01\x20", magic + "\x01\x20value", magic + "\x01\x04", magic + "\xff\xff", magic + magic, magic + "\x01\x20" + magic,
		magic[:3], "x" + magic, "\xfe",
	}
}

// framePolicies are those that store values in different ways.
func framePolicies() map[string]cache.Policy {
	return map[string]cache.Policy{
		"plain": {TTL: time.Hour}, "StaleFor": {TTL: time.Hour, StaleFor: time.Hour}, "StaleIfError": {TTL: time.Hour, StaleIfError: 5 * time.Hour},
		"Exclusive": exclusive(), "Tags": tagged("x", "y"), "all": {TTL: time.Hour, StaleFor: time.Minute, StaleIfError: 5 * time.Hour, Exclusive: limit, Tags: []string{"x"}},
	}
}

func frameCases() []testCase {
	return []testCase{
		{name: "every method sees through to a loaded value", needs: needs(needAdder, needSwapper),
			rule: "every method sees through the frame: old and value are the caller's bytes, TTL is the fresh time left", run: func(k *kit) {
				c := k.cache()
				for name, p := range framePolicies() {
					for _, v := range views() {
						if (testCase{needs: v.needs}).lacks(can(k.store(c))) != "" {
							continue
						}
						key := name + " " + v.method + "."
						loaded := time.Now()
						k.load(c, key, p, "41")
						k.wantLoaded(c, key, "41")
						v.check(k, c, key, loaded)
						if k.Failed() {
							k.Fatalf("%s of a value that was loaded with the policy %+v", v.method, p)
						}
					}
				}
			}},
		{name: "a negative marker is absent", needs: needs(needAdder, needSwapper),
			rule: "a negative marker is absent to every method but GetOrLoad", run: func(k *kit) {
				c := k.cache()
				all := absencesOf(k.store(c))
				for _, a := range append(all, absence{method: "GetOrLoad"}) {
					for range 2 {
						_, err := cache.GetOrLoad(k.ctx(), c, a.method, cache.Policy{NegativeTTL: time.Hour}, func(context.Context) (string, error) { return "1", cache.ErrNotFound })
						if !errors.Is(err, cache.ErrNotFound) {
							k.fail("GetOrLoad whose loader finds nothing: %v; want ErrNotFound", err)
						}
					}
				}
				k.wantAbsences(c, all, "")
				k.wantNew(c, "GetOrLoad")
			}},
		{name: "what is past its TTL is absent", needs: needs(needAdder, needSwapper),
			rule: "an entry past its TTL is absent to all but GetOrLoad though StaleFor or StaleIfError still keeps it", run: func(k *kit) {
				c := k.cache()
				all := absencesOf(k.store(c))
				for name, p := range map[string]cache.Policy{
					"StaleFor ": {StaleFor: time.Hour}, "StaleIfError ": {StaleIfError: time.Hour}, "Exclusive ": {StaleIfError: time.Hour, Exclusive: limit},
				} {
					keys := []string{name + "GetOrLoad"}
					for _, a := range all {
						keys = append(keys, name+a.method)
					}
					k.pastTTL(c, keys, p, "1")
					k.wantAbsences(c, all, name)
					k.wantNew(c, name+"GetOrLoad")
				}
			}},
		{name: "a lease is absent", needs: needs(needAdder, needSwapper),
			rule: "a lease is absent to every method", run: func(k *kit) {
				c := k.cache()
				all := absencesOf(k.store(c))
				for name, p := range map[string]cache.Policy{"cold ": exclusive(), "old ": {TTL: time.Hour, StaleIfError: time.Hour, Exclusive: limit}} {
					var keys []string
					for _, a := range append(all, absence{method: "Set"}) {
						keys = append(keys, name+a.method)
					}
					if p.StaleIfError > 0 {
						k.pastTTL(c, keys, p, "1")
					}
					var loads []*held
					for _, key := range keys {
						loads = append(loads, k.hold(c, key, p, "loaded"))
					}
					k.wantAbsences(c, all, name)
					k.wantNew(c, name+"Set")
					for _, h := range loads {
						h.ends("loaded")
					}
					k.want(c, name+"Get", "loaded")
					k.want(c, name+"Add", "new")
					if is[cache.Incrementer](k.store(c)) {
						k.want(c, name+"Increment", "1")
					}
					k.want(c, name+"Set", "new")
				}
			}},
		{name: "a value that begins as a frame is a value",
			rule: "values that Set stores are stored as they are, unless they begin with the frame's magic; no value is taken for another", run: func(k *kit) {
				c := k.cache()
				d := direct(k.store(c))
				k.set(c, "plain", "value", time.Hour)
				if raw, found, err := d.Get(k.ctx(), "plain"); err != nil || !found || string(raw) != "value" {
					k.fail("a plain value is stored as %q, %t, %v; want it as it is", raw, found, err)
				}
				for i, value := range likeFrames() {
					k.set(c, "set", value, time.Hour)
					k.set(c, "kept", "old", time.Hour)
					k.set(c, "kept", value, cache.KeepTTL)
					k.must("SetMany", c.SetMany(k.ctx(), map[string][]byte{"many": []byte(value)}, time.Hour))
					loaded := fmt.Sprint("loaded", i)
					k.load(c, loaded, cache.Policy{}, value)
					for _, key := range []string{"set", "kept", "many", loaded} {
						k.want(c, key, value)
						k.wantLoaded(c, key, value)
						k.wantMany(c, []string{key, "absent"}, map[string][]byte{key: []byte(value)})
						if got, found, err := c.GetAppend(k.ctx(), []byte("before"), key); err != nil || !found || string(got) != "before"+value {
							k.fail("GetAppend = %q, %t, %v; want %q", got, found, err, "before"+value)
						}
					}
				}
			}},
		{name: "a value that begins as a frame is compared as a value", needs: needs(needAdder, needSwapper),
			rule: "old and value are the caller's bytes", run: func(k *kit) {
				c := k.cache()
				d := direct(k.store(c))
				for i, value := range likeFrames() {
					key, old := fmt.Sprint("key", i), []byte(value)
					stored, err := c.Add(k.ctx(), key, old, time.Hour)
					k.answer("Add", stored, err, true)
					k.want(c, key, value)
					if _, err := c.Increment(k.ctx(), key, 1, time.Hour); !errors.Is(err, cache.ErrNotInteger) {
						k.fail("Increment of %q: %v; want ErrNotInteger", value, err)
					}
					raw, _, err := d.Get(k.ctx(), key)
					k.must("the store's Get", err)
					if !bytes.Equal(raw, old) {
						swapped, err := c.CompareAndSwap(k.ctx(), key, raw, []byte("new"), time.Hour)
						k.answer("CompareAndSwap of what is stored of a value", swapped, err, false)
					}
					for _, next := range []string{"plain", value, value} {
						swapped, err := c.CompareAndSwap(k.ctx(), key, old, []byte(next), time.Hour)
						k.answer(fmt.Sprintf("CompareAndSwap of %q", old), swapped, err, true)
						k.want(c, key, next)
						old = []byte(next)
					}
					deleted, err := c.CompareAndDelete(k.ctx(), key, []byte(value+"x"))
					k.answer("CompareAndDelete of another value", deleted, err, false)
					deleted, err = c.CompareAndDelete(k.ctx(), key, old)
					k.answer("CompareAndDelete", deleted, err, true)
					k.wantMiss(c, key)
				}
			}},
	}
}

// wantNew checks that a Set which keeps the lifetime of what callers do not see stores as one where nothing is.
func (k *kit) wantNew(c *cache.Cache, key string) {
	k.Helper()
	set := time.Now()
	k.set(c, key, "new", cache.KeepTTL)
	k.want(c, key, "new")
	if is[cache.Toucher](k.store(c)) {
		k.wantTTL(c, key, 5*time.Minute, set) // the default
	}
}
