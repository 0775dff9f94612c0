package cache_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// stateOf is the state with arrivals given as name:arrival:rest:requests, the names escaped, with spaces between them; nil for "".
func stateOf(t testing.TB, arrivals string) []byte {
	t.Helper()
	if arrivals == "" {
		return nil
	}
	state := []byte("gcra2")
	for arrival := range strings.FieldsSeq(arrivals) {
		fields := strings.Split(arrival, ":")
		name, err := url.QueryUnescape(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fields[1:] {
			n, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			state = binary.LittleEndian.AppendUint64(state, n)
		}
		state = append(binary.LittleEndian.AppendUint32(state, uint32(len(name))), name...)
	}
	return state
}

func TestTheStateOfMeter(t *testing.T) {
	seven := []cache.Limit{{"", 7, 3 * time.Second}}
	ten := cache.Limit{Name: "ten", Requests: 10, Period: time.Second}
	hour := cache.Limit{Name: "hour", Requests: 1, Period: time.Hour}
	for _, tc := range []struct {
		name   string
		state  string // as stateOf has it; "" for none
		limits []cache.Limit
		cost   int64
		next   string // "" where the entry is left as it is
		ttl    time.Duration
	}{
		{"begins with what an idle key is asked for", "", seven, 1, ":429571:3:7", 428_572 * time.Microsecond},
		{"moves on from where it was", ":429571:3:7", seven, 1, ":858142:6:7", 857_143 * time.Microsecond},
		{"carries the rest", ":858142:6:7", seven, 1, ":1286714:2:7", 1_285_715 * time.Microsecond},
		{"is left as it is by a cost of nothing", ":429571:3:7", seven, 0, "", 0},
		{"is left as it is by a denial", ":3001000:0:7", seven, 1, "", 0},
		{"begins anew where it is whole again", ":999:6:7", seven, 1, ":429571:3:7", 428_572 * time.Microsecond},
		{"begins anew where it is just whole", ":1000:0:7", seven, 1, ":429571:3:7", 428_572 * time.Microsecond},
		{"does not where a fraction is left", ":1000:1:7", seven, 1, ":429571:4:7", 428_572 * time.Microsecond},
		{"names each limit", "", []cache.Limit{ten, hour}, 1, "ten:101000:0:10 hour:3600001000:0:1", time.Hour},
		{"keeps the limits that were not asked for", "hour:3600001000:0:1", []cache.Limit{ten}, 1, "hour:3600001000:0:1 ten:101000:0:10", time.Hour},
		{"drops them once they are whole", "hour:1000:0:1 day:1:0:1", []cache.Limit{ten}, 1, "ten:101000:0:10", 100 * time.Millisecond},
		{"lives as long as its longest", "other:1000:1:3", []cache.Limit{ten}, 1, "other:1000:1:3 ten:101000:0:10", 100 * time.Millisecond},
		{"has any name", "", []cache.Limit{{"a b:c%é\x00\n", 1, time.Second}}, 1, "a+b%3Ac%25%C3%A9%00%0A:1001000:0:1", time.Second},
		{"knows any name again", "a+b%3Ac:501000:0:2", []cache.Limit{{"a b:c", 2, time.Second}}, 1, "a+b%3Ac:1001000:0:2", time.Second},
		{"tells names of one beginning apart", "a:1001000:0:1 abc:1001000:0:1", []cache.Limit{{"ab", 1, time.Second}}, 1, "a:1001000:0:1 abc:1001000:0:1 ab:1001000:0:1", time.Second},
		{"has the later of two of one name", ":858142:6:7 :429571:3:7 :858142:5:7", seven, 1, ":1286714:2:7", 1_285_715 * time.Microsecond},
		{"rounds the rest up where the requests have changed", ":429571:3:7", []cache.Limit{{"", 3, 3 * time.Second}}, 1, ":1429572:0:3", 1_428_572 * time.Microsecond},
		{"rounds no whole number", ":429571:0:7", []cache.Limit{{"", 3, 3 * time.Second}}, 1, ":1429571:0:3", 1_428_571 * time.Microsecond},
		{"keeps the rest where only the period has changed", ":429571:3:7", []cache.Limit{{"", 7, 7 * time.Second}}, 1, ":1429571:3:7", 1_428_572 * time.Microsecond},
		{"is cut to a period that has become shorter", "ten:9001000:0:10", []cache.Limit{ten}, 1, "ten:1001000:0:10", time.Second},
		{"is cut by a cost of nothing too", "ten:9001000:0:10", []cache.Limit{ten}, 0, "ten:1001000:0:10", time.Second},
		{"is cut without naming what is whole", "ten:9001000:0:10", []cache.Limit{hour, ten}, 0, "ten:1001000:0:10", time.Second},
		{"of nothing but its beginning is that of an idle key", " ", seven, 1, ":429571:3:7", 428_572 * time.Microsecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			state := stateOf(t, tc.state)
			next, ttl, _, err := cache.Meter(state, 1000, tc.limits, tc.cost)
			if want := stateOf(t, tc.next); !bytes.Equal(next, want) || (next == nil) != (want == nil) || ttl != tc.ttl || err != nil {
				t.Errorf("Meter = %q for %v, %v; want %q for %v", next, ttl, err, want, tc.ttl)
			}
			if !bytes.Equal(state, stateOf(t, tc.state)) {
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
	valid := string(stateOf(t, "a:1:6:7"))
	for name, state := range map[string]string{
		"nothing":                              "",
		"a number":                             "42",
		"a part of the beginning":              "gcra",
		"another beginning":                    "gcra1" + valid[5:],
		"something before it":                  " " + valid,
		"an arrival that is cut":               valid[:5+27],
		"a name that is cut":                   valid[:len(valid)-1],
		"something behind it":                  valid + "\n",
		"another arrival that is cut":          valid + valid[5:len(valid)-1],
		"a time that is negative":              string(stateOf(t, "a:9223372036854775808:6:7")),
		"a rest that is negative":              string(stateOf(t, "a:1:9223372036854775808:7")),
		"requests that are negative":           string(stateOf(t, "a:1:6:9223372036854775808")),
		"requests that are, without a rest":    string(stateOf(t, "a:1:0:18446744073709551615")),
		"a rest of one":                        string(stateOf(t, "a:1:7:7")),
		"a rest of more":                       string(stateOf(t, "a:1:8:7")),
		"a rest of no requests":                string(stateOf(t, "a:1:1:0")),
		"a name of more than there can be":     valid[:5+24] + "\xff\xff\xff\xff" + "a",
		"that behind one which is not Meter's": string(stateOf(t, "a:1:7:7 b:1:0:1")),
		"that behind one which is":             string(stateOf(t, "b:1:0:1 a:1:7:7")),
	} {
		next, ttl, d, err := cache.Meter([]byte(state), 0, limits, 1)
		if next != nil || ttl != 0 || d != (cache.Decision{}) || errText(err) != "the entry is not one that Take made" {
			t.Errorf("%s: %q, %v, %+v, %v; want the error alone", name, next, ttl, d, err)
		}
	}
	if _, _, _, err := cache.Meter([]byte(valid), 0, limits, 1); err != nil {
		t.Errorf("what the others were made from: %v", err)
	}
}

// The largest numbers that a state can hold do no more than that the limit is used up.
func TestAForgedStateIsAtMostUsedUp(t *testing.T) {
	limits := []cache.Limit{{"a", 7, 3 * time.Second}, {"b", 1, maxPeriod}}
	for _, state := range []string{
		"a:9223372036854775807:0:7",
		"a:9223372036854775807:6:7",
		"a:9223372036854775807:1:9223372036854775807",
		"a:9223372036854775807:9223372036854775806:9223372036854775807",
		"b:9223372036854775806:1:2",
	} {
		for _, now := range []int64{0, 1, 1_700_000_000_000_000, math.MaxInt64 / 2} {
			m := &meter{t: t, state: stateOf(t, state), now: now}
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
			next, ttl, d, err := cache.Meter(stateOf(t, forged), now, limits, 1)
			if err != nil || !d.Allowed || ttl != maxPeriod || !bytes.Contains(next, []byte("\x01\x00\x00\x00z")) {
				t.Errorf("%s at %d: %q for %v, %+v, %v; want it kept for no longer than the longest period", forged, now, next, ttl, d, err)
			}
		}
	}
}

// FuzzMeter: whatever the entry holds, nothing panics, nobody is allowed more than from an idle key, and what is to be stored can be read.
func FuzzMeter(f *testing.F) {
	for _, state := range []string{"", " ", "a:1:0:1", "a:9223372036854775807:1:2 b:5:0:1", "a:2000000:6:7 a:1:0:1 z:99:1:2", "+%3A:5:0:0", "a:18446744073709551615:7:6"} {
		f.Add(stateOf(f, state), int64(1_000_000), int64(7), int64(3_000_000), int64(1), int64(1000), int64(86_400_000_000))
	}
	f.Add(stateOf(f, "a:3158064:5:9 a:3158064:0:9"), int64(1_000_017), int64(7), int64(3_000_067), int64(-63), int64(1000), int64(86_400_000_000))
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
