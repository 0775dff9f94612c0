package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// stored loads value under key.
func stored(t *testing.T, c *cache.Cache, key string, p cache.Policy, value string) {
	t.Helper()
	if v, err := cache.GetOrLoad(t.Context(), c, key, p, loads(value)); v != value || err != nil {
		t.Fatalf("GetOrLoad(%q) = %q, %v; want %q", key, v, err, value)
	}
}

func TestALoadedValueIsFreshForItsTTLOrUpToATwentiethLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, &cache.Options{TTL: time.Hour})
		for ttl, want := range map[time.Duration]time.Duration{0: time.Hour, cache.DefaultTTL: time.Hour, 100 * time.Second: 100 * time.Second} {
			var all []time.Duration
			for i := range 200 {
				key := fmt.Sprint(ttl, i)
				stored(t, c, key, cache.Policy{TTL: ttl, StaleFor: time.Duration(i%2) * time.Hour}, "value")
				left, found, err := c.TTL(t.Context(), key)
				if !found || err != nil || left > want || left < want*19/20 {
					t.Fatalf("TTL = %v, %t, %v; want %v to %v", left, found, err, want*19/20, want)
				}
				all = append(all, left)
			}
			if slices.Max(all)-slices.Min(all) < want/50 {
				t.Errorf("%v: they expire together, within %v", ttl, slices.Max(all)-slices.Min(all))
			}
		}
		stored(t, c, "forever", cache.Policy{TTL: cache.Forever}, "value")
		if left, found, err := c.TTL(t.Context(), "forever"); left != cache.Forever || !found || err != nil {
			t.Errorf("TTL = %v, %t, %v; want Forever", left, found, err)
		}
	})
}

func TestWhatIsStaleIsServedWhileOneRefreshesIt(t *testing.T) {
	for _, p := range []cache.Policy{
		{TTL: time.Minute, StaleFor: time.Minute}, {TTL: time.Minute, StaleFor: time.Minute, Exclusive: time.Hour},
		{TTL: time.Minute, StaleFor: time.Minute, StaleIfError: time.Hour, Tags: []string{"tag"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := inMemory(t, nil), newSource()
			stored(t, c, "k", p, "old")
			<-time.After(time.Minute)
			ctx, leave := context.WithCancel(t.Context())
			for range 100 {
				ask(ctx, c, "k", p, s.load).got(t, "old")
			}
			leave() // the refresh goes on
			synctest.Wait()
			wantCalls(t, s, 1)
			wantAbsent(t, c, "k")
			s.answer <- outcome{value: "new"}
			synctest.Wait()
			ask(t.Context(), c, "k", p, s.load).got(t, "new")
			wantStored(t, c, "k", "new")
			wantCalls(t, s, 1)
		})
	}
}

func TestAfterStaleForCallersWaitForTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), newSource(), cache.Policy{TTL: time.Minute, StaleFor: time.Second, LoadTimeout: time.Hour}
		stored(t, c, "k", p, "old")
		left, _, err := c.TTL(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(left + time.Second - 1)
		ask(t.Context(), c, "k", p, s.load).got(t, "old")
		<-time.After(1)
		a := ask(t.Context(), c, "k", p, s.load)
		a.waits(t)
		s.answer <- outcome{value: "new"}
		a.got(t, "new")
		wantCalls(t, s, 1)
	})
}

func TestARefreshThatFailsLeavesTheOldValueUntilStaleForIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), newSource(), cache.Policy{TTL: time.Minute, StaleFor: time.Minute, Exclusive: time.Hour}
		stored(t, c, "k", p, "old")
		<-time.After(time.Minute)
		for range 3 {
			ask(t.Context(), c, "k", p, s.load).got(t, "old")
			s.answer <- outcome{err: errors.New("the source is down")}
			synctest.Wait()
		}
		wantCalls(t, s, 3)
		<-time.After(time.Minute)
		a := ask(t.Context(), c, "k", p, s.load)
		s.answer <- outcome{value: "new"}
		a.got(t, "new")
	})
}

func TestARefreshThatFindsNothingRemovesTheOldValue(t *testing.T) {
	for _, p := range []cache.Policy{
		{TTL: time.Minute, StaleFor: time.Hour, StaleIfError: time.Hour}, {TTL: time.Minute, StaleFor: time.Hour, NegativeTTL: time.Minute},
		{TTL: time.Minute, StaleFor: time.Hour, Exclusive: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, s := inMemory(t, nil), newSource()
			stored(t, c, "k", p, "old")
			<-time.After(time.Minute)
			ask(t.Context(), c, "k", p, s.load).got(t, "old")
			s.answer <- outcome{err: fmt.Errorf("no row: %w", cache.ErrNotFound)}
			synctest.Wait()
			a := ask(t.Context(), c, "k", p, s.load)
			if p.NegativeTTL == 0 {
				a.waits(t)
				s.answer <- outcome{err: cache.ErrNotFound}
			}
			a.failed(t, cache.ErrNotFound)
		})
	}
}

func TestBackgroundRefreshesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		c := inMemory(t, &cache.Options{OnEvent: func(e cache.Event) {
			if e.Op == "refresh" && e.Result == cache.ResultRefused {
				refused++
			}
		}})
		s, p := newSource(), cache.Policy{TTL: time.Minute, StaleFor: time.Hour}
		for i := range 70 {
			stored(t, c, fmt.Sprint(i), p, "old")
		}
		<-time.After(time.Minute)
		for i := range 70 {
			ask(t.Context(), c, fmt.Sprint(i), p, s.load).got(t, "old")
		}
		ask(t.Context(), c, "0", p, s.load).got(t, "old") // which is being refreshed
		wantCalls(t, s, 64)
		if refused != 6 {
			t.Errorf("%d refreshes were refused; want 6", refused)
		}
		s.answer <- outcome{value: "new"}
		synctest.Wait()
		ask(t.Context(), c, "69", p, s.load).got(t, "old")
		wantCalls(t, s, 65)
	})
}

func TestCloseStopsRefreshesAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, ended := inMemory(t, nil), cache.Policy{TTL: time.Minute, StaleFor: time.Hour}, false
		stored(t, c, "k", p, "old")
		<-time.After(time.Minute)
		ask(t.Context(), c, "k", p, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			<-time.After(time.Second)
			ended = true
			return "", ctx.Err()
		}).got(t, "old")
		if err := c.Close(); err != nil || !ended {
			t.Errorf("Close = %v, the refresh has ended: %t; want that it has", err, ended)
		}
	})
}

func TestStaleIfErrorServesTheOldValueWhereTheSourceFails(t *testing.T) {
	failure := errors.New("the source is down")
	for name, p := range map[string]cache.Policy{
		"":                      {TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second},
		" in an exclusive load": {TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second, Exclusive: time.Minute},
	} {
		t.Run("until its time is over"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				stored(t, c, "k", p, "old")
				<-time.After(time.Minute)
				for range 2 {
					a := ask(t.Context(), c, "k", p, s.load)
					a.waits(t)
					wantAbsent(t, c, "k")
					s.answer <- outcome{err: failure}
					a.got(t, "old")
				}
				<-time.After(time.Hour)
				a := ask(t.Context(), c, "k", p, s.load)
				s.answer <- outcome{err: failure}
				a.failed(t, failure)
				wantCalls(t, s, 3)
			})
		})
		t.Run("and not one that was deleted meanwhile"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				stored(t, c, "k", p, "old")
				<-time.After(time.Minute)
				a := ask(t.Context(), c, "k", p, s.load)
				if err := c.Delete(t.Context(), "k"); err != nil {
					t.Fatal(err)
				}
				s.answer <- outcome{err: failure}
				a.failed(t, failure)
			})
		})
		t.Run("and that nothing was found is no failure"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				stored(t, c, "k", p, "old")
				<-time.After(time.Minute)
				for range 2 {
					a := ask(t.Context(), c, "k", p, s.load)
					s.answer <- outcome{err: cache.ErrNotFound}
					a.failed(t, cache.ErrNotFound)
				}
			})
		})
	}
}

func TestNegativeTTLRemembersThatNothingWasFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), newSource(), cache.Policy{NegativeTTL: time.Minute}
		first := ask(t.Context(), c, "k", p, s.load)
		own := fmt.Errorf("no row: %w", cache.ErrNotFound)
		s.answer <- outcome{err: own}
		if first.failed(t, cache.ErrNotFound); first.err != own {
			t.Errorf("the error is %v; want the loader's own", first.err)
		}
		again := ask(t.Context(), c, "k", p, s.load)
		again.failed(t, cache.ErrNotFound)
		if want := `cache: get or load "k": not found`; again.err.Error() != want {
			t.Errorf("the error is %q; want %q", again.err, want)
		}
		wantCalls(t, s, 1)
		wantAbsent(t, c, "k")
		<-time.After(time.Minute)
		third := ask(t.Context(), c, "k", p, s.load)
		s.answer <- outcome{value: "value"}
		third.got(t, "value")
	})
}

func TestWithoutNegativeTTLNothingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		for range 2 {
			a := ask(t.Context(), c, "k", cache.Policy{}, s.load)
			s.answer <- outcome{err: cache.ErrNotFound}
			a.failed(t, cache.ErrNotFound)
		}
		wantCalls(t, s, 2)
	})
}
