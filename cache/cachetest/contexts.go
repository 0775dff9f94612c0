package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func expired() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), time.Unix(0, 0))
}

func contextCases() []testCase {
	return []testCase{
		{name: "a context that is done does nothing",
			rule: "done before: no I/O, its error", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "old", cache.DefaultTTL)
				late, cancel := expired()
				defer cancel()
				for _, call := range callsOf(s) {
					if err := call.do(cancelled(), direct(s)); !errors.Is(err, context.Canceled) {
						k.fail("%s with a cancelled context: %v; want context.Canceled", call.method, err)
					}
					if err := call.do(late, direct(s)); !errors.Is(err, context.DeadlineExceeded) {
						k.fail("%s after the deadline: %v; want context.DeadlineExceeded", call.method, err)
					}
				}
				k.want(c, "key", "old")
			}},
		{name: "a context that is not done lives on",
			rule: "an operation ends nothing but itself", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				ctx, cancel := context.WithCancel(k.ctx())
				k.set(c, "key", "value", cache.DefaultTTL)
				_, _, err := c.Get(ctx, "key")
				k.must("Get", err)
				cancel()
				k.want(c, "key", "value")
				k.set(c, "key", "new", cache.DefaultTTL)
			}},
	}
}
