package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func loadingPolicies() []cache.Policy {
	const d = time.Hour
	tags := []string{"a", "b"}
	return []cache.Policy{
		{}, {StaleFor: d}, {StaleIfError: d}, {Exclusive: d}, {Tags: tags}, {StaleFor: d, Exclusive: d}, {StaleFor: d, Tags: tags},
		{StaleFor: d, StaleIfError: d, NegativeTTL: d, Exclusive: d, Tags: tags},
	}
}

// The exact times are those of the tests with a fake clock; here it is a machine that may be busy.
func TestACallerHasItsValueInTimeWhateverBecomesOfTheServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	const (
		timeout = 200 * time.Millisecond
		lenient = 10 * timeout
	)
	for _, tc := range []struct {
		name   string
		before func(p *redistest.Proxy) // the call
		during func(p *redistest.Proxy) // the load
	}{
		{"it is down", (*redistest.Proxy).Refuse, nil},
		{"it is silent", (*redistest.Proxy).BlackHole, nil},
		{"it executes and does not answer", (*redistest.Proxy).DropReplies, nil},
		{"it goes down while the source is asked", nil, (*redistest.Proxy).Refuse},
		{"it falls silent while the source is asked", nil, (*redistest.Proxy).BlackHole},
		{"it executes what comes after the source, and does not answer", nil, (*redistest.Proxy).DropReplies},
		{"it falls silent in the first answer", func(p *redistest.Proxy) { p.CutReply(1) }, (*redistest.Proxy).BlackHole},
		{"it is slow", func(p *redistest.Proxy) { p.Delay(timeout * 9 / 10) }, nil},
	} {
		for _, p := range loadingPolicies() {
			t.Run(fmt.Sprintf("%s, %+v", tc.name, p), func(t *testing.T) {
				t.Parallel()
				proxy := redistest.StartProxy(t, server.Addr())
				s := open(t, proxy.URL(), &redisstore.Options{KeyPrefix: rand.Text() + ":", Timeout: timeout})
				c := over(t, s)
				old := p
				old.TTL = time.Millisecond
				wait.Until(t, func() bool { // what is stored is old
					v, err := cache.GetOrLoad(t.Context(), c, "k", old, func(context.Context) (string, error) { return "old", nil })
					_, fresh, failed := c.Get(t.Context(), "k")
					return v == "old" && err == nil && !fresh && failed == nil
				})
				if tc.before != nil {
					tc.before(proxy)
				}
				loaded := make(chan struct{}, 1)
				begun := time.Now()
				v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) {
					if tc.during != nil {
						tc.during(proxy)
					}
					loaded <- struct{}{}
					return "new", nil
				})
				took := time.Since(begun)
				if v != "new" && (v != "old" || p.StaleFor == 0) || err != nil {
					t.Errorf("GetOrLoad = %q, %v; want the value", v, err)
				}
				if took > 2*timeout+lenient {
					t.Errorf("it took %v; want %v at most", took, 2*timeout)
				}
				if v == "old" {
					return // what becomes of the refresh is in the next test
				}
				<-loaded
				proxy.Pass()
				p.Exclusive, p.StaleIfError = 0, 0 // a lease that could not be given back keeps nobody else from loading
				wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
				v, err = cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { return "new", nil })
				if v != "new" || err != nil {
					t.Errorf("GetOrLoad once the server is back = %q, %v; want what is new", v, err)
				}
			})
		}
	}
}

func TestWhatIsStaleIsNotServedOnceARefreshCouldNotBeStored(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, fault := range []struct {
		name string
		set  func(p *redistest.Proxy)
	}{
		{"down", (*redistest.Proxy).Refuse},
		{"silent", (*redistest.Proxy).BlackHole},
	} {
		for _, p := range loadingPolicies() {
			if p.StaleFor == 0 {
				continue
			}
			t.Run(fmt.Sprintf("%s, %+v", fault.name, p), func(t *testing.T) {
				t.Parallel()
				proxy := redistest.StartProxy(t, server.Addr())
				s := open(t, proxy.URL(), &redisstore.Options{KeyPrefix: rand.Text() + ":", Timeout: timeout})
				refused := make(chan error, 100)
				c, err := cache.New(s, &cache.Options{OnEvent: func(e cache.Event) {
					if e.Op == "fill" {
						refused <- e.Err
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				old := p
				old.TTL = time.Millisecond
				get := func(p cache.Policy, value string, during func()) string {
					v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { during(); return value, nil })
					if err != nil {
						t.Error(err)
					}
					return v
				}
				get(old, "old", func() {})
				wait.Until(t, func() bool { _, fresh, err := c.Get(t.Context(), "k"); return !fresh && err == nil })
				if v := get(p, "new", func() { fault.set(proxy) }); v != "old" {
					t.Errorf("GetOrLoad = %q; want what is stale", v)
				}
				if err := <-refused; !errors.Is(err, cache.ErrUnavailable) {
					t.Errorf("the event has %v; want the store's ErrUnavailable", err)
				}
				proxy.Pass()
				wait.Until(t, func() bool { return s.Ping(t.Context()) == nil })
				p.Exclusive = 0
				if v := get(p, "newer", func() {}); v != "newer" {
					t.Errorf("GetOrLoad once the server is back = %q; want what is newer", v)
				}
			})
		}
	}
}
