package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestAKeyOfABatchThatHasItsValueIsLoadedAnewWhileTheBatchGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		// Two processes: the other one's lease keeps the batch from ending.
		c, other := over(t, m), over(t, m)
		t.Cleanup(func() { _, _ = c.Close(), other.Close() })
		theirs, p := newSource(), cache.Policy{Exclusive: time.Hour}
		b := ask(t.Context(), other, "b", p, theirs.load)
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantMany(t, c, p, (&catalogue{}).load, []string{"a", "b"}, map[string]string{"a": "value of a", "b": "theirs"})
		}()
		synctest.Wait()
		wantStored(t, c, "a", "value of a")
		if err := other.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		ask(t.Context(), c, "a", p, loads("new")).got(t, "new")
		theirs.answer <- outcome{value: "theirs"}
		b.got(t, "theirs")
		<-done
		wantStored(t, c, "a", "new")
	})
}

func TestWhatABatchDidNotFindIsLoadedAnewWhileAnotherOfItsValuesIsBeingStored(t *testing.T) {
	for _, keys := range [][]string{{"a", "b"}, {"b", "a"}} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := overGates(t)
				open := s.shut("b's")
				only := func(context.Context, []string) (map[string]string, error) { return map[string]string{"b": "b's"}, nil }
				wantMany(t, c, cache.Policy{}, only, keys, map[string]string{"b": "b's"}) // waits for the store no longer than its timeout
				ask(t.Context(), c, "a", cache.Policy{}, loads("new")).got(t, "new")
				open()
				synctest.Wait()
				wantStored(t, c, "a", "new")
				wantStored(t, c, "b", "b's")
			})
		})
	}
}

func TestWhatWasNotFoundIsNotStoredOverWhatALaterLoadFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := overGates(t)
		p := cache.Policy{NegativeTTL: time.Hour}
		open := s.shut("\x00\x00") // what stands for nothing
		first := ask(t.Context(), c, "k", p, func(context.Context) (string, error) { return "", cache.ErrNotFound })
		first.failed(t, cache.ErrNotFound) // waits for the store no longer than its timeout
		ask(t.Context(), c, "k", p, loads("new")).got(t, "new")
		open()
		synctest.Wait()
		wantStored(t, c, "k", "new")
	})
}

func TestErrNotFoundOfABatchsLoaderIsAnErrorOfTheCallAndIsNotRemembered(t *testing.T) {
	own := fmt.Errorf("no such tenant: %w", cache.ErrNotFound)
	for name, c := range map[string]*cache.Cache{"of a cache": inMemory(t, nil), "of a nil cache": nil} {
		t.Run(name, func(t *testing.T) {
			p := cache.Policy{NegativeTTL: time.Minute}
			s := &catalogue{err: own}
			for range 2 {
				if got, err := cache.GetOrLoadMany(t.Context(), c, []string{"a", "b"}, p, s.load); got != nil || err != own {
					t.Errorf("GetOrLoadMany = %v, %v; want nothing and the loader's own error", got, err)
				}
			}
			wantAsked(t, s, []string{"a", "b"}, []string{"a", "b"})
			if v, err := cache.GetOrLoad(t.Context(), c, "a", p, loads("value")); v != "value" || err != nil {
				t.Errorf("GetOrLoad = %q, %v; want the value", v, err)
			}
		})
	}
}

func TestSchemasDoNotShareALoad(t *testing.T) {
	type name struct{ Full string }
	type names struct{ First, Last string }
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		one, err1 := cache.For[name](c, "people", cache.Policy{}, cache.WithSchema(1))
		two, err2 := cache.For[names](c, "people", cache.Policy{}, cache.WithSchema(2))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			v, err := one.GetOrLoad(t.Context(), "1", func(ctx context.Context) (name, error) {
				full, err := s.load(ctx)
				return name{full}, err
			})
			if v.Full != "Ann Lee" || err != nil {
				t.Errorf("GetOrLoad of schema 1 = %+v, %v", v, err)
			}
		}()
		<-s.began
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if v, err := two.GetOrLoad(ctx, "1", loads(names{"Ann", "Lee"})); v.First != "Ann" || err != nil {
			t.Errorf("GetOrLoad of schema 2 = %+v, %v; want what its own loader returned", v, err)
		}
		s.answer <- outcome{value: "Ann Lee"}
		<-done
	})
}

func TestAnExclusiveLoadThatTheStoreIsTooSlowForLeavesTheLeaseOfAnotherProcess(t *testing.T) {
	for _, takes := range []time.Duration{0, sourced} { // the store says whose lease is there after the source, and before it
		t.Run("the source takes "+takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := newShelf(), newSlow()
				far.shelf = near
				far.set(timeout+1, 1e9, false)
				one, two := over(t, near.addingAndSwapping()), over(t, far) // two processes, of which one is far from the store
				t.Cleanup(func() { _, _ = one.Close(), two.Close() })
				s, p := newSource(), cache.Policy{Exclusive: time.Hour}
				a := ask(t.Context(), one, "k", p, s.load)
				ask(t.Context(), two, "k", p, func(context.Context) (string, error) {
					letPass(takes)
					return "two's", nil
				}).got(t, "two's")
				letPass(sourced) // whatever two still asks the store for
				s.answer <- outcome{value: "one's"}
				a.got(t, "one's")
				wantStored(t, one, "k", "one's")
			})
		})
	}
}

func TestTheContextOfALoaderThatHasEndedMayAskForTheKeyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, own := inMemory(t, nil), make(chan context.Context, 1)
		ask(t.Context(), c, "k", cache.Policy{TTL: time.Minute}, func(ctx context.Context) (string, error) { own <- ctx; return "old", nil }).got(t, "old")
		<-time.After(time.Minute)
		ask(context.WithoutCancel(<-own), c, "k", cache.Policy{}, loads("new")).got(t, "new")
	})
}
