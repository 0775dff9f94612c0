package cachetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larder-go/larder/cache"
)

// alphabet holds keys that backends confuse: with patterns, paths, separators, encodings and each other.
func alphabet() []string {
	keys := []string{
		" ", "  ", "\t", "\n", "\r\n", "a\nb", "\x00", "a\x00b", "a", "A", "*", "a*", "?", "a?", "[a]", "a[b]", `\`, `a\`, `\*`, "^", "$",
		"_", "%", "a_", "a%", "/", "//", "a/b", "a//b", "a/", ".", "..", "../a", "a/../b", "./a", "~", "%2F", "a%2Fb", "a%00b", "+", "&", "=", "#", ":", "::",
		"a:b", "a:", ":a", "@", "@@", "@a", "@a:", "@a:b", "@@a:b", "{a}b", "{a}c", "'", `"`, "`", "|", ";", "<", ">", "(", ")", "!", ",",
		"ß", "ss", "ẞ", "é", "e\u0301", "\u212b", "\u00c5", "K", "\u212a", "а", "a\u00a0", "日本語", "🥫", "\xff", "\xff\xfe", "\xc3\x28",
		"-1", "0", "nil", "null", "con", "NUL", ".hidden", "a.tmp", "key with spaces",
	}
	long := strings.Repeat("k", cache.MaxKeyLen-1)
	return append(keys, long+"1", long+"2", strings.Repeat("@", cache.MaxKeyLen))
}

func keyCases() []testCase {
	return []testCase{
		{name: "keys are kept apart byte for byte", rule: "any string of 1 byte to 1 KiB, byte for byte", run: func(k *kit) {
			c := k.cache()
			for i, key := range alphabet() {
				k.set(c, key, fmt.Sprint(i), cache.DefaultTTL)
			}
			for i, key := range alphabet() {
				k.want(c, key, fmt.Sprint(i))
			}
			for i, key := range alphabet() {
				if err := c.Delete(k.ctx(), key); err != nil {
					k.fail("Delete(%.40q): %v", key, err)
				}
				k.wantMiss(c, key)
				for j, rest := range alphabet()[i+1:] {
					if j > 2 { // its neighbours, which it resembles most
						break
					}
					k.want(c, rest, fmt.Sprint(i+1+j))
				}
			}
		}},
		{name: "long keys have room in deep namespaces",
			rule: "any string of 1 byte to 1 KiB; namespaces nest to 8, with names of up to 64 bytes", run: func(k *kit) {
				root := k.cache()
				deep := root
				for range 8 {
					deep = deep.Namespace(strings.Repeat("n", 64))
				}
				for _, last := range []string{"1", "2", "@"} {
					key := strings.Repeat("@", cache.MaxKeyLen-1) + last
					k.set(deep, key, last, cache.DefaultTTL)
					k.wantMiss(root, key)
				}
				for _, last := range []string{"1", "2", "@"} {
					k.want(deep, strings.Repeat("@", cache.MaxKeyLen-1)+last, last)
				}
			}},
		{name: "other keys are refused",
			rule: "else ErrInvalidKey before any I/O; order of checks: key, context, closed", run: func(k *kit) {
				c := k.cache()
				done := cancelled()
				for _, key := range []string{"", strings.Repeat("k", cache.MaxKeyLen+1)} {
					if _, found, err := c.Get(done, key); found || !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("Get of a key of %d bytes: %v; want ErrInvalidKey", len(key), err)
					}
					if err := c.Set(done, key, nil, cache.DefaultTTL); !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("Set of a key of %d bytes: %v; want ErrInvalidKey", len(key), err)
					}
					if err := c.Delete(done, key); !errors.Is(err, cache.ErrInvalidKey) {
						k.fail("Delete of a key of %d bytes: %v; want ErrInvalidKey", len(key), err)
					}
				}
			}},
	}
}
