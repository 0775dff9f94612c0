package memstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
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
		s := open(t, &memstore.Options{MaxBytes: 10 * (128 + 5)})
		for i := range 10 {
			set(t, s, fmt.Sprint(i), "1234", time.Second)
		}
		<-time.After(time.Second)
		set(t, s, "large", strings.Repeat("v", 1000), time.Hour) // needs the room of more than one sweep frees
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
	const overhead = 128
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

// model is the contract in its plainest form: a list, and a victim found by looking at all of it.
type model struct {
	max     int
	now     time.Duration
	serial  int
	entries map[string]modelEntry
}

type modelEntry struct {
	value   string
	expires time.Duration // -1: never
	serial  int
}

func (m *model) gone(e modelEntry) bool { return e.expires >= 0 && m.now >= e.expires }

func (m *model) set(key, value string, ttl time.Duration) {
	for k, e := range m.entries {
		if m.gone(e) {
			delete(m.entries, k)
		}
	}
	if _, ok := m.entries[key]; !ok && len(m.entries) == m.max {
		victim, best := "", modelEntry{}
		for k, e := range m.entries {
			if victim == "" || before(e, best) {
				victim, best = k, e
			}
		}
		delete(m.entries, victim)
	}
	m.serial++
	e := modelEntry{value: value, expires: m.now + ttl, serial: m.serial}
	if ttl == cache.Forever {
		e.expires = -1
	}
	m.entries[key] = e
}

func before(a, b modelEntry) bool {
	switch {
	case a.expires == b.expires:
		return a.serial < b.serial
	case a.expires < 0:
		return false
	case b.expires < 0:
		return true
	}
	return a.expires < b.expires
}

func TestTheStoreDoesWhatTheModelDoes(t *testing.T) {
	for _, capacity := range []int{1, 2, 3, 7, 64} {
		t.Run(fmt.Sprint("with a capacity of ", capacity), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(capacity)))
			m := &model{max: capacity, entries: map[string]modelEntry{}}
			s, err := memstore.NewAt(&memstore.Options{MaxEntries: capacity}, func() time.Duration { return m.now })
			if err != nil {
				t.Fatal(err)
			}
			for step := range 20_000 {
				key := fmt.Sprint(r.IntN(2*capacity + 1))
				switch r.IntN(10) {
				case 0:
					m.now += time.Duration(r.IntN(3))
				case 1:
					_ = s.Delete(t.Context(), key)
					delete(m.entries, key)
				case 2:
					set(t, s, key, fmt.Sprint(step), cache.Forever)
					m.set(key, fmt.Sprint(step), cache.Forever)
				default:
					ttl := time.Duration(1 + r.IntN(20))
					set(t, s, key, fmt.Sprint(step), ttl)
					m.set(key, fmt.Sprint(step), ttl)
				}
				if err := s.Check(); err != nil {
					t.Fatalf("step %d: %v", step, err)
				}
				if step%8 > 0 { // the whole contents now and then: a wrong victim stays missing
					continue
				}
				for i := range 2*capacity + 1 {
					got, found, _ := s.Get(t.Context(), fmt.Sprint(i))
					want, there := m.entries[fmt.Sprint(i)]
					there = there && !m.gone(want)
					if found != there || found && string(got) != want.value {
						t.Fatalf("step %d: key %d is %q, %t; the model has %q, %t", step, i, got, found, want.value, there)
					}
				}
			}
		})
	}
}

func TestTheLimitsHoldAtEveryMoment(t *testing.T) {
	const maxEntries, maxBytes = 50, 50 * 160
	s := open(t, &memstore.Options{MaxEntries: maxEntries, MaxBytes: maxBytes})
	var all, watching sync.WaitGroup
	done := make(chan struct{})
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := s.Check(); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	for g := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(g)))
			for range 5_000 {
				key := fmt.Sprint(r.IntN(200))
				switch r.IntN(6) {
				case 0:
					_ = s.Delete(t.Context(), key)
				case 1:
					_, _ = s.Add(t.Context(), key, make([]byte, r.IntN(60)), time.Hour)
				case 2:
					_, _, _ = s.Get(t.Context(), key)
				default:
					_ = s.Set(t.Context(), key, make([]byte, r.IntN(60)), time.Duration(r.IntN(int(time.Millisecond)))+1)
				}
			}
			_ = s.Clear(t.Context(), "1")
		})
	}
	all.Wait()
	close(done)
	watching.Wait()
}

func FuzzStore(f *testing.F) {
	f.Add([]byte("\x01abc\x02def"), uint8(2))
	f.Add(bytes.Repeat([]byte{7, 1}, 40), uint8(1))
	f.Fuzz(func(t *testing.T, program []byte, capacity uint8) {
		var now time.Duration
		s, err := memstore.NewAt(&memstore.Options{MaxEntries: int(capacity) + 1, MaxBytes: 2000}, func() time.Duration { return now })
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+2 < len(program); i += 3 {
			key := fmt.Sprint(program[i+1] % 16)
			switch program[i] % 6 {
			case 0:
				_ = s.Set(t.Context(), key, make([]byte, int(program[i+2])*10), time.Duration(program[i+2])+1)
			case 1:
				_ = s.Set(t.Context(), key, nil, cache.Forever)
			case 2:
				_ = s.Set(t.Context(), key, program[:i], cache.KeepTTL)
			case 3:
				_ = s.Delete(t.Context(), key)
			case 4:
				now += time.Duration(program[i+2])
			case 5:
				_, _ = s.Add(t.Context(), key, program[:i], time.Duration(program[i+2])+1)
			}
			if err := s.Check(); err != nil {
				t.Fatalf("after step %d: %v", i, err)
			}
		}
	})
}

func open(t *testing.T, o *memstore.Options) *memstore.Store {
	t.Helper()
	s, err := memstore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func set(t *testing.T, s *memstore.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func stats(t *testing.T, s *memstore.Store) cache.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}
