package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// exclusive is a policy whose leases do not run out within a case.
func exclusive() cache.Policy { return cache.Policy{TTL: time.Hour, Exclusive: limit} }

var errSource = errors.New("the source fails")

// held is a load that has read the source, and is held up before it returns what it read.
type held struct {
	kit   *kit
	let   func()
	fails error // what the loader returns beside the value; set before it is let go
	done  chan struct{}
	value string
	err   error
}

// hold begins a load of value and returns when its loader has been called.
func (k *kit) hold(c *cache.Cache, key string, p cache.Policy, value string) *held {
	k.Helper()
	ctx := k.ctx()
	began, let := make(chan struct{}), make(chan struct{})
	h := &held{kit: k, let: sync.OnceFunc(func() { close(let) }), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		defer func() {
			if p := recover(); p != nil {
				h.err = fmt.Errorf("the store panicked: %v\n%s", p, debug.Stack())
			}
		}()
		h.value, h.err = cache.GetOrLoad(ctx, c, key, p, func(context.Context) (string, error) {
			close(began)
			<-let
			return value, h.fails
		})
	}()
	k.Cleanup(func() {
		h.let()
		<-h.done
	})
	select {
	case <-began:
	case <-h.done:
		k.Fatalf("GetOrLoad(%.40q) = %.40q, %v, and has not called its loader\n\tthe rule: %s", key, h.value, h.err, k.rule)
	}
	return h
}

// ends lets the load go and checks that its caller gets value, or the loader's error.
func (h *held) ends(value string) {
	h.kit.Helper()
	h.let()
	<-h.done
	if !errors.Is(h.err, h.fails) || h.value != value {
		h.kit.fail("GetOrLoad by a caller whose loader was held up = %.40q, %v; want %.40q, %v", h.value, h.err, value, h.fails)
	}
}

// load checks that GetOrLoad calls its loader, and returns what that returns.
func (k *kit) load(c *cache.Cache, key string, p cache.Policy, value string) {
	k.Helper()
	calls := 0
	got, err := cache.GetOrLoad(k.ctx(), c, key, p, func(context.Context) (string, error) {
		calls++
		return value, nil
	})
	if err != nil || got != value || calls != 1 {
		k.fail("GetOrLoad(%.40q) = %.40q, %v, after %d calls of the loader; want %.40q, after one", key, got, err, calls, value)
	}
}

// wantLoaded checks that GetOrLoad finds value, and has nothing to load.
func (k *kit) wantLoaded(c *cache.Cache, key, value string) {
	k.Helper()
	got, err := cache.GetOrLoad(k.ctx(), c, key, cache.Policy{}, func(context.Context) (string, error) {
		return "", errors.New("the loader was called")
	})
	if err != nil || got != value {
		k.fail("GetOrLoad(%.40q) = %.40q, %v; want %.40q, which is there", key, got, err, value)
	}
}

// pastTTL loads value under every key, with a TTL that is over when it returns: what the policy keeps longer is past it. That time is the process's, whatever the clock of the store.
func (k *kit) pastTTL(c *cache.Cache, keys []string, p cache.Policy, value string) {
	k.Helper()
	p.TTL = brief / 2
	for _, key := range keys {
		k.load(c, key, p, value)
	}
	pass(k.Context(), brief)
}

// oneLoad checks that many who ask the caches for a key that is not there share one load, and nothing else: what one does to his value nobody sees.
func (k *kit) oneLoad(p cache.Policy, caches ...*cache.Cache) {
	k.Helper()
	const callers = 200
	ctx := k.ctx()
	var loads atomic.Int64
	var asking sync.WaitGroup
	asking.Add(callers)
	values := make([][]byte, callers)
	ask := func(i int) {
		var err error
		values[i], err = cache.GetOrLoad(ctx, caches[i%len(caches)], "cold", p, func(context.Context) ([]byte, error) {
			loads.Add(1)
			asking.Wait() // as good as all of them wait for it
			return []byte("value"), nil
		})
		if err != nil || string(values[i]) != "value" {
			k.fail("GetOrLoad of caller %d = %q, %v; want the value", i, values[i], err)
		}
	}
	own := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, len("value")) }
	k.together(callers, func(i int) {
		asking.Done()
		ask(i)
		copy(values[i], own(i))
		_ = append(values[i], "beyond"...)
	})
	for range 2 { // then it is there
		for i := range callers {
			if len(values[i]) > 0 && !bytes.Equal(values[i], own(i)) {
				k.fail("the value of caller %d became %q, which another wrote", i, values[i])
				return
			}
		}
		for i := range callers {
			ask(i)
		}
		for i := range callers {
			copy(values[i], own(i))
		}
	}
	if n := loads.Load(); n != 1 {
		k.fail("%d callers called the loader %d times; want once", callers, n)
	}
	for _, c := range caches {
		k.want(c, "cold", "value")
	}
}
