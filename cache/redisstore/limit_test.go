package redisstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// What is stored and what is decided is what cache.Meter makes of the state before, at the time that the server took.
func TestTakeDoesWhatMeterSays(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	const micro = time.Microsecond
	known := []cache.Limit{
		{Name: "second", Requests: 7, Period: time.Second},
		{Name: "", Requests: 3, Period: 50 * time.Millisecond},
		{Name: "a b:%/\x00ü", Requests: 1000, Period: 3 * time.Second},
		{Name: "second", Requests: 11, Period: time.Second},              // changed
		{Name: "second", Requests: 7, Period: 400 * time.Millisecond},    // shortened: what is taken may be more than all
		{Name: "every", Requests: 1e6, Period: time.Second},              // one a microsecond
		{Name: "most", Requests: 86_400_000_000, Period: 24 * time.Hour}, // the same for a day
		{Name: "odd", Requests: 86_399_999_999, Period: 24 * time.Hour},
		{Name: "longest", Requests: 34_559_999_999_999, Period: 400 * 24 * time.Hour},
		{Name: "long", Requests: 3, Period: 400*24*time.Hour - micro},
	}
	var allowed, denied int
	var later int64 // how long after asked the server took, the last time on the edge
	for round := range 4000 {
		asked := clock(t, other)
		key := fmt.Sprint("key", random.IntN(4))
		limits := pick(random, known)
		cost := costOf(random, limits)
		if round%2 == 0 { // on the edge: whether a third of a microsecond is nothing, or too much
			key, limits, cost = "edge", []cache.Limit{{Name: "third", Requests: 3, Period: time.Second}}, 1
			at := asked + later + []int64{0, 666_667}[random.IntN(2)] + random.Int64N(20) - 10
			other.Set(t.Context(), "cache:edge", fmt.Sprintf("gcra1 third:%d:%d:3", at, random.IntN(3)), time.Hour)
		}
		before := stateOf(t, other, key)
		from := clock(t, other)
		got, err := s.Take(t.Context(), key, limits, cost)
		if err != nil {
			t.Fatal(err)
		}
		after := stateOf(t, other, key)
		now := impliedNow(before, after, limits, got)
		if now < from || now > clock(t, other) {
			now = from // nothing is taken of the limit that decides, or more than all: then the time does not matter
		} else if key == "edge" {
			later = now - asked
		}
		next, ttl, want, err := cache.Meter(asMeter(t, before), now, limits, cost)
		if err != nil {
			t.Fatalf("seed %d, round %d: %q is no state: %v", seed, round, before, err)
		}
		if got != want {
			t.Fatalf("seed %d, round %d: Take of %d from %+v with %q = %+v; want %+v", seed, round, cost, limits, before, got, want)
		}
		if next == nil {
			denied++
			// What has expired meanwhile was whole.
			if after != nil && !bytes.Equal(after, before) {
				t.Fatalf("seed %d, round %d: a Take that took nothing has turned %q into %q", seed, round, before, after)
			}
			continue
		}
		allowed++
		if after == nil && ttl > 10*time.Millisecond || after != nil && !bytes.Equal(asMeter(t, after), next) {
			t.Fatalf("seed %d, round %d: Take of %d from %+v has turned %q into %q; want what Meter has as %q", seed, round, cost, limits, before, after, next)
		}
		if left := other.PTTL(t.Context(), "cache:"+key).Val(); left != -2 && (left < 0 || left > ttl+time.Millisecond || left < ttl-10*time.Second) {
			t.Fatalf("seed %d, round %d: the state lives %v; want %v", seed, round, left, ttl)
		}
	}
	if allowed < 300 || denied < 300 {
		t.Errorf("%d calls were allowed and %d denied; want more of both", allowed, denied)
	}
}

// pick returns one to three limits of different names.
func pick(random *rand.Rand, known []cache.Limit) []cache.Limit {
	var limits []cache.Limit
	for range 1 + random.IntN(3) {
		l, taken := known[random.IntN(len(known))], false
		for _, other := range limits {
			taken = taken || other.Name == l.Name
		}
		if !taken {
			limits = append(limits, l)
		}
	}
	return limits
}

// costOf is mostly what several calls in a row can take, and sometimes nothing or everything.
func costOf(random *rand.Rand, limits []cache.Limit) int64 {
	least := limits[0].Requests
	for _, l := range limits {
		least = min(least, l.Requests)
	}
	switch random.IntN(8) {
	case 0:
		return 0
	case 1:
		return least
	}
	return random.Int64N(least/3 + 1)
}

