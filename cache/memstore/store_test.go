package memstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/memstore"
)

func TestStoreKeepsTheContract(t *testing.T) {
	var now atomic.Int64
	cachetest.Run(t, cachetest.Config{
		New: func(t *testing.T) cache.Store {
			s, err := memstore.NewAt(nil, func() time.Duration { return time.Duration(now.Load()) })
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Advance: func(d time.Duration) { now.Add(int64(d)) },
	})
}

func TestNewRefusesNegativeLimitsByName(t *testing.T) {
	for name, o := range map[string]memstore.Options{"MaxEntries is -1": {MaxEntries: -1}, "MaxBytes is -1": {MaxBytes: -1}} {
		if _, err := memstore.New(&o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New(%+v) = %v; want an error with %q", o, err, name)
		}
	}
}

func TestAnEntryLivesToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil)
		set(t, s, "key", "value", time.Minute)
		<-time.After(time.Minute - 1)
		if _, found, _ := s.Get(t.Context(), "key"); !found {
			t.Error("gone a nanosecond before its expiry")
		}
		<-time.After(1)
		if _, found, _ := s.Get(t.Context(), "key"); found {
			t.Error("served at its expiry")
		}
	})
}

func TestExpiredEntriesGiveTheirMemoryBackUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, nil)
		for i := range 1000 {
			set(t, s, fmt.Sprint("old", i), "value", time.Second)
		}
		<-time.After(time.Minute)
		for i := range 500 {
			set(t, s, fmt.Sprint("new", i), "value", time.Hour)
		}
		if st := stats(t, s); st.Entries != 500 || st.Evictions != 0 {
			t.Errorf("%d entries and %d evictions after 500 writes of others; want 500 and 0", st.Entries, st.Evictions)
		}
	})
}

func TestTheVictimIs(t *testing.T) {
	for _, tc := range []struct {
		name   string
		set    []string // "key lifetime" in order, into a store of three
		victim string
	}{
		{"the entry with the earliest expiry", []string{"a 3m", "b 1m", "c 2m", "d 4m"}, "b"},
		{"an older entry though the new one would expire first", []string{"a 3m", "b 1m", "c 2m", "d 1s"}, "b"},
		{"a permanent entry only when all are", []string{"a forever", "b forever", "c 1m", "d forever"}, "c"},
		{"the permanent entry set longest ago", []string{"a forever", "b forever", "c forever", "d forever"}, "a"},
		{"among equals the one set longest ago", []string{"a 1m", "b 1m", "c 1m", "d 1m"}, "a"},
		{"not the one that was set again with an equal expiry", []string{"a 1m", "b 1m", "c 1m", "a 1m", "d 1m"}, "b"},
		{"the one whose lifetime was shortened", []string{"a 3m", "b 3m", "c 3m", "b 1m", "d 3m"}, "b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, &memstore.Options{MaxEntries: 3})
				left := map[string]bool{}
				for _, step := range tc.set {
					key, lifetime, _ := strings.Cut(step, " ")
					ttl := cache.Forever
					if lifetime != "forever" {
						ttl, _ = time.ParseDuration(lifetime)
					}
					set(t, s, key, "value", ttl)
					left[key] = true
				}
				delete(left, tc.victim)
				for key := range left {
					if found, _ := s.Exists(t.Context(), key); !found {
						t.Errorf("%q is gone; want %q", key, tc.victim)
					}
				}
				if found, _ := s.Exists(t.Context(), tc.victim); found {
					t.Errorf("%q is there; want it evicted", tc.victim)
				}
				if n := stats(t, s).Evictions; n != 1 {
					t.Errorf("%d evictions; want 1", n)
				}
			})
		})
	}
}

func TestAnExpiredEntryGoesFirstAndIsNoEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &memstore.Options{MaxEntries: 2})
		set(t, s, "expired", "value", time.Second)
		set(t, s, "kept", "value", time.Hour)
		<-time.After(time.Second)
		set(t, s, "new", "value", time.Millisecond)
		if found, _ := s.Exists(t.Context(), "kept"); !found {
			t.Error("an unexpired entry was evicted before an expired one")
		}
		if n := stats(t, s).Evictions; n != 0 {
			t.Errorf("%d evictions; want 0", n)
		}
	})
}

