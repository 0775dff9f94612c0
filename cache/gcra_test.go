package cache_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

const maxPeriod = 400 * 24 * time.Hour

// meter is the entry of one key in a store with a clock that the test holds.
type meter struct {
	t     *testing.T
	state []byte
	now   int64 // in microseconds
}

// take calls Meter and does with the answer what a store does.
func (m *meter) take(limits []cache.Limit, cost int64) cache.Decision {
	m.t.Helper()
	next, ttl, d, err := cache.Meter(m.state, m.now, limits, cost)
	if err != nil {
		m.t.Fatalf("Meter(%q, %d, %v, %d): %v", m.state, m.now, limits, cost, err)
	}
	if (next == nil) != (ttl == 0) || ttl < 0 || ttl > maxPeriod {
		m.t.Fatalf("Meter(%q, %d, %v, %d) = %q for %v; want a lifetime for a state, and for nothing else", m.state, m.now, limits, cost, next, ttl)
	}
	if next != nil {
		m.state = next
	}
	return d
}

// at is the meter at another time.
func (m *meter) at(now int64) *meter { return &meter{m.t, m.state, now} }

func TestADecision(t *testing.T) {
	ten := cache.Limit{Name: "ten", Requests: 10, Period: time.Second}
	three := cache.Limit{Name: "three", Requests: 3, Period: 2 * time.Second}
	type step struct {
		after time.Duration // since the step before
		cost  int64
		want  cache.Decision
	}
	const ms = time.Millisecond
	for _, tc := range []struct {
		name   string
		limits []cache.Limit
		steps  []step
	}{
		{"of an idle key has all but the cost", []cache.Limit{ten}, []step{
			{0, 1, cache.Decision{Allowed: true, Remaining: 9, ResetAfter: 100 * ms}},
		}},
		{"of a cost of all leaves nothing", []cache.Limit{ten}, []step{
			{0, 10, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
			{0, 1, cache.Decision{Allowed: false, Remaining: 0, RetryAfter: 100 * ms, ResetAfter: time.Second}},
		}},
		{"that denies takes nothing", []cache.Limit{ten}, []step{
			{0, 8, cache.Decision{Allowed: true, Remaining: 2, ResetAfter: 800 * ms}},
			{0, 4, cache.Decision{Allowed: false, Remaining: 2, RetryAfter: 200 * ms, ResetAfter: 800 * ms}},
			{0, 2, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
		}},
		{"of a cost of nothing tells how things are", []cache.Limit{ten}, []step{
			{0, 0, cache.Decision{Allowed: true, Remaining: 10}},
			{0, 10, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
			{0, 0, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
			{250 * ms, 0, cache.Decision{Allowed: true, Remaining: 2, ResetAfter: 750 * ms}},
		}},
		{"comes back one by one", []cache.Limit{ten}, []step{
			{0, 10, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
			{100*ms - time.Microsecond, 1, cache.Decision{Allowed: false, Remaining: 0, RetryAfter: time.Microsecond, ResetAfter: 900*ms + time.Microsecond}},
			{time.Microsecond, 1, cache.Decision{Allowed: true, Remaining: 0, ResetAfter: time.Second}},
			{2 * time.Second, 1, cache.Decision{Allowed: true, Remaining: 9, ResetAfter: 100 * ms}},
		}},
		{"is that of the limit with the fewest remaining", []cache.Limit{ten, three}, []step{
			{0, 1, cache.Decision{Allowed: true, Limit: 1, Remaining: 2, ResetAfter: 666_667 * time.Microsecond}},
		}},
		{"is that of the first among equals", []cache.Limit{{"a", 5, time.Second}, {"b", 5, time.Hour}}, []step{
			{0, 2, cache.Decision{Allowed: true, Limit: 0, Remaining: 3, ResetAfter: 400 * ms}},
		}},
		{"is that of the limit that lacks the cost", []cache.Limit{ten, three}, []step{
			{0, 3, cache.Decision{Allowed: true, Limit: 1, Remaining: 0, ResetAfter: 2 * time.Second}},
			{0, 1, cache.Decision{Allowed: false, Limit: 1, Remaining: 0, RetryAfter: 666_667 * time.Microsecond, ResetAfter: 2 * time.Second}},
		}},
		{"is that of the limit that lacks the cost longest, and takes of none", []cache.Limit{{"a", 4, time.Second}, {"b", 4, time.Minute}, {"c", 9, time.Hour}}, []step{
			{0, 4, cache.Decision{Allowed: true, Limit: 0, Remaining: 0, ResetAfter: time.Second}},
			{0, 2, cache.Decision{Allowed: false, Limit: 1, Remaining: 0, RetryAfter: 30 * time.Second, ResetAfter: time.Minute}},
			{15 * time.Second, 1, cache.Decision{Allowed: true, Limit: 1, Remaining: 0, ResetAfter: time.Minute}},
			{0, 0, cache.Decision{Allowed: true, Limit: 1, Remaining: 0, ResetAfter: time.Minute}},
		}},
		{"is that of the first of those that lack it equally long", []cache.Limit{ten, {"a", 1, time.Second}, {"b", 1, time.Second}}, []step{
			{0, 1, cache.Decision{Allowed: true, Limit: 1, Remaining: 0, ResetAfter: time.Second}},
			{0, 1, cache.Decision{Allowed: false, Limit: 1, Remaining: 0, RetryAfter: time.Second, ResetAfter: time.Second}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := &meter{t: t, now: 1_000_000}
			for i, s := range tc.steps {
				m.now += s.after.Microseconds()
				if got := m.take(tc.limits, s.cost); got != s.want {
					t.Errorf("step %d: %+v; want %+v", i, got, s.want)
				}
			}
		})
	}
}

// awkward are limits whose Period/Requests is no whole number of microseconds, and the extremes.
func awkward() []cache.Limit {
	return []cache.Limit{
		{Requests: 7, Period: 3 * time.Second},
		{Requests: 1000, Period: 24 * time.Hour},
		{Requests: 86_400_000_000, Period: 24 * time.Hour},
		{Requests: 86_399_999_999, Period: 24 * time.Hour},
		{Requests: 1, Period: maxPeriod},
		{Requests: 1_000_000, Period: time.Second},
		{Requests: 999_999, Period: time.Second},
		{Requests: 1, Period: time.Microsecond},
		{Requests: 2, Period: 3 * time.Microsecond},
		{Requests: int64(maxPeriod / time.Microsecond), Period: maxPeriod},
		{Requests: int64(maxPeriod/time.Microsecond) - 1, Period: maxPeriod},
		{Requests: 10_000_019, Period: maxPeriod},
	}
}

func TestAnIdleKeyIsGrantedItsRequestsAndThenOneEachTimeOneIsBack(t *testing.T) {
	for _, l := range awkward() {
		t.Run(fmt.Sprint(l.Requests, " in ", l.Period), func(t *testing.T) {
			const start = 1_700_000_000_000_000
			m := &meter{t: t, now: start}
			limits := []cache.Limit{l}
			if d := m.take(limits, l.Requests); !d.Allowed || d.Remaining != 0 {
				t.Fatalf("all at once: %+v; want it allowed", d)
			}
			for k := int64(1); k <= 2000; k++ {
				d := m.take(limits, 1)
				if d.Allowed {
					t.Fatalf("at %d: one was granted that is the %d. of the burst", m.now-start, k)
				}
				m.now += d.RetryAfter.Microseconds()
				if want := ceil(fraction(k, l)); m.now-start != want {
					t.Fatalf("request %d of those that come back: at %d; want %d", k, m.now-start, want)
				}
				if d := m.take(limits, 1); !d.Allowed {
					t.Fatalf("at %d: %+v; want what came back to be granted", m.now-start, d)
				}
			}
		})
	}
}

func TestOverATimeAnIdleKeyIsGrantedExactlyItsShare(t *testing.T) {
	for _, l := range awkward() {
		t.Run(fmt.Sprint(l.Requests, " in ", l.Period), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(l.Requests)))
			period := l.Period.Microseconds()
			limits := []cache.Limit{l}
			var elapsed int64
			m := &meter{t: t}
			granted := l.Requests
			m.take(limits, l.Requests)
			// What is not taken before the level is whole again is lost, so the gaps stay below that.
			longest := period - (period+l.Requests-1)/l.Requests
			for range 2000 {
				if longest > 0 {
					elapsed += magnitude(random, longest)
				}
				m.now = elapsed
				left := m.take(limits, 0).Remaining
				if left > 0 && !m.take(limits, left).Allowed {
					t.Fatalf("at %d: %d remained and were not granted", elapsed, left)
				}
				if m.take(limits, 1).Allowed {
					t.Fatalf("at %d: one more than remained was granted", elapsed)
				}
				granted += left
				if want := l.Requests + floor(new(big.Rat).Mul(big.NewRat(elapsed, period), big.NewRat(l.Requests, 1))); granted != want {
					t.Fatalf("after %d µs %d were granted; want %d", elapsed, granted, want)
				}
			}
		})
	}
}

func TestCostIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 5000 {
		l := randomLimits(random)[0]
		n := randomCost(random, []cache.Limit{l})
		got := l.Cost(n)
		exact := new(big.Rat).Add(big.NewRat(got.Micros, 1), big.NewRat(got.Rest, l.Requests))
		if got.Rest < 0 || got.Rest >= l.Requests || exact.Cmp(fraction(n, l)) != 0 {
			t.Fatalf("%v of %v costs %+v; want %v µs", n, l, got, fraction(n, l))
		}
	}
}

// What remains is a quotient whose dividend has more than 64 bits, in two words: here the lower one carries.
func TestRemainingIsExactBeyond64Bits(t *testing.T) {
	period := maxPeriod.Microseconds()
	for _, requests := range []int64{30_000_000_000_000, 12_345_678_901_234, 34_559_999_999_999} {
		l := cache.Limit{Requests: requests, Period: maxPeriod}
		for k := range int64(1000) {
			product := new(big.Int).Lsh(big.NewInt(1+k), 64)
			room := product.Div(product, big.NewInt(requests)).Int64() // room·Requests is just below a multiple of 2⁶⁴
			level := cache.Level{Micros: period - room - 1, Rest: 1}
			_, d := cache.Decide([]cache.Limit{l}, []cache.Level{level}, 0)
			left := new(big.Rat).Sub(big.NewRat(period-level.Micros, 1), big.NewRat(1, requests))
			if want := floor(left.Mul(left, big.NewRat(requests, period))); d.Remaining != want {
				t.Fatalf("%d requests, level %+v: %d remain; want %d", requests, level, d.Remaining, want)
			}
		}
	}
}

func TestDecideTakesALevelBeyondThePeriodAsThePeriod(t *testing.T) {
	limits := []cache.Limit{{Requests: 3, Period: time.Second}}
	for _, level := range []cache.Level{{Micros: 1_000_000}, {Micros: 1_000_000, Rest: 2}, {Micros: math.MaxInt64, Rest: 2}} {
		after, d := cache.Decide(limits, []cache.Level{level}, 1)
		want := cache.Decision{RetryAfter: 333_334 * time.Microsecond, ResetAfter: time.Second}
		if d != want || after[0] != (cache.Level{Micros: 1_000_000}) {
			t.Errorf("%+v: %+v, level %+v; want %+v, level of the period", level, d, after[0], want)
		}
	}
}

func TestDecideLeavesTheGivenLevelsAlone(t *testing.T) {
	limits := []cache.Limit{{Requests: 3, Period: time.Second}}
	levels := []cache.Level{{Micros: 1}}
	after, _ := cache.Decide(limits, levels, 1)
	if diff := cmp.Diff([]cache.Level{{Micros: 1}}, levels); diff != "" {
		t.Errorf("the given levels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]cache.Level{{Micros: 333_334, Rest: 1}}, after); diff != "" {
		t.Errorf("the levels after it (-want +got):\n%s", diff)
	}
}
