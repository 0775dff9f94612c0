package cache_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

func TestAddOfWhatHasExpiredAnswersAsUsual(t *testing.T) {
	for _, tc := range []struct{ there, want bool }{{false, true}, {true, false}} {
		s := &recorder{found: tc.there}
		stored, err := over(t, s).Add(t.Context(), "k", nil, 0)
		if stored != tc.want || err != nil {
			t.Errorf("Add where an entry is there: %t = %t, %v; want %t", tc.there, stored, err, tc.want)
		}
	}
}

func TestIncrementOfWhatHasExpired(t *testing.T) {
	for name, s := range map[string]cache.Store{
		"over an Incrementer": struct {
			cache.Store
			cache.Incrementer
		}{&recorder{}, &recorder{}},
		"by swapping": newShelf().addingAndSwapping(),
	} {
		t.Run(name, func(t *testing.T) {
			c := over(t, s)
			if n, err := c.Increment(t.Context(), "k", -4, 0); n != -4 || err != nil {
				t.Errorf("Increment of an absent number = %d, %v; want the delta", n, err)
			}
			if found, err := c.Exists(t.Context(), "k"); found || err != nil {
				t.Errorf("afterwards it is there: %t, %v; want that nothing was stored", found, err)
			}
		})
	}
}

func TestIncrementGivesTheStoresErrors(t *testing.T) {
	for _, want := range []error{cache.ErrNotInteger, cache.ErrOverflow, cache.ErrUnavailable, cache.ErrNotFound} {
		n, err := over(t, &recorder{err: want}).Increment(t.Context(), "k", 1, time.Hour)
		if n != 0 || !errors.Is(err, want) {
			t.Errorf("Increment = %d, %v; want 0, %v", n, err, want)
		}
	}
}

func TestIncrementBySwappingKeepsTheLifetimeOfANumberThatIsThere(t *testing.T) {
	for _, ttl := range []time.Duration{time.Minute, cache.DefaultTTL, cache.KeepTTL, cache.Forever, 0, -1, math.MinInt64} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf()
			s.put("k", "40", time.Second)
			if n, err := over(t, s.addingAndSwapping()).Increment(t.Context(), "k", 2, ttl); n != 42 || err != nil {
				t.Errorf("%s: Increment = %d, %v; want 42", lifetime(ttl), n, err)
			}
			if got := s.remaining("k"); got != time.Second {
				t.Errorf("%s: the number lives %v; want the second that it had", lifetime(ttl), got)
			}
		})
	}
}

func TestIncrementBySwappingMakesANumberWithItsLifetime(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		time.Minute: time.Minute, cache.DefaultTTL: time.Hour, cache.KeepTTL: time.Hour, cache.Forever: cache.Forever,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShelf()
			c := over(t, s.addingAndSwapping())
			if n, err := c.Increment(t.Context(), "k", -2, ttl); n != -2 || err != nil {
				t.Errorf("%s: Increment = %d, %v; want -2", lifetime(ttl), n, err)
			}
			if got := s.remaining("k"); got != want {
				t.Errorf("%s: the number lives %v; want %v", lifetime(ttl), got, want)
			}
			if v, _, _ := c.Get(t.Context(), "k"); string(v) != "-2" {
				t.Errorf("%s: the entry is %q; want -2", lifetime(ttl), v)
			}
		})
	}
}

func TestIncrementBySwappingChangesNothingWhereItCannot(t *testing.T) {
	for _, tc := range []struct {
		value string
		delta int64
		want  error
	}{
		{"x", 1, cache.ErrNotInteger},
		{"", 1, cache.ErrNotInteger},
		{"9223372036854775807", 1, cache.ErrOverflow},
		{"-9223372036854775808", -1, cache.ErrOverflow},
	} {
		s := newShelf()
		s.put("k", tc.value, cache.Forever)
		c := over(t, s.addingAndSwapping())
		if n, err := c.Increment(t.Context(), "k", tc.delta, time.Minute); n != 0 || !errors.Is(err, tc.want) {
			t.Errorf("%q%+d = %d, %v; want %v", tc.value, tc.delta, n, err, tc.want)
		}
		if v, _, _ := c.Get(t.Context(), "k"); string(v) != tc.value || s.remaining("k") != cache.Forever {
			t.Errorf("%q%+d left %q for %v; want it unchanged", tc.value, tc.delta, v, s.remaining("k"))
		}
	}
}

