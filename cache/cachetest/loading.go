package cachetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// write is one that a load must not undo.
type write struct {
	name  string
	needs []need
	tags  bool   // it is about an entry with the tag "tag"
	left  string // what it leaves under the key; "" for nothing
	do    func(ctx context.Context, parent, c *cache.Cache, key string) error
}

func writes() []write {
	value := []byte("new")
	return []write{
		{name: "Set", left: "new", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			return c.Set(ctx, key, value, time.Hour)
		}},
		{name: "Set that keeps the lifetime", needs: needs(needAdder, needSwapper), left: "new", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			return c.Set(ctx, key, value, cache.KeepTTL)
		}},
		{name: "Set for no time", do: func(ctx context.Context, _, c *cache.Cache, key string) error { return c.Set(ctx, key, value, 0) }},
		{name: "SetMany", left: "new", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			return c.SetMany(ctx, map[string][]byte{key: value, "another": value}, time.Hour)
		}},
		{name: "Add", needs: needs(needAdder, needSwapper), left: "new", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			_, err := c.Add(ctx, key, value, time.Hour)
			return err
		}},
		{name: "Increment", needs: needs(needAdder, needSwapper), left: "1", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			_, err := c.Increment(ctx, key, 1, time.Hour)
			return err
		}},
		{name: "Delete", do: func(ctx context.Context, _, c *cache.Cache, key string) error { return c.Delete(ctx, key) }},
		{name: "DeleteMany", do: func(ctx context.Context, _, c *cache.Cache, key string) error {
			return c.DeleteMany(ctx, []string{key, "another"})
		}},
		{name: "Clear", do: func(ctx context.Context, _, c *cache.Cache, _ string) error { return c.Clear(ctx) }},
		{name: "Clear of the parent", do: func(ctx context.Context, parent, _ *cache.Cache, _ string) error { return parent.Clear(ctx) }},
		{name: "InvalidateTags", needs: needs(needAdder, needSwapper), tags: true, do: func(ctx context.Context, _, c *cache.Cache, _ string) error {
			return c.InvalidateTags(ctx, "tag")
		}},
		{name: "InvalidateTags of the parent", needs: needs(needAdder, needSwapper), tags: true, do: func(ctx context.Context, parent, _ *cache.Cache, _ string) error {
			return parent.InvalidateTags(ctx, "another", "tag")
		}},
	}
}

// besideLoads checks that each write through writer outlasts a load through loader that was under way. Where old is true there is a value that the load is to replace.
func (k *kit) besideLoads(loader, writer *cache.Cache, p cache.Policy, old bool) {
	k.Helper()
	served := can(k.store(loader))
	loads := loader.Namespace("a")
	for _, w := range writes() {
		if (testCase{needs: w.needs}).lacks(served) != "" {
			continue
		}
		p := p
		if w.tags {
			p.Tags = []string{"tag"}
		}
		if old {
			p.StaleIfError = time.Hour
			k.pastTTL(loads, []string{w.name}, p, "older")
		}
		h := k.hold(loads, w.name, p, "old")
		k.must(w.name, w.do(k.ctx(), writer, writer.Namespace("a"), w.name))
		h.ends("old")
		for _, c := range []*cache.Cache{loads, writer.Namespace("a")} {
			if w.left == "" {
				k.wantMiss(c, w.name)
			} else {
				k.want(c, w.name, w.left)
				k.wantLoaded(c, w.name, w.left)
			}
		}
		if k.Failed() {
			k.Fatalf("a load that had begun before it met %s", w.name)
		}
	}
}

// askAfter checks that who asks writer after a write that leaves nothing does not wait for a load through loader that was under way, and that what he loads stays.
func (k *kit) askAfter(loader, writer *cache.Cache, p cache.Policy, tags bool) {
	k.Helper()
	served := can(k.store(loader))
	for _, w := range writes() {
		if w.left != "" || w.tags && !tags || (testCase{needs: w.needs}).lacks(served) != "" {
			continue
		}
		p := p
		if w.tags {
			p.Tags = []string{"tag"}
		}
		h := k.hold(loader.Namespace("a"), w.name, p, "old")
		k.must(w.name, w.do(k.ctx(), writer, writer.Namespace("a"), w.name))
		k.load(writer.Namespace("a"), w.name, p, "new")
		h.ends("old")
		k.want(loader.Namespace("a"), w.name, "new")
		k.want(writer.Namespace("a"), w.name, "new")
	}
}

