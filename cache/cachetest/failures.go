package cachetest

import (
	"context"
	"errors"
	"strings"
	"time"

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
				k.whileBroken(s, func(call call) {
					// Without a deadline: the store has a timeout of its own.
					var stores, caches error
					if k.ends(call.method, func() {
						stores = call.do(k.Context(), direct(s))
						caches = call.do(k.Context(), through{c})
					}) {
						k.wantDown(call, stores, caches)
					}
				})
			}},
		{name: "a deadline holds while the backend is broken", needs: needs(needBreak),
			rule: "a deadline is honoured in flight and matches context.DeadlineExceeded", run: func(k *kit) {
				s := k.open()
				c := k.over(s)
				k.set(c, "key", "value", cache.DefaultTTL)
				restore := k.broken()
				defer restore()
				k.whileBroken(s, func(call call) {
					ctx, cancel := context.WithTimeout(k.ctx(), brief)
					defer cancel()
					begun := time.Now()
					err := call.do(ctx, direct(s))
					took := time.Since(begun)
					// A backend that refuses at once is down before the deadline; a second is more than a busy machine needs to tell.
					if !errors.Is(err, context.DeadlineExceeded) && (!errors.Is(err, cache.ErrUnavailable) || took > brief+time.Second) {
						k.fail("%s with a deadline in %v: %v after %v; want DeadlineExceeded, or ErrUnavailable before it", call.method, brief, err, took)
					}
				})
			}},
	}
}

// whileBroken hands out the calls that need the backend, all together, for each may take as long as the store's timeout allows. Clear comes last:
// once it has failed, what is absent because of it may be told without the backend.
func (k *kit) whileBroken(s cache.Store, check func(call)) {
	var first, last []call
	for _, c := range callsOf(s) {
		switch {
		case c.local:
		case c.method == "Clear":
			last = append(last, c)
		default:
			first = append(first, c)
		}
	}
	for _, calls := range [][]call{first, last} {
		k.together(len(calls), func(i int) { check(calls[i]) })
	}
}

// ends tells whether f ends by itself. What does not is left behind.
func (k *kit) ends(what string, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		k.fail("%s has not returned after %v; want an error within a timeout of the store's own", what, limit)
		return false
	}
}

// wantDown checks the errors that a call gave, on the store itself and through a cache, while the backend was broken.
func (k *kit) wantDown(call call, stores, caches error) {
	for who, err := range map[string]error{"store": stores, "cache": caches} {
		if !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			k.fail("the %s's %s: %v; want ErrUnavailable or DeadlineExceeded", who, call.method, err)
			return
		}
	}
	name := call.op
	switch call.named {
	case aKey:
		name += ` "key"`
	case aCount:
		name += " of 1 key"
	}
	if text := caches.Error(); strings.Count(text, name) != 1 || strings.Count(text, `"key"`) > 1 {
		k.fail("the error of the cache's %s does not name %s once: %v", call.method, name, caches)
	}
}
