package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// heard is what a cache has heard through OnEvent.
type heard struct {
	mu     sync.Mutex
	events []cache.Event
}

func (l *heard) tell(e cache.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// wants checks that there is one event of op with that result and error.
func (l *heard) wants(t *testing.T, op, result string, err error) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.events {
		if e.Op == op && e.Result == result && errors.Is(e.Err, err) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("there are %d events %q, %q with %v in %+v; want one", n, op, result, err, l.events)
	}
}

func (l *heard) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}

// inLittleMemory returns a cache over a memory store in which no value of 64 KiB has room.
func inLittleMemory(t *testing.T, l *heard) *cache.Cache {
	t.Helper()
	s, err := memstore.New(&memstore.Options{MaxBytes: 32 << 10})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(s, &cache.Options{TTL: time.Minute, OnEvent: l.tell})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAValueThatTheStoreHasNoRoomForIsReturnedAndTheOldOneDeleted(t *testing.T) {
	large := strings.Repeat("l", 64<<10)
	for _, p := range policies() {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l heard
				c := inLittleMemory(t, &l)
				wantLoaded(t, c, p, "old")
				<-time.After(time.Minute)
				l.forget()
				if p.StaleFor == 0 {
					wantLoaded(t, c, p, large)
					l.wants(t, "load", cache.ResultOK, nil)
				} else {
					refreshed := make(chan struct{})
					v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { close(refreshed); return large, nil })
					if v != "old" || err != nil {
						t.Errorf("GetOrLoad = %q, %v; want what is stale", v, err)
					}
					<-refreshed
					synctest.Wait()
					l.wants(t, "refresh", cache.ResultOK, nil)
				}
				l.wants(t, "fill", cache.ResultRefused, cache.ErrTooLarge)
				wantAbsent(t, c, "k")
				p := p
				p.StaleFor, p.StaleIfError = time.Hour, time.Hour // what is there now could be served by anybody's policy
				failure := errors.New("the failure")
				v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { return "", failure })
				if err != failure {
					t.Errorf("GetOrLoad = %d bytes, %v; want the source's error: the old value is gone", len(v), err)
				}
				wantLoaded(t, c, p, "small")
				wantStored(t, c, "k", "small")
			})
		})
	}
}

func TestEventsHaveTheErrorOfTheStore(t *testing.T) {
	for _, tc := range []struct {
		name    string
		policy  cache.Policy
		answers int
		op      string
		result  string
	}{
		{"of the first read", cache.Policy{}, 0, "get or load", cache.ResultError},
		{"of the write", cache.Policy{}, 2, "fill", cache.ResultRefused},
		{"of the read before a load that is exclusive", cache.Policy{Exclusive: time.Hour}, 1, "fill", cache.ResultRefused},
		{"of the lease", cache.Policy{Exclusive: time.Hour}, 2, "fill", cache.ResultRefused},
		{"of the write of a load that is exclusive", cache.Policy{Exclusive: time.Hour}, 3, "fill", cache.ResultRefused},
		{"of the tags", cache.Policy{Tags: []string{"tag"}}, 1, "fill", cache.ResultRefused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l heard
				s := newSlow()
				c, err := cache.New(s, &cache.Options{OnEvent: l.tell})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s.set(0, tc.answers, false)
				wantLoaded(t, c, tc.policy, "value")
				<-time.After(time.Minute)
				l.wants(t, tc.op, tc.result, cache.ErrUnavailable)
				l.wants(t, "load", cache.ResultOK, nil)
			})
		})
	}
}

func TestAStoreThatSaysTooLateWhatIsThereIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l heard
		s := newSlow()
		c, err := cache.New(s, &cache.Options{OnEvent: l.tell})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s.set(timeout*9/10, 1e9, false)
		p := cache.Policy{Exclusive: time.Hour}
		wantLoaded(t, c, p, "value")
		<-time.After(time.Minute)
		l.wants(t, "fill", cache.ResultRefused, cache.ErrUnavailable)
		s.set(0, 1e9, false)
		begun := time.Now()
		wantLoaded(t, c, p, "next") // and nobody's lease is left
		if took := time.Since(begun); took != 0 {
			t.Errorf("the next load took %v; want no wait for a lease", took)
		}
	})
}