func loadingCases() []testCase {
	return []testCase{
		{name: "a slow load undoes no write",
			rule: "a loader's old row never overwrites a later Set, Delete, Clear or InvalidateTags of its process", run: func(k *kit) {
				c := k.cache()
				k.besideLoads(c, c, cache.Policy{}, false)
				k.besideLoads(c, c, cache.Policy{}, true)
			}},
		{name: "a slow load with a lease undoes no write", needs: needs(needAdder, needSwapper),
			rule: "Exclusive keeps a slow loader's old row from overwriting a later Set, Delete, Clear or InvalidateTags", run: func(k *kit) {
				c := k.cache()
				k.besideLoads(c, c, exclusive(), false)
				k.besideLoads(c, c, exclusive(), true)
			}},
		{name: "a slow load with a lease undoes no write of another store", needs: needs(needReopen, needAdder, needSwapper),
			rule: "a lease whose holder lost it stores nothing, whichever process took it", run: func(k *kit) {
				c := k.two()
				k.besideLoads(c[0], c[1], exclusive(), false)
				k.besideLoads(c[0], c[1], exclusive(), true)
			}},
		{name: "who asks after a write is not given what was read before it",
			rule: "an invalidation ends the loads that are under way: who asks afterwards begins another", run: func(k *kit) {
				c := k.cache()
				k.askAfter(c, c, cache.Policy{}, true)
			}},
		{name: "who asks another store after a write is not given what was read before it", needs: needs(needReopen, needAdder, needSwapper),
			rule: "a Delete of another process ends the lease: who asks afterwards takes another", run: func(k *kit) {
				c := k.two()
				k.askAfter(c[0], c[1], exclusive(), false) // a lease has no tags; what is stored over it is absent
			}},
		{name: "a load that fails brings back nothing that was deleted",
			rule: "StaleIfError: a value is served if loading another fails, and never one that was invalidated meanwhile", run: func(k *kit) {
				c := k.cache()
				policies := []cache.Policy{{StaleIfError: time.Hour}}
				if (testCase{needs: needs(needAdder, needSwapper)}).lacks(can(k.store(c))) == "" {
					policies = append(policies, cache.Policy{StaleIfError: time.Hour, Exclusive: limit})
				}
				for _, p := range policies {
					k.pastTTL(c, []string{"kept", "deleted"}, p, "old")
					kept, deleted := k.hold(c, "kept", p, ""), k.hold(c, "deleted", p, "")
					k.must("Delete", c.Delete(k.ctx(), "deleted"))
					deleted.fails = errSource
					deleted.ends("")
					k.wantMiss(c, "deleted")
					kept.fails = errSource
					kept.let()
					<-kept.done
					if kept.err != nil || kept.value != "old" {
						k.fail("GetOrLoad whose loader fails = %q, %v; want the old value, which StaleIfError keeps", kept.value, kept.err)
					}
					k.must("Delete", c.Delete(k.ctx(), "kept"))
				}
			}},
		{name: "many callers of a cold key are one load",
			rule: "one load per key per process, whatever the number of callers; every caller gets its own value", run: func(k *kit) {
				c := k.cache()
				k.oneLoad(cache.Policy{}, c)
				k.oneLoad(cache.Policy{}, c.Namespace("a"))
			}},
		{name: "callers of several stores are one load", needs: needs(needReopen, needAdder, needSwapper),
			rule: "Exclusive: one load across all instances", run: func(k *kit) {
				c := k.two()
				k.oneLoad(exclusive(), c[0], c[1])
			}},
		{name: "a loaded value is kept whole, or leaves no older one",
			rule: "a value too large to store is returned, and the old one is deleted", run: func(k *kit) {
				c := k.cache()
				p := cache.Policy{StaleIfError: time.Hour}
				for _, size := range []int{1, 4096, 65_537, 1 << 20, 5 << 20} {
					key, large := fmt.Sprint(size), strings.Repeat("0123456789abcdef", size/16+1)[:size]
					k.pastTTL(c, []string{key}, p, "old")
					k.load(c, key, cache.Policy{TTL: time.Hour}, large)
					got, err := cache.GetOrLoad(k.ctx(), c, key, p, func(context.Context) (string, error) { return "", errSource })
					if err == nil && got != large || err != nil && !errors.Is(err, errSource) {
						k.fail("GetOrLoad after a load of %d bytes = %d bytes, %.20q, %v; want all of them, or none", size, len(got), got, err)
					}
					k.must("Delete", c.Delete(k.ctx(), key))
				}
			}},
		{name: "GetOrLoadMany loads what is missing, in one call",
			rule: "GetOrLoadMany: those that are not there are loaded in one call, each once", run: func(k *kit) {
				c := k.cache()
				k.set(c, "set", "was set", time.Hour)
				k.load(c, "loaded", cache.Policy{TTL: time.Hour}, "was loaded")
				var asked []string
				for range 2 {
					got, err := cache.GetOrLoadMany(k.ctx(), c, []string{"set", "absent", "new", "loaded", "new"}, cache.Policy{NegativeTTL: time.Hour},
						func(_ context.Context, missing []string) (map[string]string, error) {
							asked = append(asked, missing...)
							return map[string]string{"new": "is new"}, nil
						})
					if err != nil || len(got) != 3 || got["set"] != "was set" || got["loaded"] != "was loaded" || got["new"] != "is new" {
						k.fail("GetOrLoadMany = %q, %v; want what was set, was loaded and is new", got, err)
					}
				}
				if strings.Join(asked, ",") != "absent,new" {
					k.fail("the loader was asked for %q; want absent and new, once", asked)
				}
				k.wantMany(c, []string{"set", "absent", "new", "loaded"}, map[string][]byte{"set": []byte("was set"), "new": []byte("is new"), "loaded": []byte("was loaded")})
			}},
	}
}
