package cache_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// counted is a Limiter that keeps what it was given.
type counted struct {
	*recorder
	limits []cache.Limit
	cost   int64
}

func (s *counted) Take(_ context.Context, _ string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	s.limits, s.cost = limits, cost
	return cache.Decision{Limit: 1, Remaining: 2, RetryAfter: 3, ResetAfter: 4}, nil
}

func TestTakePassesLimitsCostAndDecisionOn(t *testing.T) {
	s := &counted{recorder: &recorder{}}
	limits := []cache.Limit{{Name: "burst", Requests: 10, Period: time.Second}, {Name: "daily", Requests: 1000, Period: 24 * time.Hour}}
	got, err := over(t, s).Take(t.Context(), "k", limits, 7)
	if want := (cache.Decision{Limit: 1, Remaining: 2, RetryAfter: 3, ResetAfter: 4}); got != want || err != nil {
		t.Errorf("Take = %+v, %v; want the store's %+v", got, err, want)
	}
	if diff := cmp.Diff(limits, s.limits); diff != "" || s.cost != 7 {
		t.Errorf("the store was given the cost %d and limits (-want +got):\n%s", s.cost, diff)
	}
}

func TestWhatLimitsAndCostsTakeAllows(t *testing.T) {
	const day = 24 * time.Hour
	one := func(requests int64, period time.Duration) []cache.Limit {
		return []cache.Limit{{"n", requests, period}}
	}
	for _, tc := range []struct {
		name   string
		limits []cache.Limit
		cost   int64
		want   string // what the error says; "" where it is allowed
	}{
		{"a cost of nothing", one(1, time.Second), 0, ""},
		{"a cost of all", one(9, time.Second), 9, ""},
		{"a period of a microsecond", one(1, time.Microsecond), 1, ""},
		{"a period of 400 days", one(1, 400*day), 1, ""},
		{"a request a microsecond", one(3, 3*time.Microsecond), 3, ""},
		{"the most requests", one(int64(400*day/time.Microsecond), 400*day), 1, ""},
		{"an empty name", []cache.Limit{{"", 1, time.Second}, {"n", 1, time.Second}}, 1, ""},
		{"no limits", nil, 0, "no limits are given; allowed: 1 or more"},
		{"a period of zero", one(1, 0), 0, `limit "n" has a period of 0s; allowed: 1µs to 9600h0m0s, in whole microseconds`},
		{"a negative period", one(1, -time.Second), 0, `limit "n" has a period of -1s;`},
		{"a period of more than 400 days", one(1, 400*day+time.Microsecond), 0, `limit "n" has a period of 9600h0m0.000001s;`},
		{"a period of half a microsecond", one(1, 500), 0, `limit "n" has a period of 500ns;`},
		{"a period that is no whole number of microseconds", one(1, time.Second+1), 0, `limit "n" has a period of 1.000000001s;`},
		{"no requests", one(0, time.Second), 0, `limit "n" has 0 requests; allowed: 1 to 1000000, one a microsecond of its period`},
		{"negative requests", one(-1, time.Second), 0, `limit "n" has -1 requests;`},
		{"more than a request a microsecond", one(4, 3*time.Microsecond), 0, `limit "n" has 4 requests; allowed: 1 to 3, one a microsecond of its period`},
		{"a negative cost", one(9, time.Second), -1, `the cost is -1; allowed: 0 to 9, what limit "n" has`},
		{"a cost that never passes", one(9, time.Second), 10, `the cost is 10; allowed: 0 to 9, what limit "n" has`},
		{"a cost that never passes the second limit", []cache.Limit{{"a", 9, time.Second}, {"b", 3, time.Second}}, 4, `the cost is 4; allowed: 0 to 3, what limit "b" has`},
		{"two limits of one name", []cache.Limit{{"a", 9, time.Second}, {"b", 3, time.Second}, {"a", 1, time.Hour}}, 1, `two limits are named "a"; allowed: names that differ`},
		{"two limits without a name", []cache.Limit{{"", 9, time.Second}, {"", 3, time.Second}}, 1, `two limits are named ""; allowed: names that differ`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &recorder{found: true}
			for name, c := range map[string]*cache.Cache{"a cache": over(t, s), "the nil cache": nil} {
				d, err := c.Take(t.Context(), "k", tc.limits, tc.cost)
				if tc.want == "" {
					if err != nil || !d.Allowed {
						t.Errorf("%s: Take = %+v, %v; want it allowed", name, d, err)
					}
				} else if d != (cache.Decision{}) || !strings.HasPrefix(errText(err), `cache: take "k": `+tc.want) {
					t.Errorf("%s: Take = %+v, %q; want the error %q", name, d, errText(err), tc.want)
				}
			}
			if asked := len(s.calls) > 0; asked != (tc.want == "") {
				t.Errorf("the store was asked %q", s.calls)
			}
		})
	}
}

func TestTakeOfTheNilCacheIsThatOfAnIdleKey(t *testing.T) {
	var c *cache.Cache
	limits := []cache.Limit{{"burst", 10, time.Second}, {"daily", 8, 24 * time.Hour}}
	for range 20 {
		got, err := c.Take(t.Context(), "k", limits, 2)
		if want := (cache.Decision{Allowed: true, Limit: 1, Remaining: 6, ResetAfter: 6 * time.Hour}); got != want || err != nil {
			t.Fatalf("Take = %+v, %v; want %+v, each time", got, err, want)
		}
	}
}
