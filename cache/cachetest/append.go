package cachetest

import (
	"context"
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
)

func appendCases() []testCase {
	return []testCase{
		{name: "GetAppend appends the value", needs: needs(needAppender),
			rule: "GetAppend appends the value under key to dst and returns the extended slice", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				k.set(c, "empty", "", cache.DefaultTTL)
				k.set(c, "large", strings.Repeat("v", 10_000), cache.DefaultTTL)
				for key, want := range map[string]string{"key": "value", "empty": "", "large": strings.Repeat("v", 10_000)} {
					for _, dst := range [][]byte{nil, {}, []byte("before"), append(make([]byte, 0, 20_000), "before"...)} {
						got, found, err := c.GetAppend(k.ctx(), dst, key)
						if err != nil || !found || string(got) != string(dst)+want {
							k.fail("GetAppend(%q, %q) = %.40q, %t, %v; want %.40q", dst, key, got, found, err, string(dst)+want)
						}
					}
				}
			}},
		{name: "GetAppend leaves dst as it was on a miss", needs: needs(needAppender),
			rule: "GetAppend returns dst unchanged on a miss or error", run: func(k *kit) {
				c := k.cache()
				dst := append(make([]byte, 0, 100), "before"...)
				if got, found, err := c.GetAppend(k.ctx(), dst, "absent"); err != nil || found || string(got) != "before" {
					k.fail("GetAppend of an absent key = %q, %t, %v; want dst, false", got, found, err)
				}
				if got, found, err := c.GetAppend(cancelled(), dst, "absent"); !errors.Is(err, context.Canceled) || found || string(got) != "before" {
					k.fail("GetAppend with a cancelled context = %q, %t, %v; want dst, false and its error", got, found, err)
				}
				if tail := string(dst[:cap(dst)]); strings.Trim(tail[len("before"):], "\x00") != "" {
					k.fail("GetAppend wrote behind dst: %q", tail)
				}
			}},
		{name: "GetAppend gives a slice of the caller's own", needs: needs(needAppender),
			rule: "Get returns a slice the caller may change, and so does GetAppend", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				for _, dst := range [][]byte{nil, make([]byte, 0, 100)} {
					got, _, err := c.GetAppend(k.ctx(), dst, "key")
					k.must("GetAppend", err)
					copy(got, "XXXXX")
					k.want(c, "key", "value")
				}
			}},
	}
}
