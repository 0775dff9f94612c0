package cache_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestTheStateOfMeter(t *testing.T) {
	seven := []cache.Limit{{"", 7, 3 * time.Second}}
	ten := cache.Limit{Name: "ten", Requests: 10, Period: time.Second}
	hour := cache.Limit{Name: "hour", Requests: 1, Period: time.Hour}
	for _, tc := range []struct {
		name   string
		state  string // "" for none
		limits []cache.Limit
		cost   int64
		next   string // "" where the entry is left as it is
		ttl    time.Duration
	}{
		{"begins with what an idle key is asked for", "", seven, 1, "gcra1 :429571:3:7", 428_572 * time.Microsecond},
		{"moves on from where it was", "gcra1 :429571:3:7", seven, 1, "gcra1 :858142:6:7", 857_143 * time.Microsecond},
		{"carries the rest", "gcra1 :858142:6:7", seven, 1, "gcra1 :1286714:2:7", 1_285_715 * time.Microsecond},
		{"is left as it is by a cost of nothing", "gcra1 :429571:3:7", seven, 0, "", 0},
		{"is left as it is by a denial", "gcra1 :3001000:0:7", seven, 1, "", 0},
		{"begins anew where it is whole again", "gcra1 :999:6:7", seven, 1, "gcra1 :429571:3:7", 428_572 * time.Microsecond},
		{"begins anew where it is just whole", "gcra1 :1000:0:7", seven, 1, "gcra1 :429571:3:7", 428_572 * time.Microsecond},
		{"does not where a fraction is left", "gcra1 :1000:1:7", seven, 1, "gcra1 :429571:4:7", 428_572 * time.Microsecond},
		{"names each limit", "", []cache.Limit{ten, hour}, 1, "gcra1 ten:101000:0:10 hour:3600001000:0:1", time.Hour},
		{"keeps the limits that were not asked for", "gcra1 hour:3600001000:0:1", []cache.Limit{ten}, 1, "gcra1 hour:3600001000:0:1 ten:101000:0:10", time.Hour},
		{"drops them once they are whole", "gcra1 hour:1000:0:1 day:1:0:1", []cache.Limit{ten}, 1, "gcra1 ten:101000:0:10", 100 * time.Millisecond},
		{"lives as long as its longest", "gcra1 other:1000:1:3", []cache.Limit{ten}, 1, "gcra1 other:1000:1:3 ten:101000:0:10", 100 * time.Millisecond},
		{"escapes names", "", []cache.Limit{{"a b:c%é\x00\n", 1, time.Second}}, 1, "gcra1 a+b%3Ac%25%C3%A9%00%0A:1001000:0:1", time.Second},
		{"knows escaped names again", "gcra1 a+b%3Ac:501000:0:2", []cache.Limit{{"a b:c", 2, time.Second}}, 1, "gcra1 a+b%3Ac:1001000:0:2", time.Second},
		{"rounds the rest up where the requests have changed", "gcra1 :429571:3:7", []cache.Limit{{"", 3, 3 * time.Second}}, 1, "gcra1 :1429572:0:3", 1_428_572 * time.Microsecond},
		{"rounds no whole number", "gcra1 :429571:0:7", []cache.Limit{{"", 3, 3 * time.Second}}, 1, "gcra1 :1429571:0:3", 1_428_571 * time.Microsecond},
		{"keeps the rest where only the period has changed", "gcra1 :429571:3:7", []cache.Limit{{"", 7, 7 * time.Second}}, 1, "gcra1 :1429571:3:7", 1_428_572 * time.Microsecond},
		{"is cut to a period that has become shorter", "gcra1 ten:9001000:0:10", []cache.Limit{ten}, 1, "gcra1 ten:1001000:0:10", time.Second},
		{"is cut by a cost of nothing too", "gcra1 ten:9001000:0:10", []cache.Limit{ten}, 0, "gcra1 ten:1001000:0:10", time.Second},
		{"is cut without naming what is whole", "gcra1 ten:9001000:0:10", []cache.Limit{hour, ten}, 0, "gcra1 ten:1001000:0:10", time.Second},
		{"of nothing but its beginning is that of an idle key", "gcra1", seven, 1, "gcra1 :429571:3:7", 428_572 * time.Microsecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var state []byte
			if tc.state != "" {
				state = []byte(tc.state)
			}
			next, ttl, _, err := cache.Meter(state, 1000, tc.limits, tc.cost)
			if string(next) != tc.next || ttl != tc.ttl || err != nil {
				t.Errorf("Meter = %q for %v, %v; want %q for %v", next, ttl, err, tc.next, tc.ttl)
			}
			if string(state) != tc.state {
				t.Errorf("the given state became %q", state)
			}
		})
	}
}

