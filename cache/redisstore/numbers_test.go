package redisstore_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

func TestIncrementTakesForANumberWhatTheContractDoes(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	for _, tc := range []struct {
		text  string
		delta int64
	}{
		{"7", 1}, {"-7", 1}, {"0", math.MinInt64}, {"0", math.MaxInt64}, {"9223372036854775807", -1}, {"-9223372036854775808", 1},
		{"9223372036854775806", 1}, {"-1", math.MinInt64 + 1}, {"9007199254740993", 2}, {"-9007199254740993", 0},
		{"9223372036854775807", 1}, {"-9223372036854775808", -1}, {"-1", math.MinInt64}, {"1", math.MaxInt64},
		{"9223372036854775808", -1}, {"-9223372036854775809", 1}, {"99999999999999999999", 0}, {"", 1}, {" 1", 1}, {"1 ", 1}, {"+1", 1}, {"01", 1},
		{"-0", 1}, {"-01", 1}, {"1.0", 1}, {"1e3", 1}, {"0x1", 1}, {"1\x00", 1}, {"one", 1}, {"1\n", 1}, {"--1", 1}, {"-", 1},
	} {
		other.Set(t.Context(), "cache:number", tc.text, time.Hour)
		want, wantErr := cache.Sum([]byte(tc.text), tc.delta)
		got, err := s.Increment(t.Context(), "number", tc.delta, time.Minute)
		kept := tc.text
		switch {
		case wantErr == nil:
			if got != want || err != nil {
				t.Errorf("Increment of %q by %d = %d, %v; want %d", tc.text, tc.delta, got, err, want)
			}
			continue
		case errors.Is(wantErr, cache.ErrNotInteger) && !errors.Is(err, cache.ErrNotInteger), errors.Is(wantErr, cache.ErrOverflow) && !errors.Is(err, cache.ErrOverflow):
			t.Errorf("Increment of %q by %d: %v; want %v", tc.text, tc.delta, err, wantErr)
		case errors.Is(err, cache.ErrUnavailable):
			t.Errorf("Increment of %q by %d: %v; that is no outage", tc.text, tc.delta, err)
		}
		if v := other.Get(t.Context(), "cache:number").Val(); v != kept {
			t.Errorf("Increment by %d has turned %q into %q", tc.delta, tc.text, v)
		}
	}
}

func TestANewNumberIsPlainTextWithItsLifetime(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	for _, tc := range []struct {
		name        string
		ttl         time.Duration
		least, most time.Duration
	}{
		{"an hour", time.Hour, 59 * time.Minute, time.Hour},
		{"rounded up to a millisecond", time.Hour + 1, 59 * time.Minute, time.Hour + time.Millisecond},
		{"for ever", cache.Forever, -1, -1},
	} {
		other.Del(t.Context(), "cache:number")
		for range 2 {
			if _, err := s.Increment(t.Context(), "number", math.MinInt64/2, tc.ttl); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
		if v, ttl := other.Get(t.Context(), "cache:number").Val(), other.PTTL(t.Context(), "cache:number").Val(); v != "-9223372036854775808" || ttl < tc.least || ttl > tc.most {
			t.Errorf("%s: the server has %q for %v", tc.name, v, ttl)
		}
	}
	other.Del(t.Context(), "cache:number")
	if _, err := s.Increment(t.Context(), "number", 1, cache.KeepTTL); !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Increment of an absent number with KeepTTL: %v; want ErrNotFound", err)
	}
	if n := other.Exists(t.Context(), "cache:number").Val(); n != 0 {
		t.Error("Increment with KeepTTL has made a number")
	}
}

func TestALifetimeThatOthersHaveSetIsReadAsFarAsItGoes(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	if err := other.Do(t.Context(), "set", "cache:key", "v", "px", int64(math.MaxInt64/1_000_000)*1000).Err(); err != nil {
		t.Fatal(err)
	}
	if ttl, found, err := s.TTL(t.Context(), "key"); ttl != cache.Forever-1 || !found || err != nil {
		t.Errorf("TTL of 292,000 years = %v, %t, %v; want the longest that is not Forever", ttl, found, err)
	}
}

func TestAnEntryIsThereInItsLastMillisecond(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	for range 2000 { // some of them find the entry when PTTL is 0
		other.Set(t.Context(), "cache:key", "v", time.Millisecond)
		_, found, err := s.GetAndRenew(t.Context(), "key", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if ttl := other.PTTL(t.Context(), "cache:key").Val(); found && ttl < 59*time.Minute {
			t.Fatalf("an entry that GetAndRenew found lives %v; want an hour", ttl)
		}
		other.Set(t.Context(), "cache:key", "v", time.Millisecond)
		if ttl, found, err := s.TTL(t.Context(), "key"); err != nil || found != (ttl > 0) || ttl > 2*time.Millisecond {
			t.Fatalf("TTL in the last millisecond = %v, %t, %v; want a millisecond, or no entry", ttl, found, err)
		}
	}
}

func TestMistakesAreNamedWhereAScriptMeetsThem(t *testing.T) {
	for _, tc := range []struct {
		name string
		args []string
		url  string
		want error
	}{
		{"a user who may not write", []string{"--user", "u", "on", ">pw", "~*", "+@all", "-@write"}, "redis://u:pw@%s", redisstore.ErrPermission},
		{"a user who may not use the keys", []string{"--user", "u", "on", ">pw", "~app:*", "+@all"}, "redis://u:pw@%s", redisstore.ErrPermission},
		{"a user who may run no scripts", []string{"--user", "u", "on", ">pw", "~*", "+@all", "-@scripting"}, "redis://u:pw@%s", redisstore.ErrPermission},
		{"a read-only replica", []string{"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"}, "redis://%s", redisstore.ErrReadOnly},
		{"a full server", []string{"--maxmemory", "1"}, "redis://%s", redisstore.ErrMemory},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := redistest.Start(t, tc.args...)
			s := open(t, with(tc.url)(server), &redisstore.Options{Timeout: 10 * time.Second})
			_, increment := s.Increment(t.Context(), "number", 1, time.Hour)
			_, take := s.Take(t.Context(), "limit", hourly(5), 1)
			for name, err := range map[string]error{"Increment": increment, "Take": take} {
				if !errors.Is(err, tc.want) || !errors.Is(err, cache.ErrUnavailable) {
					t.Errorf("%s: %v; want %v, and ErrUnavailable", name, err, tc.want)
				}
			}
		})
	}
}