func stateOf(t *testing.T, other *redis.Client, key string) []byte {
	t.Helper()
	state, err := other.Get(t.Context(), "cache:"+key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return state
}

// asMeter is the state as Meter has it.
func asMeter(t *testing.T, state []byte) []byte {
	t.Helper()
	if state == nil {
		return nil
	}
	arrivals := strings.Split(string(state), " ")
	if arrivals[0] != "gcra1" {
		t.Fatalf("%q is no state", state)
	}
	b := []byte("gcra2")
	for _, arrival := range arrivals[1:] {
		var numbers [3]uint64
		name, rest, _ := strings.Cut(arrival, ":")
		if _, err := fmt.Sscanf(rest, "%d:%d:%d", &numbers[0], &numbers[1], &numbers[2]); err != nil {
			t.Fatalf("%q is no state: %v", state, err)
		}
		for _, n := range numbers {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		name, err := url.QueryUnescape(name)
		if err != nil {
			t.Fatalf("%q is no state: %v", state, err)
		}
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(name))), name...)
	}
	return b
}

func clock(t *testing.T, other *redis.Client) int64 {
	t.Helper()
	now, err := other.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return now.UnixMicro()
}

// impliedNow is the arrival of the limit that decides, less how far away Take said it is.
func impliedNow(before, after []byte, limits []cache.Limit, d cache.Decision) int64 {
	state := after
	if state == nil {
		state = before
	}
	l := limits[d.Limit]
	for _, field := range strings.Fields(string(state))[min(1, len(strings.Fields(string(state)))):] {
		parts := strings.Split(field, ":")
		if parts[0] != escaped(l.Name) {
			continue
		}
		at, _ := strconv.ParseInt(parts[1], 10, 64)
		if parts[2] != "0" {
			at++
		}
		return at - d.ResetAfter.Microseconds()
	}
	return 0
}

func escaped(name string) string {
	if name == "a b:%/\x00ü" {
		return "a+b%3A%25%2F%00%C3%BC"
	}
	return name
}

func TestAThousandADayAreAThousandFromFourStoresAtOnce(t *testing.T) {
	server := redistest.Start(t)
	limits := []cache.Limit{{Name: "daily", Requests: 1000, Period: 24 * time.Hour}}
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		s := open(t, server.URL(), &redisstore.Options{Timeout: 30 * time.Second})
		for range 4 {
			all.Go(func() {
				for range 100 {
					d, err := s.Take(t.Context(), "user:1", limits, 1)
					if err != nil {
						t.Error(err)
					}
					if d.Allowed {
						allowed.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if allowed.Load() != 1000 {
		t.Errorf("%d of 1600 requests were allowed; want 1000", allowed.Load())
	}
}

func TestTakeHasTheLaterOfTwoOfOneName(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	now := clock(t, other)
	limits := []cache.Limit{{Name: "a", Requests: 6, Period: time.Hour}}
	sooner, later := fmt.Sprintf("a:%d:0:6", now+600e6), fmt.Sprintf("a:%d:5:7", now+3000e6)
	for _, state := range []string{"gcra1 " + sooner + " " + later, "gcra1 " + later + " " + sooner, "gcra1 " + later} {
		other.Set(t.Context(), "cache:key", state, time.Hour)
		if d, err := s.Take(t.Context(), "key", limits, 0); d.Remaining != 1 || err != nil {
			t.Errorf("Take of nothing with %q = %+v, %v; want 1 remaining", state, d, err)
		}
	}
}

func TestTakeLeavesWhatIsNotItsOwn(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	for _, entry := range []string{
		"", "12", "gcra", "gcra2", "gcra1x", "gcra1 ", "gcra1 a:1:2", "gcra1 a:1:2:3:4", "gcra1  a:1:0:5", "gcra1 a:x:0:1", "gcra1 a:-1:0:1", "gcra1 a:1:5:5",
		"gcra1 %zz:1:0:1", "gcra1 a%:1:0:1", "gcra1 a:99999999999999999999:0:1", "gcra1\na:1:0:1",
	} {
		other.Set(t.Context(), "cache:key", entry, time.Hour)
		_, err := s.Take(t.Context(), "key", hourly(5), 1)
		if err == nil || errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "not one that Take made") {
			t.Errorf("Take with %q: %v; want an error that says it", entry, err)
		}
		if got := other.Get(t.Context(), "cache:key").Val(); got != entry {
			t.Errorf("Take has turned %q into %q", entry, got)
		}
	}
	other.Set(t.Context(), "cache:key", "gcra1", time.Hour) // a state in which everything is whole
	if d, err := s.Take(t.Context(), "key", hourly(5), 1); err != nil || d.Remaining != 4 {
		t.Errorf("Take with an empty state = %+v, %v; want 4 remaining", d, err)
	}
}

func TestTakeThatTakesNothingWritesNothing(t *testing.T) {
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	s := open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	take := func(cost int64, allowed bool) {
		t.Helper()
		if d, err := s.Take(t.Context(), "key", hourly(2), cost); err != nil || d.Allowed != allowed {
			t.Errorf("Take of %d = %+v, %v; want allowed to be %t", cost, d, err, allowed)
		}
	}
	take(2, true)
	other.ConfigResetStat(t.Context())
	take(1, false)
	take(2, false)
	take(0, true)
	if n := calls(t, other, "set"); n != 0 {
		t.Errorf("three calls that took nothing have written %d times", n)
	}
}