func TestAppendMeterAppendsWhatMeterReturns(t *testing.T) {
	limits := []cache.Limit{{Name: "a b", Requests: 3, Period: time.Second}, {Requests: 10, Period: time.Hour}}
	var state []byte
	memory := []byte("kept")
	for now := range int64(5) {
		want, wantTTL, wantDecision, err := cache.Meter(state, now, limits, 1)
		next, ttl, d, appendErr := cache.AppendMeter(memory, state, now, limits, 1)
		if err != nil || appendErr != nil || ttl != wantTTL || d != wantDecision {
			t.Errorf("%v %v %v, want %v %v %v", ttl, d, appendErr, wantTTL, wantDecision, err)
		}
		switch {
		case want == nil && next != nil, want != nil && string(next) != "kept"+string(want):
			t.Errorf("what is stored is %q, want %q behind what was there", next, want)
		case want != nil:
			state = want
		}
	}
}

func TestAStateThatMeterDidNotMakeIsAnError(t *testing.T) {
	limits := []cache.Limit{{"", 7, 3 * time.Second}}
	for _, state := range []string{
		"", " ", "42", "gcra", "gcra2 :1:0:7", "GCRA1 :1:0:7", "gcra1:1:0:7", " gcra1", "gcra1 ", "gcra1  :1:0:7", "gcra1 :1:0:7 ", "gcra1 :1:0",
		"gcra1 :1:0:7:8", "gcra1 :x:0:7", "gcra1 :1:x:7", "gcra1 :1:0:x", "gcra1 :1::7", "gcra1 :-1:0:7", "gcra1 :1:-1:7", "gcra1 :1:0:-7",
		"gcra1 :1:7:7", "gcra1 :1:8:7", "gcra1 :1:1:0", "gcra1 %:1:0:7", "gcra1 %zz:1:0:7", "gcra1 :9223372036854775808:0:7", "gcra1 :1.5:0:7",
		"gcra1 :1:0:7\n", "gcra1\t:1:0:7",
	} {
		next, ttl, d, err := cache.Meter([]byte(state), 0, limits, 1)
		if next != nil || ttl != 0 || d != (cache.Decision{}) || errText(err) != "the entry is not one that Take made" {
			t.Errorf("%q: %q, %v, %+v, %v; want the error alone", state, next, ttl, d, err)
		}
	}
}

// The largest numbers that a state can hold do no more than that the limit is used up.
func TestAForgedStateIsAtMostUsedUp(t *testing.T) {
	limits := []cache.Limit{{"a", 7, 3 * time.Second}, {"b", 1, maxPeriod}}
	for _, state := range []string{
		"gcra1 a:9223372036854775807:0:7",
		"gcra1 a:9223372036854775807:6:7",
		"gcra1 a:9223372036854775807:1:9223372036854775807",
		"gcra1 a:9223372036854775807:9223372036854775806:9223372036854775807",
		"gcra1 b:9223372036854775806:1:2",
	} {
		for _, now := range []int64{0, 1, 1_700_000_000_000_000, math.MaxInt64 / 2} {
			m := &meter{t: t, state: []byte(state), now: now}
			d := m.take(limits, 1)
			if d.Allowed || d.Remaining != 0 || d.RetryAfter <= 0 {
				t.Errorf("%s at %d: %+v; want it denied", state, now, d)
			}
			m.now += d.RetryAfter.Microseconds()
			if d := m.take(limits, 1); !d.Allowed {
				t.Errorf("%s at %d: %+v; want it allowed after RetryAfter", state, now, d)
			}
		}
	}
}

