package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// The tests of loads are in bubbles: time passes when they say so, and synctest.Wait returns when everybody waits.

// inMemory returns a cache over a memory store of its own, which is closed with the test.
func inMemory(t testing.TB, o *cache.Options) *cache.Cache {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// source is a loader that counts its calls and says when it is let go.
type source struct {
	calls  atomic.Int64
	began  chan struct{} // gets a token with each call
	answer chan outcome  // what a call returns
}

type outcome struct {
	value string
	err   error
}

func newSource() *source { return &source{began: make(chan struct{}, 100), answer: make(chan outcome)} }

func (s *source) load(ctx context.Context) (string, error) {
	s.calls.Add(1)
	s.began <- struct{}{}
	select {
	case o := <-s.answer:
		return o.value, o.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// asked is a call of GetOrLoad that is under way.
type asked struct {
	value string
	err   error
	done  chan struct{}
}

func ask(ctx context.Context, c *cache.Cache, key string, p cache.Policy, load func(context.Context) (string, error)) *asked {
	a := &asked{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.value, a.err = cache.GetOrLoad(ctx, c, key, p, load)
	}()
	synctest.Wait()
	return a
}

func (a *asked) got(t *testing.T, value string) {
	t.Helper()
	<-a.done
	if a.value != value || a.err != nil {
		t.Errorf("GetOrLoad = %q, %v; want %q", a.value, a.err, value)
	}
}

func (a *asked) failed(t *testing.T, want error) {
	t.Helper()
	<-a.done
	if a.value != "" || !errors.Is(a.err, want) {
		t.Errorf("GetOrLoad = %q, %v; want %v", a.value, a.err, want)
	}
}

func (a *asked) waits(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-a.done:
		t.Errorf("GetOrLoad = %q, %v; want it to wait", a.value, a.err)
	default:
	}
}

func wantCalls(t *testing.T, s *source, want int64) {
	t.Helper()
	if n := s.calls.Load(); n != want {
		t.Errorf("the loader was called %d times; want %d", n, want)
	}
}

func wantStored(t *testing.T, c *cache.Cache, key, want string) {
	t.Helper()
	if value, found, err := c.Get(t.Context(), key); string(value) != want || !found || err != nil {
		t.Errorf("Get(%q) = %q, %t, %v; want %q", key, value, found, err, want)
	}
}

func wantAbsent(t *testing.T, c *cache.Cache, key string) {
	t.Helper()
	if value, found, err := c.Get(t.Context(), key); found || err != nil {
		t.Errorf("Get(%q) = %q, %t, %v; want a miss", key, value, found, err)
	}
}

func TestTenThousandCallersOfAColdKeyAreOneLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		var callers sync.WaitGroup
		for range 10_000 {
			callers.Go(func() {
				if v, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, s.load); v != "value" || err != nil {
					t.Errorf("GetOrLoad = %q, %v; want the value", v, err)
				}
			})
		}
		synctest.Wait()
		s.answer <- outcome{value: "value"}
		callers.Wait()
		wantCalls(t, s, 1)
		wantStored(t, c, "k", "value")
	})
}

func TestEachCallerLeavesOnItsOwnContext(t *testing.T) {
	for _, tc := range []struct {
		name  string
		leave func(ctx context.Context) (context.Context, context.CancelFunc)
		want  error
	}{
		{"cancelled", context.WithCancel, context.Canceled},
		{"timed out", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded},
	} {
		t.Run("the first caller is "+tc.name+" and the load goes on for the second", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := inMemory(t, nil), newSource()
				ctx, leave := tc.leave(t.Context())
				first := ask(ctx, c, "k", cache.Policy{}, s.load)
				second := ask(t.Context(), c, "k", cache.Policy{}, s.load)
				if tc.want == context.Canceled {
					leave()
				}
				first.failed(t, tc.want)
				leave()
				second.waits(t)
				s.answer <- outcome{value: "value"}
				second.got(t, "value")
				wantCalls(t, s, 1)
			})
		})
	}
}

