package cachetest

import (
	"context"
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
)

func failureCases() []testCase {
	return []testCase{
		{name: "a broken backend gives errors that say what failed", needs: needs(needBreak),
			rule: "an error that matches ErrUnavailable or DeadlineExceeded, names the operation and the key once; never found, never a hang", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "value", cache.DefaultTTL)
				restore := k.broken()
				defer restore()
				for _, call := range callsOf(s) {
					if call.local {
						continue
					}
					if err := call.do(k.ctx(), direct(s)); !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
						k.fail("the store's %s: %v; want ErrUnavailable or DeadlineExceeded", call.method, err)
					}
					err := call.do(k.ctx(), through{c})
					if !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
						k.fail("the cache's %s: %v; want ErrUnavailable or DeadlineExceeded", call.method, err)
						continue
					}
					name := call.op
					switch call.named {
					case aKey:
						name += ` "key"`
					case aCount:
						name += " of 1 key"
					}
					if text := err.Error(); strings.Count(text, name) != 1 || strings.Count(text, `"key"`) > 1 {
						k.fail("the error of the cache's %s does not name %s once: %v", call.method, name, err)
					}
				}
			}},
		{name: "a deadline holds while the backend is broken", needs: needs(needBreak),
			rule: "a deadline is honoured in flight and matches context.DeadlineExceeded", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "value", cache.DefaultTTL)
				restore := k.broken()
				defer restore()
				for _, call := range callsOf(s) {
					if call.local {
						continue
					}
					ctx, cancel := context.WithTimeout(k.ctx(), brief)
					err := call.do(ctx, direct(s))
					// A backend that refuses at once is down before the deadline.
					if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cache.ErrUnavailable) {
						k.fail("%s with a deadline in %v: %v; want DeadlineExceeded, or ErrUnavailable before it", call.method, brief, err)
					}
					cancel()
				}
			}},
	}
}
