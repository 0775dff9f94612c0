package cachetest

import (
	"slices"

	"github.com/larder-go/larder/cache"
)

// family returns namespaces that a careless join or prefix would mix up, with the cache itself.
func family(c *cache.Cache) map[string]*cache.Cache {
	return map[string]*cache.Cache{
		"the root": c, "a": c.Namespace("a"), "ab": c.Namespace("ab"), "a_b": c.Namespace("a_b"), "a-b": c.Namespace("a-b"), "axb": c.Namespace("axb"), "A": c.Namespace("A"), "b": c.Namespace("b"),
		"a in a": c.Namespace("a").Namespace("a"), "b in a": c.Namespace("a").Namespace("b"), "a in b": c.Namespace("b").Namespace("a"),
	}
}

func namespaceCases() []testCase {
	return []testCase{
		{name: "namespaces are isolated", rule: "same store, isolated keys; no choice of key crosses over", run: func(k *kit) {
			all := family(k.cache())
			keys := []string{"k", "a", "b", ":k", "a:k", "@a:k", "@@a:k", "@a:@b:k", "@b:k", "b:k", "_b:k", "@", "@@"}
			for name, c := range all {
				for _, key := range keys {
					k.set(c, key, name+" "+key, cache.DefaultTTL)
				}
			}
			for name, c := range all {
				for _, key := range keys {
					k.want(c, key, name+" "+key)
				}
			}
		}},
		{name: "clearing a namespace leaves its parent and siblings",
			rule: "clearing a parent clears its children, never the other way round", run: func(k *kit) {
				gone := map[string][]string{"a": {"a", "a in a", "b in a"}, "a_b": {"a_b"}, "b in a": {"b in a"}}
				for cleared, with := range gone {
					all := family(k.cache())
					for name, c := range all {
						k.set(c, "key", name, cache.DefaultTTL)
						k.set(c, "@key", name, cache.DefaultTTL)
					}
					k.must("Clear", all[cleared].Clear(k.ctx()))
					for name, c := range all {
						if slices.Contains(with, name) {
							k.wantMiss(c, "key")
							k.wantMiss(c, "@key")
						} else {
							k.want(c, "key", name)
							k.want(c, "@key", name)
						}
					}
				}
			}},
	}
}
