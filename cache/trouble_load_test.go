package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func wantLoaded(t *testing.T, c *cache.Cache, p cache.Policy, value string) {
	t.Helper()
	v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { return value, nil })
	if v != value || err != nil {
		t.Errorf("GetOrLoad = %q, %v; want %q", v, err, value)
	}
}

func TestWhateverTheStoreDoesACallerWaitsForTheSourceAndTheTimeoutTwice(t *testing.T) {
	inTrouble(t, func(t *testing.T, _ *slow, c *cache.Cache, p cache.Policy, _ trouble) {
		begun, refreshed := time.Now(), make(chan struct{}, 1)
		v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) {
			letPass(sourced)
			refreshed <- struct{}{}
			return "new", nil
		})
		took := time.Since(begun)
		if v != "new" && (v != "old" || p.StaleFor == 0) || err != nil {
			t.Errorf("GetOrLoad = %q, %v; want the value", v, err)
		}
		if limit := sourced + 2*timeout; took > limit {
			t.Errorf("it took %v; want %v at most", took, limit)
		}
		<-refreshed
	})
}

func TestWhereTheSourceFailsTooACallerKnowsAsSoon(t *testing.T) {
	failure := errors.New("the failure")
	inTrouble(t, func(t *testing.T, _ *slow, c *cache.Cache, p cache.Policy, _ trouble) {
		begun := time.Now()
		v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) {
			letPass(sourced)
			return "", failure
		})
		took := time.Since(begun)
		if old := v == "old" && err == nil && p.StaleFor+p.StaleIfError > 0; !old && !errors.Is(err, failure) {
			t.Errorf("GetOrLoad = %q, %v; want the source's error, or the old value where the policy has it", v, err)
		}
		if limit := sourced + 2*timeout; took > limit {
			t.Errorf("it took %v; want %v at most", took, limit)
		}
	})
}

func TestTheOldValueIsNotServedOnceTheSourceGaveANewOneThatCouldNotBeStored(t *testing.T) {
	inTrouble(t, func(t *testing.T, s *slow, c *cache.Cache, p cache.Policy, _ trouble) {
		load := func(context.Context) (string, error) { return "new", nil }
		if _, err := cache.GetOrLoad(t.Context(), c, "k", p, load); err != nil {
			t.Errorf("GetOrLoad: %v", err)
		}
		letPass(time.Minute) // a refresh has ended, whatever the store did
		s.set(0, 1e9, false)
		if v, found, err := c.Get(t.Context(), "k"); found && string(v) != "new" || err != nil {
			t.Errorf("Get = %q, %t, %v; want what is new, or a miss", v, found, err)
		}
		p.Exclusive = 0 // a lease that could not be given back is another matter
		p.LoadTimeout = time.Minute
		wantLoaded(t, c, p, "new")
	})
}

func TestABatchWaitsNoLongerForTheStoreThanOneKey(t *testing.T) {
	keys := []string{"k", "l", "m", "n"}
	inTrouble(t, func(t *testing.T, _ *slow, c *cache.Cache, p cache.Policy, _ trouble) {
		begun := time.Now()
		items, err := cache.GetOrLoadMany(t.Context(), c, keys, p, func(_ context.Context, missing []string) (map[string]string, error) {
			letPass(sourced)
			loaded := map[string]string{}
			for _, key := range missing {
				loaded[key] = "new"
			}
			return loaded, nil
		})
		took := time.Since(begun)
		for _, key := range keys {
			if v := items[key]; v != "new" && (v != "old" || p.StaleFor == 0) || err != nil {
				t.Errorf("GetOrLoadMany = %q, %v; want all values", items, err)
			}
		}
		if limit := sourced + 2*timeout; took > limit {
			t.Errorf("it took %v; want %v at most", took, limit)
		}
	})
}

func TestWhatTheSourceHasNoMoreIsNotServedAnyMore(t *testing.T) {
	inTrouble(t, func(t *testing.T, s *slow, c *cache.Cache, p cache.Policy, _ trouble) {
		gone := func(context.Context) (string, error) { return "", cache.ErrNotFound }
		if v, err := cache.GetOrLoad(t.Context(), c, "k", p, gone); !errors.Is(err, cache.ErrNotFound) && (v != "old" || p.StaleFor == 0) {
			t.Errorf("GetOrLoad = %q, %v; want ErrNotFound", v, err)
		}
		letPass(time.Minute) // a refresh has ended, whatever the store did
		s.set(0, 1e9, false)
		p.Exclusive, p.LoadTimeout = 0, time.Minute
		if v, err := cache.GetOrLoad(t.Context(), c, "k", p, gone); !errors.Is(err, cache.ErrNotFound) {
			t.Errorf("GetOrLoad = %q, %v; want ErrNotFound", v, err)
		}
	})
}
