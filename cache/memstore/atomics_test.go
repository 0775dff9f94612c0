package memstore_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestANumberKeepsItsExpiry(t *testing.T) {
	s, now := openAt(t, nil)
	for i, want := range []int64{5, 10, 15} {
		if n, err := s.Increment(t.Context(), "n", 5, time.Duration(i+1)*time.Minute); err != nil || n != want {
			t.Errorf("Increment = %d, %v; want %d", n, err, want)
		}
	}
	*now = time.Minute - 1
	want(t, s, "n", "15")
	*now = time.Minute
	wantMiss(t, s, "n")
	if n, err := s.Increment(t.Context(), "n", 5, time.Minute); err != nil || n != 5 {
		t.Errorf("Increment of an expired number = %d, %v; want 5", n, err)
	}
}

func TestIncrementWithKeepTTLMakesNoNumber(t *testing.T) {
	s, now := openAt(t, nil)
	set(t, s, "expired", "1", time.Second)
	*now = time.Second
	for _, key := range []string{"absent", "expired"} {
		if n, err := s.Increment(t.Context(), key, 5, cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) || n != 0 {
			t.Errorf("Increment(%q) = %d, %v; want ErrNotFound", key, n, err)
		}
		wantMiss(t, s, key)
	}
}

func TestWhatCannotBeCountedStays(t *testing.T) {
	for value, want := range map[string]error{"": cache.ErrNotInteger, "007": cache.ErrNotInteger, "9223372036854775807": cache.ErrOverflow} {
		s, now := openAt(t, nil)
		set(t, s, "n", value, time.Minute)
		if n, err := s.Increment(t.Context(), "n", 1, time.Hour); !errors.Is(err, want) || n != 0 {
			t.Errorf("Increment of %q = %d, %v; want %v", value, n, err, want)
		}
		*now = time.Minute - 1
		if v, found, _ := s.Get(t.Context(), "n"); !found || string(v) != value {
			t.Errorf("it is %q, %t; want %q unchanged", v, found, value)
		}
		*now = time.Minute
		wantMiss(t, s, "n")
	}
}

func TestASwapReplacesTheLifetimeOrKeepsIt(t *testing.T) {
	for _, tc := range []struct{ before, ttl, want time.Duration }{
		{time.Minute, time.Hour, time.Hour},
		{time.Hour, time.Minute, time.Minute},
		{time.Minute, cache.KeepTTL, time.Minute - 1},
		{time.Minute, cache.Forever, cache.Forever},
		{cache.Forever, time.Minute, time.Minute},
		{cache.Forever, cache.KeepTTL, cache.Forever},
	} {
		s, now := openAt(t, nil)
		set(t, s, "key", "old", tc.before)
		*now = 1
		if swapped, err := s.CompareAndSwap(t.Context(), "key", []byte("old"), []byte("new"), tc.ttl); err != nil || !swapped {
			t.Fatalf("CompareAndSwap = %t, %v; want true", swapped, err)
		}
		want(t, s, "key", "new")
		if ttl, _, _ := s.TTL(t.Context(), "key"); ttl != tc.want {
			t.Errorf("%v swapped with %v lives %v; want %v", tc.before, tc.ttl, ttl, tc.want)
		}
	}
}

func TestAComparisonFails(t *testing.T) {
	for name, old := range map[string]string{"with another value": "valuf", "with a piece of it": "val", "with an empty one": "", "on an absent key": "absent", "on an expired one": "expired"} {
		t.Run(name, func(t *testing.T) {
			s, now := openAt(t, nil)
			set(t, s, "expired", "expired", time.Second)
			*now = time.Second
			set(t, s, "key", "value", time.Minute)
			key := "key"
			if old == "absent" || old == "expired" {
				key = old
			}
			if swapped, err := s.CompareAndSwap(t.Context(), key, []byte(old), []byte("new"), time.Hour); err != nil || swapped {
				t.Errorf("CompareAndSwap = %t, %v; want false", swapped, err)
			}
			if deleted, err := s.CompareAndDelete(t.Context(), key, []byte(old)); err != nil || deleted {
				t.Errorf("CompareAndDelete = %t, %v; want false", deleted, err)
			}
			want(t, s, "key", "value")
			if ttl, _, _ := s.TTL(t.Context(), "key"); ttl != time.Minute {
				t.Errorf("it lives %v; want what it had", ttl)
			}
		})
	}
	t.Run("with nil on an absent key, for nil is empty", func(t *testing.T) {
		s := open(t, nil)
		if swapped, _ := s.CompareAndSwap(t.Context(), "key", nil, []byte("new"), time.Hour); swapped {
			t.Error("an absent entry was swapped for a nil one")
		}
		set(t, s, "key", "", time.Hour)
		if swapped, _ := s.CompareAndSwap(t.Context(), "key", nil, nil, time.Hour); !swapped {
			t.Error("an empty entry was not nil")
		}
		want(t, s, "key", "")
		if deleted, _ := s.CompareAndDelete(t.Context(), "key", nil); !deleted {
			t.Error("an empty entry was not nil")
		}
		wantMiss(t, s, "key")
	})
}

