package memstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func take(t *testing.T, s *memstore.Store, key string, requests int64, period time.Duration) cache.Decision {
	t.Helper()
	d, err := s.Take(t.Context(), key, []cache.Limit{{Requests: requests, Period: period}}, 1)
	if err != nil {
		t.Fatalf("Take(%q): %v", key, err)
	}
	return d
}

func TestTakeAllowsRequestsAndThenOneEachShareOfThePeriod(t *testing.T) {
	s, now := openAt(t, nil)
	*now = 12345 * time.Nanosecond
	for i := range 3 {
		if d := take(t, s, "key", 3, 6*time.Second); !d.Allowed || d.Remaining != int64(2-i) {
			t.Errorf("take %d: %+v", i+1, d)
		}
	}
	for range 3 {
		d := take(t, s, "key", 3, 6*time.Second)
		if d.Allowed || d.RetryAfter != 2*time.Second || d.ResetAfter != 6*time.Second {
			t.Errorf("%+v; want it refused for 2s, whole in 6s", d)
		}
	}
	at := *now
	*now = at + 2*time.Second - time.Microsecond
	if take(t, s, "key", 3, 6*time.Second).Allowed {
		t.Error("allowed a microsecond before RetryAfter")
	}
	*now = at + 2*time.Second
	if !take(t, s, "key", 3, 6*time.Second).Allowed {
		t.Error("refused at RetryAfter")
	}
}

func TestWhatTakeKeepsExpiresAtTheMicrosecondItIsWhole(t *testing.T) {
	s, now := openAt(t, nil)
	*now = 1500 * time.Nanosecond
	take(t, s, "key", 1, 10*time.Microsecond)
	if ttl, found, _ := s.TTL(t.Context(), "key"); !found || ttl != 9500*time.Nanosecond {
		t.Errorf("TTL = %v, %t; want 9.5µs, for time is counted in whole microseconds", ttl, found)
	}
	*now = 11*time.Microsecond - 1
	if take(t, s, "key", 1, 10*time.Microsecond).Allowed {
		t.Error("allowed before it was whole")
	}
	*now = 11 * time.Microsecond
	wantMiss(t, s, "key")
	if !take(t, s, "key", 1, 10*time.Microsecond).Allowed {
		t.Error("refused when it was whole")
	}
}

func TestATakeThatTakesNothingStoresNothing(t *testing.T) {
	s, _ := openAt(t, &memstore.Options{MaxEntries: 1})
	limits := []cache.Limit{{Requests: 1, Period: time.Second}}
	if d, err := s.Take(t.Context(), "key", limits, 0); err != nil || !d.Allowed || d.Remaining != 1 {
		t.Errorf("Take of nothing = %+v, %v", d, err)
	}
	wantMiss(t, s, "key")
	take(t, s, "key", 1, time.Second)
	before, _, _ := s.Get(t.Context(), "key")
	if take(t, s, "key", 1, time.Second).Allowed {
		t.Error("the second of one was allowed")
	}
	want(t, s, "key", string(before))
	set(t, s, "key", "other", time.Second)
	if d, err := s.Take(t.Context(), "new", limits, 0); err != nil || !d.Allowed {
		t.Errorf("Take of nothing in a full store = %+v, %v; want it allowed", d, err)
	}
}