func TestWhatExpiredMakesRoomAndIsNoEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, &memstore.Options{MaxBytes: 10 * (memstore.Bookkeeping + 5)})
		for i := range 10 {
			set(t, s, fmt.Sprint(i), "1234", time.Second)
		}
		<-time.After(time.Second)
		set(t, s, "large", strings.Repeat("v", 500), time.Hour) // needs the room of more than one sweep frees
		if st := stats(t, s); st.Evictions != 0 || st.Entries > 2 {
			t.Errorf("%+v; want no evictions, for all that went had expired", st)
		}
	})
}

func TestOverwritingInAFullStoreEvictsNothing(t *testing.T) {
	s := open(t, &memstore.Options{MaxEntries: 2})
	set(t, s, "a", "value", time.Minute)
	set(t, s, "b", "value", time.Hour)
	set(t, s, "b", "another value", time.Hour)
	if st := stats(t, s); st.Entries != 2 || st.Evictions != 0 {
		t.Errorf("%+v; want 2 entries, 0 evictions", st)
	}
}

func TestMaxBytes(t *testing.T) {
	const overhead = memstore.Bookkeeping
	three := &memstore.Options{MaxBytes: 3 * (overhead + 1 + 10)}
	ten := strings.Repeat("v", 10)
	t.Run("a new key evicts until it fits", func(t *testing.T) {
		s := open(t, three)
		set(t, s, "a", ten, time.Minute)
		set(t, s, "b", ten, time.Hour)
		set(t, s, "c", ten, time.Hour)
		set(t, s, "d", ten+ten, time.Second)
		if st := stats(t, s); st.Entries != 2 || st.Evictions != 2 || st.Bytes != 2*overhead+2+30 {
			t.Errorf("%+v; want 2 entries of 30 bytes of values, 2 evictions", st)
		}
	})
	t.Run("a growing overwrite evicts others, never itself", func(t *testing.T) {
		s := open(t, three)
		set(t, s, "a", ten, time.Second)
		set(t, s, "b", ten, time.Minute)
		set(t, s, "c", ten, time.Hour)
		set(t, s, "a", ten+ten, time.Second)
		for key, want := range map[string]bool{"a": true, "b": false, "c": true} {
			if found, _ := s.Exists(t.Context(), key); found != want {
				t.Errorf("%q there: %t; want %t", key, found, want)
			}
		}
	})
	t.Run("what cannot fit is refused and changes nothing", func(t *testing.T) {
		s := open(t, three)
		set(t, s, "a", ten, time.Minute)
		set(t, s, "b", ten, time.Minute)
		for _, key := range []string{"a", "new"} {
			if err := s.Set(t.Context(), key, make([]byte, 1000), time.Minute); !errors.Is(err, cache.ErrTooLarge) {
				t.Errorf("Set(%q) of 1000 bytes: %v; want ErrTooLarge", key, err)
			}
		}
		if v, found, _ := s.Get(t.Context(), "a"); !found || string(v) != ten {
			t.Errorf("a = %q, %t; want it unchanged", v, found)
		}
		if st := stats(t, s); st.Entries != 2 || st.Evictions != 0 {
			t.Errorf("%+v; want 2 entries, 0 evictions", st)
		}
	})
}

func TestGetAppendAppends(t *testing.T) {
	s := open(t, nil)
	set(t, s, "key", "value", time.Hour)
	set(t, s, "empty", "", time.Hour)
	dst := append(make([]byte, 0, 100), "dst "...)
	for key, want := range map[string]string{"key": "dst value", "empty": "dst "} {
		if v, found, err := s.GetAppend(t.Context(), dst, key); err != nil || !found || string(v) != want || &v[0] != &dst[0] {
			t.Errorf("GetAppend(%q) = %q, %t, %v; want %q in dst", key, v, found, err, want)
		}
	}
	if v, found, err := s.GetAppend(t.Context(), dst, "absent"); err != nil || found || string(v) != "dst " {
		t.Errorf("GetAppend of an absent key = %q, %t, %v; want dst", v, found, err)
	}
	fresh, _, _ := s.GetAppend(t.Context(), nil, "key")
	copy(fresh, "XXXXX")
	want(t, s, "key", "value")
}

func TestReadingIntoRoomDoesNotAllocate(t *testing.T) {
	s := open(t, nil)
	set(t, s, "key", "value", time.Hour)
	ctx, dst := t.Context(), make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() { _, _, _ = s.GetAppend(ctx, dst, "key") }); n != 0 {
		t.Errorf("GetAppend allocates %v times; want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = s.GetAppend(ctx, dst, "absent") }); n != 0 {
		t.Errorf("GetAppend of an absent key allocates %v times; want 0", n)
	}
}
