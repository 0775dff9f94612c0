package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// two caches over one store are what two processes are to each other.
func two(t *testing.T, s cache.Store, o *cache.Options) (one, other *cache.Cache) {
	t.Helper()
	one, err := cache.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = one.Close() })
	return one, over(t, s)
}

func memory(t *testing.T) *memstore.Store {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// breaking is a codec that panics.
type breaking struct{}

func (breaking) Marshal(any) ([]byte, error) { panic("the codec") }
func (breaking) Unmarshal([]byte, any) error { panic("the codec") }

// cracked panics where a lease on "l" is taken, which is its only Add; or where a value is swapped for a lease, which is its first comparison.
type cracked struct {
	*memstore.Store

	adds bool
	err  error // instead of a panic
}

func (s cracked) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	switch {
	case key == "l" && s.err != nil:
		return false, s.err
	case key == "l" && !s.adds:
		panic("the store")
	}
	return s.Store.Add(ctx, key, value, ttl)
}

func (cracked) CompareAndSwap(context.Context, string, []byte, []byte, time.Duration) (bool, error) {
	panic("the store")
}

func TestALeaseIsGivenBackWhateverEndsTheLoad(t *testing.T) {
	p := cache.Policy{TTL: time.Hour, Exclusive: time.Hour, LoadTimeout: time.Minute}
	several := func(ctx context.Context, c *cache.Cache) error {
		_, err := cache.GetOrLoadMany(ctx, c, []string{"k", "l"}, p, func(context.Context, []string) (map[string]string, error) {
			return map[string]string{"k": "value", "l": "value"}, nil
		})
		return err
	}
	for _, tc := range []struct {
		name string
		load func(ctx context.Context, c *cache.Cache) error
		o    *cache.Options
		over func(m *memstore.Store) cache.Store
	}{
		{name: "the loader panics", load: func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.GetOrLoad(ctx, c, "k", p, func(context.Context) (string, error) { panic("the loader") })
			return err
		}},
		{name: "the loader ends its goroutine", load: func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.GetOrLoad(ctx, c, "k", p, func(context.Context) (string, error) { runtime.Goexit(); return "", nil })
			return err
		}},
		{name: "the codec panics", load: func(ctx context.Context, c *cache.Cache) error {
			typed, err := cache.For[string](c, "n", p, cache.WithCodec(breaking{}))
			if err != nil {
				return nil //nolint:nilerr // which is reported
			}
			_, err = typed.GetOrLoad(ctx, "k", loads("value"))
			return err
		}},
		{name: "who listens to events panics", o: &cache.Options{OnEvent: func(e cache.Event) {
			if e.Op == "load" {
				panic("who listens")
			}
		}}, load: func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.GetOrLoad(ctx, c, "k", p, loads("value"))
			return err
		}},
		{name: "the store panics where it is asked for one lease of several", over: func(m *memstore.Store) cache.Store { return cracked{Store: m} }, load: several},
		{name: "the store panics where it is given one value of several", over: func(m *memstore.Store) cache.Store { return cracked{Store: m, adds: true} }, load: several},
		{name: "the store fails where it is asked for one lease of several, and then the source fails", over: func(m *memstore.Store) cache.Store {
			return cracked{Store: m, err: cache.ErrUnavailable}
		}, load: func(ctx context.Context, c *cache.Cache) error {
			_, err := cache.GetOrLoadMany(ctx, c, []string{"k", "l"}, p, func(context.Context, []string) (map[string]string, error) { return nil, errDown })
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := memory(t)
				var s cache.Store = m
				if tc.over != nil {
					s = tc.over(m)
				}
				one, err := cache.New(s, tc.o)
				if err != nil {
					t.Fatal(err)
				}
				defer one.Close()
				if err := tc.load(t.Context(), one); err == nil {
					t.Error("there was no error")
				}
				synctest.Wait()
				begun := time.Now()
				for _, c := range []*cache.Cache{over(t, m), over(t, m).Namespace("n")} {
					stored(t, c, "k", p, "value")
				}
				if waited := time.Since(begun); waited > 0 {
					t.Errorf("the next load waited %v for the lease", waited)
				}
			})
		})
	}
}

func TestAnExclusiveBatchOfHundredsTakesItsLeasesAndStoresInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow()
		c := over(t, s)
		defer c.Close()
		s.set(timeout/50, 1e9, false)
		keys := make([]string, 300)
		for i := range keys {
			keys[i] = fmt.Sprint("k", i)
		}
		begun := time.Now()
		for round := range 2 {
			source := &catalogue{}
			items, err := cache.GetOrLoadMany(t.Context(), c, keys, cache.Policy{TTL: time.Hour, Exclusive: time.Minute}, source.load)
			if len(items) != len(keys) || err != nil {
				t.Errorf("GetOrLoadMany: %d values, %v; want %d", len(items), err, len(keys))
			}
			if len(source.asked) != 1-round {
				t.Errorf("call %d: the source was asked %d times; want it only the first time", round, len(source.asked))
			}
			if took := time.Since(begun); round == 0 && took > 2*timeout {
				t.Errorf("it took %v; want the store's timeout twice at most", took)
			}
			<-time.After(time.Minute)
		}
	})
}

func TestATaggedValueIsStoredThoughEachOperationTakesMostOfTheTimeout(t *testing.T) {
	for _, takes := range []time.Duration{timeout * 4 / 10, timeout * 9 / 10} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p := newSlow(), cache.Policy{TTL: time.Hour, Tags: []string{"a", "b", "c"}}
				c := over(t, s).Namespace("n")
				s.set(takes, 1e9, false)
				stored(t, c, "other", p, "value") // makes the markers
				<-time.After(time.Second)
				stored(t, c, "k", p, "value")
				<-time.After(time.Second)
				wantStored(t, c, "k", "value")
			})
		})
	}
}

func TestSetWithKeepTTLDoesNotTakeOverTheLifetimeOfALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &beforeAdd{Store: memory(t)}
		one, other := two(t, s, nil)
		source := newSource()
		var a *asked
		s.before = func() { // what is absent to other is leased by one when other adds
			a = ask(t.Context(), one, "k", cache.Policy{TTL: time.Hour, Exclusive: time.Second}, source.load)
		}
		if err := other.Set(t.Context(), "k", []byte("set"), cache.KeepTTL); err != nil {
			t.Fatal(err)
		}
		if ttl, found, err := other.TTL(t.Context(), "k"); ttl != time.Hour || !found || err != nil {
			t.Errorf("TTL = %v, %t, %v; want the default", ttl, found, err)
		}
		source.answer <- outcome{value: "old"}
		a.got(t, "old")
		wantStored(t, one, "k", "set")
	})
}

func TestALoadThatCouldNotTakeALeaseLeavesThatOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &beforeAdd{Store: memory(t)}
		one, other := two(t, s.Store, nil)
		far := over(t, s) // of a third process
		source, p := newSource(), cache.Policy{Exclusive: time.Hour}
		var a *asked
		s.before = func() {
			a = ask(t.Context(), one, "k", p, source.load)
			s.err = cache.ErrUnavailable
		}
		stored(t, far, "k", p, "far")
		source.answer <- outcome{value: "one's"}
		a.got(t, "one's")
		wantStored(t, other, "k", "one's")
	})
}

// beforeAdd calls before in the first Add, and fails with err after that.
type beforeAdd struct {
	*memstore.Store

	before func()
	err    error
}

func (s *beforeAdd) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	if s.err != nil {
		return false, s.err
	}
	return s.Store.Add(ctx, key, value, ttl)
}