func TestTakeEvictsNothing(t *testing.T) {
	limits := []cache.Limit{{Requests: 2, Period: time.Second}}
	unavailable := func(t *testing.T, s *memstore.Store, key string, limits []cache.Limit) {
		t.Helper()
		before := stats(t, s)
		d, err := s.Take(t.Context(), key, limits, 1)
		if !errors.Is(err, cache.ErrUnavailable) || d != (cache.Decision{}) {
			t.Errorf("Take(%q) = %+v, %v; want ErrUnavailable", key, d, err)
		}
		if after := stats(t, s); after != before {
			t.Errorf("%+v after %+v; want nothing changed", after, before)
		}
	}
	t.Run("in a store full of entries a new key is unavailable", func(t *testing.T) {
		s, _ := openAt(t, &memstore.Options{MaxEntries: 2})
		set(t, s, "a", "value", 1)
		set(t, s, "b", "value", cache.Forever)
		unavailable(t, s, "new", limits)
		wantMiss(t, s, "new")
	})
	t.Run("in a store full of entries a key that is there works", func(t *testing.T) {
		s, _ := openAt(t, &memstore.Options{MaxEntries: 2})
		take(t, s, "key", 2, time.Second)
		set(t, s, "b", "value", cache.Forever)
		if d := take(t, s, "key", 2, time.Second); !d.Allowed || d.Remaining != 0 {
			t.Errorf("%+v; want the second of two", d)
		}
		want(t, s, "b", "value")
	})
	t.Run("what has expired makes room", func(t *testing.T) {
		s, now := openAt(t, &memstore.Options{MaxEntries: 2})
		set(t, s, "a", "value", time.Second)
		set(t, s, "b", "value", cache.Forever)
		*now = time.Second
		if d := take(t, s, "new", 2, time.Second); !d.Allowed {
			t.Errorf("%+v; want it allowed", d)
		}
		want(t, s, "b", "value")
	})
	t.Run("more than a write removes by the way makes room", func(t *testing.T) {
		s, now := openAt(t, &memstore.Options{MaxBytes: 10 * (memstore.Bookkeeping + 1)})
		fill(t, s, "", 0, 1)
		for i := range 10 {
			set(t, s, fmt.Sprint(i), "", time.Second)
		}
		*now = time.Second
		if d, err := s.Take(t.Context(), "new", []cache.Limit{{Name: strings.Repeat("n", 500), Requests: 2, Period: time.Second}}, 1); err != nil || !d.Allowed {
			t.Errorf("Take = %+v, %v; want it allowed", d, err)
		}
	})
	t.Run("in a store full of bytes a new key is unavailable", func(t *testing.T) {
		s, _ := openAt(t, &memstore.Options{MaxBytes: 2*(memstore.Bookkeeping+1) + 10})
		set(t, s, "a", "1234567890", time.Second)
		unavailable(t, s, "b", limits)
		want(t, s, "a", "1234567890")
	})
	t.Run("in a store full of bytes growth is unavailable and takes nothing", func(t *testing.T) {
		s, now := openAt(t, &memstore.Options{MaxBytes: 1000})
		take(t, s, "key", 2, time.Second)
		free := 1000 - stats(t, s).Bytes
		set(t, s, "a", strings.Repeat("v", int(free)-memstore.Bookkeeping-1), time.Minute)
		before, _, _ := s.Get(t.Context(), "key")
		unavailable(t, s, "key", []cache.Limit{limits[0], {Name: "longer", Requests: 9, Period: time.Second}})
		want(t, s, "key", string(before))
		*now = 1000 // one digit more, but the byte is there: what shrank elsewhere gave it back
		_ = s.Set(t.Context(), "a", nil, cache.KeepTTL)
		if d := take(t, s, "key", 2, time.Second); !d.Allowed || d.Remaining != 0 {
			t.Errorf("%+v; want the second of two", d)
		}
	})
	t.Run("what no eviction could make room for is unavailable", func(t *testing.T) {
		s, _ := openAt(t, &memstore.Options{MaxBytes: memstore.Bookkeeping})
		unavailable(t, s, "key", limits)
	})
}

func TestTakeOverItsOwnExpiredEntryEvictsNobody(t *testing.T) {
	s, now := openAt(t, &memstore.Options{MaxBytes: 800})
	fill(t, s, "expires earlier", 4, time.Second)
	set(t, s, "key", strings.Repeat("x", 40), 2*time.Second)
	set(t, s, "other", strings.Repeat("v", 100), time.Hour)
	*now = 2 * time.Second
	// It fits in the room of all that has expired less the entry's own, not beside the other.
	limits := []cache.Limit{{Name: strings.Repeat("n", 600), Requests: 1, Period: time.Hour}}
	if _, err := s.Take(t.Context(), "key", limits, 1); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Take = %v; want ErrUnavailable", err)
	}
	if n := stats(t, s).Evictions; n != 0 {
		t.Errorf("Take evicted %d", n)
	}
}

func TestAnEntryThatIsNoLimitersIsAnErrorAndStays(t *testing.T) {
	s, _ := openAt(t, nil)
	for _, value := range []string{"", "value", "gcra2 x"} {
		set(t, s, "key", value, time.Minute)
		for _, cost := range []int64{0, 1} {
			d, err := s.Take(t.Context(), "key", []cache.Limit{{Requests: 1, Period: time.Second}}, cost)
			if op, ok := errors.AsType[*cache.OpError](err); !ok || op.Op != "take" || op.Key != "key" || d != (cache.Decision{}) {
				t.Errorf("Take of %d on %q = %+v, %v; want an error", cost, value, d, err)
			}
		}
		want(t, s, "key", value)
	}
}

func TestTakeSeesNoEntryThatExpiredWithinTheMicrosecond(t *testing.T) {
	s, now := openAt(t, nil)
	set(t, s, "older", "value", 1) // so that what each write removes by the way is not the key
	set(t, s, "old", "value", 2)
	set(t, s, "key", "value", 1700)
	*now = 1800
	if d := take(t, s, "key", 1, time.Second); !d.Allowed {
		t.Errorf("%+v; want it allowed", d)
	}
}

func TestOfManyTakesAtOnceExactlyTheRequestsAreAllowed(t *testing.T) {
	s, _ := openAt(t, nil)
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if d, err := s.Take(t.Context(), "key", []cache.Limit{{Requests: 777, Period: time.Second}}, 1); err == nil && d.Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := allowed.Load(); n != 777 {
		t.Errorf("%d of 4000 were allowed; want 777", n)
	}
}