func TestWhenTheLastCallerLeavesTheLoadIsCalledOffAndTheNextBeginsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := inMemory(t, nil), newSource()
		ctx, leave := context.WithCancel(t.Context())
		hung := make(chan struct{})
		var why error
		stubborn := func(ctx context.Context) (string, error) {
			<-ctx.Done()
			why = ctx.Err()
			<-hung // it takes its time
			return "of a load that nobody waits for", nil
		}
		first, second := ask(ctx, c, "k", cache.Policy{}, stubborn), ask(ctx, c, "k", cache.Policy{}, stubborn)
		leave()
		first.failed(t, context.Canceled)
		second.failed(t, context.Canceled)
		synctest.Wait()
		if why != context.Canceled {
			t.Errorf("the loader's context says %v; want that it was cancelled", why)
		}
		third := ask(t.Context(), c, "k", cache.Policy{}, s.load)
		wantCalls(t, s, 1)
		s.answer <- outcome{value: "value"}
		third.got(t, "value")
		close(hung)
		synctest.Wait()
		wantStored(t, c, "k", "value")
	})
}

// late is a store whose Gets can be held up after they have read.
type late struct {
	cache.Store

	mu   sync.Mutex
	hold chan struct{}
}

func (s *late) Get(ctx context.Context, key string) ([]byte, bool, error) {
	value, found, err := s.Store.Get(ctx, key)
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return value, found, err
}

func (s *late) holdUp(c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = c
}

func TestACallerThatArrivesAsAFlightEndsReadsAgainAndDoesNotLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		store := &late{Store: m}
		c := over(t, store)
		t.Cleanup(func() { _ = c.Close() })
		s := newSource()
		first := ask(t.Context(), c, "k", cache.Policy{}, s.load)
		hold := make(chan struct{})
		store.holdUp(hold)
		second := ask(t.Context(), c, "k", cache.Policy{}, s.load) // has missed, and has not come to the flight
		store.holdUp(nil)
		s.answer <- outcome{value: "value"}
		first.got(t, "value")
		synctest.Wait() // the flight has ended
		close(hold)
		second.got(t, "value")
		wantCalls(t, s, 1)
	})
}

func TestWhatWasNotFoundIsNotStoredAfterWhatALaterLoadFoundThoughTheStoreIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &late{Store: newShelf()}
		c, p := over(t, s), cache.Policy{NegativeTTL: time.Hour}
		t.Cleanup(func() { _ = c.Close() })
		hold, holdSecond := make(chan struct{}), make(chan struct{})
		s.holdUp(hold)
		first := ask(t.Context(), c, "k", p, func(context.Context) (string, error) { return "", cache.ErrNotFound })
		s.holdUp(holdSecond)
		close(hold) // the caller's own read; the load's is to take longer than the source
		first.failed(t, cache.ErrNotFound)
		s.holdUp(nil)
		ask(t.Context(), c, "k", p, loads("new")).got(t, "new")
		close(holdSecond)
		synctest.Wait()
		wantStored(t, c, "k", "new")
	})
}

func TestCloseEndsLoadsAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, ended := inMemory(t, nil), false
		a := ask(t.Context(), c, "k", cache.Policy{}, func(ctx context.Context) (string, error) {
			<-ctx.Done()
			<-time.After(time.Second)
			ended = true
			return "", ctx.Err()
		})
		if err := c.Close(); err != nil || !ended {
			t.Errorf("Close = %v, the load has ended: %t; want that it has", err, ended)
		}
		a.failed(t, cache.ErrClosed)
		ask(t.Context(), c, "k", cache.Policy{}, func(context.Context) (string, error) { return "value", nil }).failed(t, cache.ErrClosed)
	})
}

func TestCloseDoesNotWaitForeverForALoaderThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hung, begun := inMemory(t, nil), make(chan struct{}), time.Now()
		a := ask(t.Context(), c, "k", cache.Policy{}, func(context.Context) (string, error) { <-hung; return "value", nil })
		if err := c.Close(); err != nil || time.Since(begun) != 5*time.Second {
			t.Errorf("Close = %v after %v; want 5 s", err, time.Since(begun))
		}
		a.failed(t, cache.ErrClosed)
		close(hung)
	})
}
