package memstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestTTLIsWhatRemainsToTheNanosecond(t *testing.T) {
	s, now := openAt(t, nil)
	set(t, s, "key", "value", time.Minute)
	set(t, s, "permanent", "value", cache.Forever)
	for _, tc := range []struct {
		key   string
		at    time.Duration
		want  time.Duration
		found bool
	}{
		{"key", 0, time.Minute, true},
		{"key", time.Minute - 1, 1, true},
		{"key", time.Minute, 0, false},
		{"absent", 0, 0, false},
		{"permanent", time.Hour, cache.Forever, true},
	} {
		*now = tc.at
		if ttl, found, err := s.TTL(t.Context(), tc.key); err != nil || found != tc.found || ttl != tc.want {
			t.Errorf("TTL(%q) at %v = %v, %t, %v; want %v, %t", tc.key, tc.at, ttl, found, err, tc.want, tc.found)
		}
	}
}

func TestTheLongestLifetimeIsNotForever(t *testing.T) {
	s, now := openAt(t, nil)
	*now = time.Hour
	set(t, s, "key", "value", cache.Forever-1)
	if ttl, found, _ := s.TTL(t.Context(), "key"); !found || ttl == cache.Forever || ttl != 1<<62-1-time.Hour {
		t.Errorf("TTL = %v, %t; want the rest of 146 years", ttl, found)
	}
}

func TestALifetimeIsSetAgain(t *testing.T) {
	touch := func(s *memstore.Store, ttl time.Duration) (bool, error) { return s.Touch(t.Context(), "key", ttl) }
	renew := func(s *memstore.Store, ttl time.Duration) (bool, error) {
		v, found, err := s.GetAndRenew(t.Context(), "key", ttl)
		if found && string(v) != "value" || !found && v != nil {
			t.Errorf("GetAndRenew = %q, %t", v, found)
		}
		return found, err
	}
	for _, tc := range []struct {
		name              string
		do                func(*memstore.Store, time.Duration) (bool, error)
		before, ttl, left time.Duration
	}{
		{"by Touch to a longer one", touch, time.Minute, time.Hour, time.Hour},
		{"by Touch to a shorter one", touch, time.Hour, time.Minute, time.Minute},
		{"by Touch in its last nanosecond", touch, 2, time.Minute, time.Minute},
		{"by Touch to none", touch, time.Hour, cache.Forever, cache.Forever},
		{"by Touch of a permanent entry", touch, cache.Forever, time.Minute, time.Minute},
		{"by GetAndRenew to a longer one", renew, time.Minute, time.Hour, time.Hour},
		{"by GetAndRenew to a shorter one", renew, time.Hour, time.Minute, time.Minute},
		{"by GetAndRenew in its last nanosecond", renew, 2, time.Minute, time.Minute},
		{"not by GetAndRenew of a permanent entry", renew, cache.Forever, time.Minute, cache.Forever},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, now := openAt(t, nil)
			if found, err := tc.do(s, tc.ttl); found || err != nil {
				t.Errorf("on an absent key: %t, %v; want false", found, err)
			}
			set(t, s, "key", "value", tc.before)
			*now = 1
			if found, err := tc.do(s, tc.ttl); !found || err != nil {
				t.Errorf("%t, %v; want true", found, err)
			}
			if left, _, _ := s.TTL(t.Context(), "key"); left != tc.left {
				t.Errorf("%v remains; want %v", left, tc.left)
			}
			want(t, s, "key", "value")
			*now = 2*time.Hour + 1
			if found, _ := tc.do(s, tc.ttl); found != (tc.left == cache.Forever) {
				t.Errorf("found after the lifetime: %t", found)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAChangedLifetimeChangesTheVictim(t *testing.T) {
	for _, tc := range []struct {
		name   string
		do     func(s *memstore.Store)
		victim string
	}{
		{"Touch makes it the first", func(s *memstore.Store) { _, _ = s.Touch(t.Context(), "c", time.Second) }, "c"},
		{"Touch makes it the last", func(s *memstore.Store) { _, _ = s.Touch(t.Context(), "a", cache.Forever) }, "b"},
		{"GetAndRenew makes it the first", func(s *memstore.Store) { _, _, _ = s.GetAndRenew(t.Context(), "c", time.Second) }, "c"},
		{"GetAndRenew makes it the last", func(s *memstore.Store) { _, _, _ = s.GetAndRenew(t.Context(), "a", time.Hour) }, "b"},
		{"CompareAndSwap makes it the first", func(s *memstore.Store) { _, _ = s.CompareAndSwap(t.Context(), "c", []byte("1"), nil, time.Second) }, "c"},
		{"CompareAndSwap with KeepTTL changes nothing", func(s *memstore.Store) { _, _ = s.CompareAndSwap(t.Context(), "a", []byte("1"), nil, cache.KeepTTL) }, "a"},
		{"Increment changes nothing", func(s *memstore.Store) { _, _ = s.Increment(t.Context(), "a", 1, time.Hour) }, "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, &memstore.Options{MaxEntries: 4})
			for i, key := range strings.Split("a b c d", " ") {
				set(t, s, key, "1", time.Duration(i+1)*time.Minute)
			}
			tc.do(s)
			set(t, s, "new", "1", time.Hour)
			for _, key := range strings.Split("a b c d", " ") {
				if found, _ := s.Exists(t.Context(), key); found == (key == tc.victim) {
					t.Errorf("%q there: %t; want %q evicted", key, found, tc.victim)
				}
			}
		})
	}
}