func TestASwapKeepsNoReferenceToTheSlice(t *testing.T) {
	s := open(t, nil)
	set(t, s, "key", "old", time.Hour)
	replacement := []byte("new")
	if _, err := s.CompareAndSwap(t.Context(), "key", []byte("old"), replacement, time.Hour); err != nil {
		t.Fatal(err)
	}
	copy(replacement, "XXX")
	want(t, s, "key", "new")
}

func TestAGrowingOverwriteWhateverDoesIt(t *testing.T) {
	const nines = "9999999999"
	grow := map[string]func(s *memstore.Store, to int) error{
		"CompareAndSwap": func(s *memstore.Store, to int) error {
			_, err := s.CompareAndSwap(t.Context(), "a", []byte(nines), make([]byte, to), cache.KeepTTL)
			return err
		},
		"Set with KeepTTL": func(s *memstore.Store, to int) error {
			return s.Set(t.Context(), "a", make([]byte, to), cache.KeepTTL)
		},
		"SetMany": func(s *memstore.Store, to int) error {
			return s.SetMany(t.Context(), map[string][]byte{"a": make([]byte, to)}, time.Second)
		},
		"Increment": func(s *memstore.Store, to int) error {
			n, err := s.Increment(t.Context(), "a", 1, time.Second)
			if err != nil && n != 0 {
				t.Errorf("%d beside %v", n, err)
			}
			return err
		},
	}
	for name, overwrite := range grow {
		t.Run(name+" evicts others, never itself", func(t *testing.T) {
			s := open(t, &memstore.Options{MaxBytes: 3 * (memstore.Bookkeeping + 1 + 10)})
			set(t, s, "a", nines, time.Second)
			set(t, s, "b", nines, time.Minute)
			set(t, s, "c", nines, time.Hour)
			if err := overwrite(s, 20); err != nil {
				t.Error(err)
			}
			for key, want := range map[string]bool{"a": true, "b": false, "c": true} {
				if found, _ := s.Exists(t.Context(), key); found != want {
					t.Errorf("%q there: %t; want %t", key, found, want)
				}
			}
		})
		t.Run(name+" beyond the limit is refused and changes nothing", func(t *testing.T) {
			s := open(t, &memstore.Options{MaxBytes: memstore.Bookkeeping + 1 + 10})
			set(t, s, "a", nines, time.Hour)
			if err := overwrite(s, 20); !errors.Is(err, cache.ErrTooLarge) {
				t.Errorf("%v; want ErrTooLarge", err)
			}
			want(t, s, "a", nines)
		})
	}
}

func TestNoIncrementIsLost(t *testing.T) {
	s := open(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				if _, err := s.Increment(t.Context(), "by Increment", 1, time.Hour); err != nil {
					t.Error(err)
					return
				}
				for swapped := false; !swapped; {
					old, found, _ := s.Get(t.Context(), "by CompareAndSwap")
					if !found {
						swapped, _ = s.Add(t.Context(), "by CompareAndSwap", []byte("1"), time.Hour)
						continue
					}
					n, _ := strconv.Atoi(string(old))
					swapped, _ = s.CompareAndSwap(t.Context(), "by CompareAndSwap", old, []byte(strconv.Itoa(n+1)), cache.KeepTTL)
				}
			}
		})
	}
	all.Wait()
	want(t, s, "by Increment", "8000")
	want(t, s, "by CompareAndSwap", "8000")
}

func TestOfManyWhoCompareAndDeleteOneDoes(t *testing.T) {
	s := open(t, nil)
	for range 200 {
		set(t, s, "key", "value", time.Hour)
		var winners atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if deleted, _ := s.CompareAndDelete(t.Context(), "key", []byte("value")); deleted {
					winners.Add(1)
				}
			})
		}
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("%d of 4 deleted the entry; want 1", n)
		}
	}
}

