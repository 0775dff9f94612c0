package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// hooked is a memory store that calls a function of the test before an operation, whose error is that of the operation.
type hooked struct {
	*memstore.Store

	mu   sync.Mutex
	hook func(op string) error
}

func (s *hooked) set(hook func(op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

func (s *hooked) before(op string) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	return hook(op)
}

func overHook(t *testing.T) (*cache.Cache, *hooked) {
	t.Helper()
	s := &hooked{Store: memory(t), hook: func(string) error { return nil }}
	c := over(t, s)
	t.Cleanup(func() { _ = c.Close() })
	return c, s
}

func (s *hooked) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.before("set"); err != nil {
		return err
	}
	return s.Store.Set(ctx, key, value, ttl)
}

func (s *hooked) Delete(ctx context.Context, key string) error {
	if err := s.before("delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key)
}

func (s *hooked) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.before("get"); err != nil {
		return nil, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *hooked) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if err := s.before("swap"); err != nil {
		return false, err
	}
	return s.Store.CompareAndSwap(ctx, key, old, value, ttl)
}

func TestAStoreThatSaysLateWhatIsThereDoesNotHideTheLoadFromWhoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newShelf()
		s := &late{Store: below}
		c, source := over(t, s), newSource()
		t.Cleanup(func() { _ = c.Close() })
		first, second := make(chan struct{}), make(chan struct{})
		s.holdUp(first)
		a := ask(t.Context(), c, "k", cache.Policy{}, source.load) // has missed
		below.put("k", "of another process", time.Hour)
		s.holdUp(second)
		close(first) // and reads once more, which takes longer than the loader has patience
		<-source.began
		s.holdUp(nil)
		close(second)
		synctest.Wait()
		if err := c.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		source.answer <- outcome{value: "old"}
		a.got(t, "old")
		synctest.Wait()
		wantAbsent(t, c, "k")
	})
}

func TestWhoSetsWaitsForALoadThatRemovesWhatItCouldNotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := overHook(t)
		removed, sets := make(chan struct{}), 0
		s.set(func(op string) error {
			switch op {
			case "delete":
				<-removed
			case "set":
				if sets++; sets == 1 {
					return cache.ErrUnavailable
				}
			}
			return nil
		})
		a := ask(t.Context(), c, "k", cache.Policy{}, loads("loaded"))
		done := make(chan error, 1)
		go func() { done <- c.Set(t.Context(), "k", []byte("set"), time.Hour) }()
		synctest.Wait()
		close(removed)
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.got(t, "loaded")
		synctest.Wait()
		wantStored(t, c, "k", "set")
	})
}

func TestADeleteThatCouldNotWaitForALeaseToBeGivenBackIsMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := overHook(t)
		p := cache.Policy{TTL: time.Minute, StaleFor: time.Hour, Exclusive: time.Minute}
		stored(t, c, "k", p, "old")
		<-time.After(time.Minute)
		swaps, given := 0, make(chan struct{})
		s.set(func(op string) error {
			if op == "swap" {
				if swaps++; swaps == 2 { // the first takes the lease
					<-given
				}
			}
			return nil
		})
		ask(t.Context(), c, "k", p, func(context.Context) (string, error) { return "", errDown }).got(t, "old")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Delete(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Delete: %v; want context.DeadlineExceeded", err)
		}
		close(given)
		synctest.Wait()
		ask(t.Context(), c, "k", p, loads("new")).got(t, "new")
	})
}

func TestALoaderThatHangsFreesItsKeyAndItsLeaseThoughAnOldValueIsServedForIt(t *testing.T) {
	for _, exclusive := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprintf("Exclusive is %v", exclusive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, hung := inMemory(t, nil), make(chan struct{})
				p := cache.Policy{TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second, Exclusive: exclusive}
				stored(t, c, "k", p, "old")
				<-time.After(time.Minute)
				ask(t.Context(), c, "k", p, func(context.Context) (string, error) { <-hung; return "hung", nil }).got(t, "old")
				begun := time.Now()
				ask(t.Context(), c, "k", p, loads("new")).got(t, "new")
				if waited := time.Since(begun); waited > time.Second {
					t.Errorf("the next load began after %v", waited)
				}
				close(hung)
				synctest.Wait()
				wantStored(t, c, "k", "new")
			})
		})
	}
}

