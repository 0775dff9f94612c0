package cachetest

import (
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

func concurrencyCases() []testCase {
	return []testCase{
		{name: "every operation may run beside every other",
			rule: "all methods may be called by many goroutines at once", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				ctx := k.ctx()
				served := callsOf(s)
				k.together(2*len(served), func(i int) {
					for n := range 50 {
						call := served[(i+n)%len(served)]
						err := call.do(ctx, through{c.Namespace(fmt.Sprint("n", n%3))})
						// What these answer on each other's values.
						if err != nil && !errors.Is(err, cache.ErrNotInteger) && !errors.Is(err, errors.ErrUnsupported) && call.method != "Take" {
							k.fail("%s beside others: %v", call.method, err)
							return
						}
					}
				})
			}},
		{name: "values are whole whoever writes",
			rule: "linearizable per key: a Get returns a value that somebody set", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				k.together(8, func(i int) {
					for n := range 50 {
						key := fmt.Sprint("key", n%2)
						value := fmt.Appendf(nil, "%0*d", 1+1000*i, i)
						if err := c.Set(ctx, key, value, cache.DefaultTTL); err != nil {
							k.fail("Set: %v", err)
							return
						}
						got, found, err := c.Get(ctx, key)
						if err != nil || !found {
							k.fail("Get = %t, %v beside Sets", found, err)
							return
						}
						if by := int(got[len(got)-1] - '0'); len(got) != max(1, 1+1000*by) {
							k.fail("Get found %d bytes that end in %d, which nobody set", len(got), by)
							return
						}
					}
				})
			}},
	}
}