func TestWhatCountsAsSetAmongEquals(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name   string
		do     func(s *memstore.Store)
		counts bool
	}{
		{"Set with KeepTTL", func(s *memstore.Store) { _ = s.Set(ctx, "a", nil, cache.KeepTTL) }, true},
		{"CompareAndSwap with KeepTTL", func(s *memstore.Store) { _, _ = s.CompareAndSwap(ctx, "a", []byte("1"), nil, cache.KeepTTL) }, true},
		{"CompareAndSwap with an equal lifetime", func(s *memstore.Store) { _, _ = s.CompareAndSwap(ctx, "a", []byte("1"), nil, time.Hour) }, true},
		{"Increment", func(s *memstore.Store) { _, _ = s.Increment(ctx, "a", 1, time.Minute) }, true},
		{"Increment by nothing", func(s *memstore.Store) { _, _ = s.Increment(ctx, "a", 0, time.Minute) }, true},
		{"Touch with an equal lifetime", func(s *memstore.Store) { _, _ = s.Touch(ctx, "a", time.Hour) }, true},
		{"GetAndRenew with an equal lifetime", func(s *memstore.Store) { _, _, _ = s.GetAndRenew(ctx, "a", time.Hour) }, true},
		{"SetMany", func(s *memstore.Store) { _ = s.SetMany(ctx, map[string][]byte{"a": nil}, time.Hour) }, true},
		{"Get", func(s *memstore.Store) { _, _, _ = s.Get(ctx, "a") }, false},
		{"GetMany", func(s *memstore.Store) { _, _ = s.GetMany(ctx, []string{"a"}) }, false},
		{"TTL", func(s *memstore.Store) { _, _, _ = s.TTL(ctx, "a") }, false},
		{"an Add that stores nothing", func(s *memstore.Store) { _, _ = s.Add(ctx, "a", nil, time.Hour) }, false},
		{"an Increment that is refused", func(s *memstore.Store) { _, _ = s.Increment(ctx, "a", 1<<63-1, time.Hour) }, false},
		{"a CompareAndSwap that fails", func(s *memstore.Store) { _, _ = s.CompareAndSwap(ctx, "a", nil, nil, time.Hour) }, false},
		{"a CompareAndDelete that fails", func(s *memstore.Store) { _, _ = s.CompareAndDelete(ctx, "a", nil) }, false},
		{"a Take that is refused", func(s *memstore.Store) { _, _ = s.Take(ctx, "a", []cache.Limit{{Requests: 1, Period: time.Second}}, 1) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := openAt(t, &memstore.Options{MaxEntries: 3})
			for _, key := range []string{"a", "b", "c"} {
				set(t, s, key, "1", time.Hour)
			}
			tc.do(s)
			set(t, s, "d", "1", time.Hour)
			if found, _ := s.Exists(ctx, "a"); found != tc.counts {
				t.Errorf("a is there: %t; want %t", found, tc.counts)
			}
			if found, _ := s.Exists(ctx, "b"); found == tc.counts {
				t.Errorf("b is there: %t; want %t", found, !tc.counts)
			}
		})
	}
}

// Readers copy without the lock, so a write that changed a stored slice would show here, to the race detector too.
func TestReadersSeeWholeValues(t *testing.T) {
	s := open(t, nil)
	set(t, s, "key", strings.Repeat("0", 1000), time.Hour)
	var all sync.WaitGroup
	for g := range 2 {
		all.Go(func() {
			for i := range 2000 {
				old, _, _ := s.GetAndRenew(t.Context(), "key", time.Hour)
				_, _ = s.CompareAndSwap(t.Context(), "key", old, []byte(strings.Repeat(fmt.Sprint(i%10), 1000)), cache.KeepTTL)
				_, _ = s.Increment(t.Context(), "n", int64(g), time.Hour)
			}
		})
		all.Go(func() {
			var into []byte
			for range 2000 {
				into, _, _ = s.GetAppend(t.Context(), into[:0], "key")
				many, _ := s.GetMany(t.Context(), []string{"key", "n"})
				for _, v := range []string{string(into), string(many["key"])} {
					if len(v) != 1000 || strings.Count(v, v[:1]) != 1000 {
						t.Errorf("a value of two writes: %q", v)
						return
					}
				}
			}
		})
	}
	all.Wait()
}
