package cachetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/larder-go/larder/cache"
)

func concurrencyCases() []testCase {
	return []testCase{
		{name: "every operation may run beside every other", rule: "all methods may be called by many goroutines at once", run: func(k *kit) {
			c := k.open()
			ctx := k.ctx()
			operations := []func(key string) error{
				func(key string) error { return c.Set(ctx, key, []byte(key), cache.DefaultTTL) },
				func(key string) error {
					v, found, err := c.Get(ctx, key)
					if found && string(v) != key {
						return fmt.Errorf("the value %q", v)
					}
					return err
				},
				func(key string) error { _, err := c.Exists(ctx, key); return err },
				func(key string) error {
					if _, err := c.Add(ctx, key, []byte(key), cache.DefaultTTL); !errors.Is(err, errors.ErrUnsupported) {
						return err
					}
					return nil
				},
				func(key string) error { return c.Delete(ctx, key) },
				func(string) error { return c.Namespace("other").Clear(ctx) },
				func(string) error { return c.Ping(ctx) },
			}
			var all sync.WaitGroup
			for i := range 2 * len(operations) {
				all.Go(func() {
					for n := range 50 {
						key := fmt.Sprint("key", n%3)
						if err := operations[(i+n)%len(operations)](key); err != nil {
							k.fail("an operation on %q beside others: %v", key, err)
							return
						}
					}
				})
			}
			all.Wait()
		}},
	}
}