func TestAForgedStateOfAnotherLimitKeepsNoEntryForEver(t *testing.T) {
	limits := []cache.Limit{{"a", 7, 3 * time.Second}}
	for _, forged := range []string{"z:9223372036854775807:0:7", "z:9223372036854775807:6:7", "z:9223372036854775806:1:2", "z:1734560000000000:1:2"} {
		for _, now := range []int64{0, 1_700_000_000_000_000} {
			next, ttl, d, err := cache.Meter([]byte("gcra1 "+forged), now, limits, 1)
			if err != nil || !d.Allowed || ttl != maxPeriod || !strings.Contains(string(next), " z:") {
				t.Errorf("%s at %d: %q for %v, %+v, %v; want it kept for no longer than the longest period", forged, now, next, ttl, d, err)
			}
		}
	}
}

// FuzzMeter: whatever the entry holds, nothing panics, nobody is allowed more than from an idle key, and what is to be stored can be read.
func FuzzMeter(f *testing.F) {
	for _, state := range []string{
		"", "gcra1", "gcra1 a:1:0:1", "gcra1 a:9223372036854775807:1:2 b:5:0:1", "gcra1 a:2000000:6:7 a:1:0:1 z:99:1:2", "gcra1 +%3A:+5:0:0", "gcra2 a:1:0:1",
	} {
		f.Add([]byte(state), int64(1_000_000), int64(7), int64(3_000_000), int64(1), int64(1000), int64(86_400_000_000))
	}
	f.Fuzz(func(t *testing.T, state []byte, now, requests, period, cost, requests2, period2 int64) {
		within := func(n, most int64) int64 { return 1 + (n&math.MaxInt64)%most }
		period, period2 = within(period, maxPeriod.Microseconds()), within(period2, maxPeriod.Microseconds())
		requests, requests2 = within(requests, period), within(requests2, period2)
		limits := []cache.Limit{
			{"a", requests, time.Duration(period) * time.Microsecond},
			{"b:", requests2, time.Duration(period2) * time.Microsecond},
		}
		cost = within(cost, min(requests, requests2)+1) - 1
		now &= math.MaxInt64 >> 1
		next, ttl, d, err := cache.Meter(state, now, limits, cost)
		if err != nil {
			if next != nil || ttl != 0 || d != (cache.Decision{}) {
				t.Fatalf("%q, %v, %+v beside the error %v", next, ttl, d, err)
			}
			return
		}
		if next == nil {
			next = state
		} else if ttl <= 0 || ttl > maxPeriod {
			t.Fatalf("the lifetime is %v", ttl)
		}
		if d.RetryAfter < 0 || d.RetryAfter > limits[d.Limit].Period || d.ResetAfter < 0 || d.ResetAfter > limits[d.Limit].Period || d.Allowed != (d.RetryAfter == 0) {
			t.Fatalf("%+v", d)
		}
		_, _, fresh, err := cache.Meter(nil, now, limits[d.Limit:d.Limit+1], cost)
		if err != nil || d.Remaining < 0 || d.Remaining > limits[d.Limit].Requests || d.Allowed && d.Remaining > fresh.Remaining {
			t.Fatalf("%+v; from an idle key %+v, %v", d, fresh, err)
		}
		if _, _, again, err := cache.Meter(next, now, limits, d.Remaining%min(requests, requests2)+1); err != nil || again.Allowed && d.Remaining == 0 {
			t.Fatalf("from %q: %+v, %v after %+v", next, again, err, d)
		}
		_, _, later, err := cache.Meter(next, now+d.RetryAfter.Microseconds(), limits, cost)
		if !d.Allowed && (err != nil || !later.Allowed) {
			t.Fatalf("from %q after RetryAfter: %+v, %v", next, later, err)
		}
	})
}