func TestAStoreThatPanicsWhileTheOldValueIsLookedForIsAnErrorOfTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := overHook(t)
		p := cache.Policy{TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second}
		hung := make(chan struct{})
		a := ask(t.Context(), c, "k", p, func(context.Context) (string, error) { <-hung; return "", errDown })
		s.set(func(string) error { panic("the store") })
		<-a.done
		if _, ok := errors.AsType[*cache.PanicError](a.err); !ok {
			t.Errorf("GetOrLoad = %q, %v; want a PanicError", a.value, a.err)
		}
		s.set(func(string) error { return nil })
		close(hung)
	})
}

func TestWhateverEndsTheGoroutineOfALoadIsAnErrorOfTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, of := range []string{"get", "set"} {
			c, s := overHook(t)
			asks := 0
			s.set(func(op string) error {
				if asks++; op == of && asks > 1 { // but not the caller's own
					runtime.Goexit()
				}
				return nil
			})
			begun := time.Now()
			v, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, loads("value"))
			if v != "value" && err == nil || time.Since(begun) > time.Minute {
				t.Errorf("%s: GetOrLoad = %q, %v after %v; want an error at once", of, v, err, time.Since(begun))
			}
		}
	})
}

func TestWhatIsStoredByAnInterfaceIsReadByIt(t *testing.T) {
	c := inMemory(t, nil)
	for i, value := range []any{"text", "123", true, nil} {
		for range 2 {
			got, err := cache.GetOrLoad(t.Context(), c, fmt.Sprint("k", i), cache.Policy{}, loads(value))
			if got != value || err != nil {
				t.Errorf("GetOrLoad = %v, %v; want %v", got, err, value)
			}
		}
	}
}

func TestWhatWasNotFoundIsRememberedOnlyByThosePoliciesAndSchemas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, nil)
		gone := func(context.Context) (string, error) { return "", cache.ErrNotFound }
		p := cache.Policy{NegativeTTL: time.Hour}
		ask(t.Context(), c, "k", p, gone).failed(t, cache.ErrNotFound)
		ask(t.Context(), c, "k", p, loads("new")).failed(t, cache.ErrNotFound)
		ask(t.Context(), c, "k", cache.Policy{}, loads("new")).got(t, "new")

		one, err1 := cache.For[string](c, "n", p, cache.WithSchema(1))
		two, err2 := cache.For[string](c, "n", p, cache.WithSchema(2))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if _, err := one.GetOrLoad(t.Context(), "k", gone); !errors.Is(err, cache.ErrNotFound) {
			t.Error(err)
		}
		if v, err := two.GetOrLoad(t.Context(), "k", loads("new")); v != "new" || err != nil {
			t.Errorf("GetOrLoad of another schema = %q, %v; want what it loads", v, err)
		}
	})
}

func TestAValueThatDoesNotEncodeIsAnErrorThoughAnOldOneIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := inMemory(t, nil), cache.Policy{TTL: time.Minute, StaleIfError: time.Hour}
		stored(t, c, "k", p, "1")
		<-time.After(time.Minute)
		if v, err := cache.GetOrLoad(t.Context(), c, "k", p, loads(func() {})); v != nil || err == nil {
			t.Errorf("GetOrLoad = %p, %v; want an error", v, err)
		}
	})
}

func TestALoaderIsNotCalledForNobody(t *testing.T) {
	for _, exclusive := range []time.Duration{0, time.Hour} {
		t.Run(fmt.Sprintf("Exclusive is %v", exclusive), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, source := &late{Store: memory(t)}, newSource()
				c := over(t, struct {
					cache.Store
					cache.Adder
					cache.Swapper
				}{s, s.Store.(cache.Adder), s.Store.(cache.Swapper)})
				t.Cleanup(func() { _ = c.Close() })
				first, second := make(chan struct{}), make(chan struct{})
				s.holdUp(first)
				ctx, leave := context.WithCancel(t.Context())
				a := ask(ctx, c, "k", cache.Policy{Exclusive: exclusive}, source.load)
				s.holdUp(second)
				close(first)
				synctest.Wait() // the load reads once more
				leave()
				a.failed(t, context.Canceled)
				close(second)
				synctest.Wait()
				wantCalls(t, source, 0)
				s.holdUp(nil)
				stored(t, c, "k", cache.Policy{Exclusive: time.Hour}, "value") // and no lease is left
			})
		})
	}
}
