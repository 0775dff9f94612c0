package cachetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

// keys returns what Keys yields, sorted, each once.
func (k *kit) keys(c *cache.Cache, prefix string) []string {
	k.Helper()
	var all []string
	for key, err := range c.Keys(k.ctx(), prefix) {
		k.must("Keys", err)
		all = append(all, key)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (k *kit) wantKeys(c *cache.Cache, prefix string, want []string) {
	k.Helper()
	want = slices.Sorted(slices.Values(want))
	if got := k.keys(c, prefix); !slices.Equal(got, want) {
		k.fail("Keys(%.40q) = %.400q; want %.400q", prefix, got, want)
	}
}

func scanCases() []testCase {
	return []testCase{
		{name: "Keys of an empty store are none", needs: needs(needScanner),
			rule: "Keys yields the keys of this store", run: func(k *kit) {
				k.wantKeys(k.cache(), "", nil)
			}},
		{name: "Keys yields every key byte for byte", needs: needs(needScanner),
			rule: "every entry that is there from the beginning to the end is yielded", run: func(k *kit) {
				c := k.cache()
				for _, key := range alphabet() {
					k.set(c, key, "value", cache.DefaultTTL)
				}
				k.wantKeys(c, "", alphabet())
			}},
		{name: "Keys yields what begins with the prefix", needs: needs(needScanner),
			rule: "the keys that begin with prefix, byte for byte", run: func(k *kit) {
				c := k.cache()
				for _, key := range alphabet() {
					k.set(c, key, "value", cache.DefaultTTL)
				}
				for _, prefix := range []string{"a", "a*", "*", "?", "[", `\`, "@", "@@", "@a", "@a:", ":", "/", "..", "_", "%", "\x00", "K", "\xff", "no such"} {
					var want []string
					for _, key := range alphabet() {
						if strings.HasPrefix(key, prefix) {
							want = append(want, key)
						}
					}
					k.wantKeys(c, prefix, want)
				}
			}},
		{name: "Keys yields all of many", needs: needs(needScanner),
			rule: "every entry that is there from the beginning to the end is yielded", run: func(k *kit) {
				c := k.cache()
				want, _ := many(2500)
				k.fill(c, want, "value")
				k.wantKeys(c, "", want)
			}},
		{name: "Keys of a namespace are its own", needs: needs(needScanner),
			rule: "the keys of this namespace, not those of namespaces in it", run: func(k *kit) {
				all := family(k.cache())
				for name, c := range all {
					k.set(c, name, "value", cache.DefaultTTL)
					k.set(c, "@"+name, "value", cache.DefaultTTL)
				}
				for name, c := range all {
					k.wantKeys(c, "", []string{name, "@" + name})
					k.wantKeys(c, "@", []string{"@" + name})
				}
			}},
		{name: "Keys yields no expired entry", needs: needs(needScanner, needAdvance),
			rule: "an expired entry is absent everywhere", run: func(k *kit) {
				c := k.cache()
				k.set(c, "expired", "value", brief)
				k.set(c, "long", "value", time.Hour)
				k.set(c, "permanent", "value", cache.Forever)
				k.outlive()
				k.wantKeys(c, "", []string{"long", "permanent"})
			}},
		{name: "Keys yields nothing foreign", needs: needs(needScanner, needPlant),
			rule: "only what is this store's", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				for _, key := range []string{"cachetest", "cach", "cache2:key"} {
					_ = k.plant(key, []byte("foreign")) // another case may have planted it
				}
				k.wantKeys(c, "", []string{"key"})
			}},
		{name: "the body of a loop over Keys may use the store", needs: needs(needScanner),
			rule: "nothing is locked while the loop's body runs", run: func(k *kit) {
				c := k.cache()
				for i := range 300 {
					k.set(c, fmt.Sprint("key", i), "value", cache.DefaultTTL)
				}
				seen := map[string]bool{}
				for key, err := range c.Keys(k.ctx(), "") {
					k.must("Keys", err)
					if seen[key] {
						continue
					}
					seen[key] = true
					k.want(c, key, "value")
					k.must("Delete", c.Delete(k.ctx(), key))
				}
				if len(seen) != 300 {
					k.fail("a loop that deletes as it goes saw %d of 300 keys", len(seen))
				}
				k.wantKeys(c, "", nil)
			}},
		{name: "a loop over Keys may be left", needs: needs(needScanner),
			rule: "Keys are read as the loop goes on", run: func(k *kit) {
				c := k.cache()
				for i := range 300 {
					k.set(c, fmt.Sprint("key", i), "value", cache.DefaultTTL)
				}
				for range 50 {
					for _, err := range c.Keys(k.ctx(), "") {
						k.must("Keys", err)
						break
					}
				}
				k.want(c, "key1", "value")
			}},
		{name: "Keys ends with its context", needs: needs(needScanner),
			rule: "an error is yielded last, with an empty key", run: func(k *kit) {
				c := k.cache()
				keys, _ := many(2900)
				k.fill(c, keys, "value")
				scanner, _ := k.store(c).(cache.Scanner) // a cache ends by itself too
				for _, scan := range []func(context.Context, string) iter.Seq2[string, error]{c.Keys, scanner.Keys} {
					ctx, cancel := context.WithCancel(k.ctx())
					defer cancel()
					var last error
					n := 0
					for key, err := range scan(ctx, "") {
						cancel()
						if last != nil {
							k.fail("Keys went on after its error")
						}
						if last = err; err == nil {
							n++
						} else if key != "" {
							k.fail("Keys yielded %q with its error", key)
						}
					}
					if !errors.Is(last, context.Canceled) || n == len(keys) {
						k.fail("Keys yielded %d keys and %v after its context had been cancelled; want context.Canceled", n, last)
					}
				}
			}},
	}
}