func TestNoIncrementBySwappingIsLost(t *testing.T) {
	const goroutines, each = 16, 200
	s := newShelf()
	c := over(t, s.addingAndSwapping())
	seen := make([]bool, goroutines*each+1)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				n, err := c.Increment(t.Context(), "k", 1, time.Hour)
				if err != nil {
					t.Errorf("Increment: %v", err)
					return
				}
				mu.Lock()
				if seen[n] {
					t.Errorf("two callers were told %d", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if v, _, _ := c.Get(t.Context(), "k"); string(v) != strconv.Itoa(goroutines*each) {
		t.Errorf("the number is %s; want %d", v, goroutines*each)
	}
}

func TestIncrementBySwappingStartsOver(t *testing.T) {
	t.Run("when another counted first", func(t *testing.T) {
		s := newShelf()
		s.put("k", "1", time.Hour)
		others := 3
		s.beforeSwap = func() {
			if others > 0 {
				others--
				s.put("k", strconv.Itoa(100*others), time.Hour)
			}
		}
		if n, err := over(t, s.addingAndSwapping()).Increment(t.Context(), "k", 5, 0); n != 5 || err != nil {
			t.Errorf("Increment = %d, %v; want 5: what the last other left, 0, and 5", n, err)
		}
	})
	t.Run("when the number expired meanwhile", func(t *testing.T) {
		s := newShelf()
		s.put("k", "1", time.Hour)
		s.beforeSwap = func() { s.remove("k") }
		if n, err := over(t, s.addingAndSwapping()).Increment(t.Context(), "k", 5, time.Minute); n != 5 || err != nil {
			t.Errorf("Increment = %d, %v; want 5, from nothing", n, err)
		}
	})
	t.Run("when another made the number first", func(t *testing.T) {
		s := &recorder{addLoses: 1}
		c := over(t, struct {
			cache.Store
			cache.Adder
			cache.Swapper
		}{s, s, s})
		if n, err := c.Increment(t.Context(), "k", 5, time.Minute); n != 5 || err != nil {
			t.Errorf("Increment = %d, %v; want 5", n, err)
		}
		if diff := cmp.Diff([]string{"get k", "add k 1m0s", "get k", "add k 1m0s"}, s.calls); diff != "" {
			t.Errorf("the store's calls (-want +got):\n%s", diff)
		}
	})
	t.Run("until its context is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &recorder{addLoses: 9}
		s.during = func() {
			if len(s.calls) == 6 {
				cancel()
			}
		}
		c := over(t, struct {
			cache.Store
			cache.Adder
			cache.Swapper
		}{s, s, s})
		if _, err := c.Increment(ctx, "k", 5, time.Minute); !errors.Is(err, context.Canceled) || len(s.calls) != 6 {
			t.Errorf("Increment: %v after %d calls; want context.Canceled after 6", err, len(s.calls))
		}
	})
}

func TestIncrementBySwappingGivesTheErrorOfEachStep(t *testing.T) {
	for name, there := range map[string]bool{"Get": false, "Add": false, "CompareAndSwap": true} {
		s := newShelf()
		if there {
			s.put("k", "1", time.Hour)
		}
		fails := &recorder{err: cache.ErrUnavailable}
		store := struct {
			cache.Store
			cache.Adder
			cache.Swapper
		}{s, s, s}
		switch name {
		case "Get":
			store.Store = fails
		case "Add":
			store.Adder = fails
		case "CompareAndSwap":
			store.Swapper = fails
		}
		if n, err := over(t, store).Increment(t.Context(), "k", 1, time.Hour); n != 0 || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("where %s fails: %d, %v; want ErrUnavailable", name, n, err)
		}
	}
}

func TestIncrementNeedsBothAdderAndSwapper(t *testing.T) {
	s := newShelf()
	for name, store := range map[string]cache.Store{
		"Adder alone": struct {
			cache.Store
			cache.Adder
		}{s, s},
		"Swapper alone": s.swapping(),
	} {
		if _, err := over(t, store).Increment(t.Context(), "k", 1, time.Hour); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
}

func TestAnIncrementerIsUsedBeforeWhatItCouldBeMadeOf(t *testing.T) {
	s := &recorder{}
	if n, err := over(t, s).Increment(t.Context(), "k", 1, time.Minute); n != 7 || err != nil {
		t.Errorf("Increment = %d, %v; want the store's 7", n, err)
	}
	if diff := cmp.Diff([]string{"increment k 1m0s"}, s.calls); diff != "" {
		t.Errorf("the store's calls (-want +got):\n%s", diff)
	}
}

func TestComparisonsPassTheirSlicesOn(t *testing.T) {
	s := newShelf()
	c := over(t, s.swapping())
	s.put("k", "", time.Hour)
	if swapped, err := c.CompareAndSwap(t.Context(), "k", nil, []byte("new"), time.Hour); !swapped || err != nil {
		t.Errorf("CompareAndSwap of nil where the value is empty = %t, %v; want true", swapped, err)
	}
	if swapped, err := c.CompareAndSwap(t.Context(), "k", []byte("old"), []byte("newer"), time.Hour); swapped || err != nil {
		t.Errorf("CompareAndSwap of another value = %t, %v; want false", swapped, err)
	}
	if swapped, err := c.CompareAndSwap(t.Context(), "absent", nil, []byte("new"), time.Hour); swapped || err != nil {
		t.Errorf("CompareAndSwap of nil where nothing is = %t, %v; want false", swapped, err)
	}
	if deleted, err := c.CompareAndDelete(t.Context(), "k", nil); deleted || err != nil {
		t.Errorf("CompareAndDelete of another value = %t, %v; want false", deleted, err)
	}
	if swapped, err := c.CompareAndSwap(t.Context(), "k", []byte("old"), nil, 0); swapped || err != nil {
		t.Errorf("CompareAndSwap of another value for what has expired = %t, %v; want false", swapped, err)
	}
	if v, _, _ := c.Get(t.Context(), "k"); string(v) != "new" {
		t.Errorf("the value is %q; want the one swapped in", v)
	}
	if swapped, err := c.CompareAndSwap(t.Context(), "k", []byte("new"), []byte("newer"), -1); !swapped || err != nil {
		t.Errorf("CompareAndSwap for what has expired = %t, %v; want true", swapped, err)
	}
	if found, _ := c.Exists(t.Context(), "k"); found {
		t.Error("CompareAndSwap for what has expired left an entry")
	}
}
