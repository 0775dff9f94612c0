package ratelimit_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

const peer = "192.0.2.1:1234"

func TestFromIdleLimitAndWhatComesBackPass(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit cache.Limit
		after time.Duration // of waiting, in ten steps in which as many are tried as can be
	}{
		{"ten a second", cache.Limit{Requests: 10, Period: time.Second}, time.Second},
		{"seven a second, which is no whole number of microseconds", cache.Limit{Requests: 7, Period: time.Second}, 10 * time.Second},
		{"a thousand a day", cache.Limit{Requests: 1000, Period: 24 * time.Hour}, 24 * time.Hour},
		{"one an hour", cache.Limit{Requests: 1, Period: time.Hour}, 10 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limit(t, ratelimit.Options{Limits: []cache.Limit{c.limit}})
				passed := int64(s.pass(int(c.limit.Requests)+20, peer))
				if passed != c.limit.Requests {
					t.Errorf("from idle %d passed, want %d", passed, c.limit.Requests)
				}
				for range 10 {
					<-time.After(c.after / 10)
					passed += int64(s.pass(int(c.limit.Requests)+20, peer))
				}
				want := c.limit.Requests + int64(c.after)*c.limit.Requests/int64(c.limit.Period)
				if passed != want {
					t.Errorf("in %v %d passed, want %d", c.after, passed, want)
				}
			})
		})
	}
}

func TestOfSeveralLimitsARequestIsTakenFromAllOrNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{Limits: []cache.Limit{{Name: "burst", Requests: 2, Period: time.Second}, {Name: "daily", Requests: 5, Period: 24 * time.Hour}}})
		if n := s.pass(10, peer); n != 2 {
			t.Errorf("at once %d passed, want the burst's 2", n)
		}
		<-time.After(time.Second)
		if n := s.pass(10, peer); n != 2 {
			t.Errorf("a second later %d passed, want 2: what was refused took nothing of the day", n)
		}
		<-time.After(time.Second)
		if n := s.pass(10, peer); n != 1 {
			t.Errorf("two seconds later %d passed, want the day's last one", n)
		}
		res := s.from(peer, "/")
		if got, want := res.Header.Get("Ratelimit"), `"daily";r=0;t=17278`; got != want {
			t.Errorf("RateLimit is %q, want %q", got, want)
		}
	})
}

func TestACostIsTakenWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		costs := map[string]int64{"/": 1, "/report": 4, "/free": 0, "/negative": -3, "/huge": 99}
		s := limit(t, ratelimit.Options{
			Limits: []cache.Limit{{Requests: 5, Period: time.Minute}},
			Cost:   func(r *http.Request) int64 { return costs[r.URL.Path] },
		})
		for _, step := range []struct {
			path string
			want int
		}{{"/report", 204}, {"/report", 429}, {"/", 204}, {"/", 429}, {"/free", 204}, {"/negative", 204}, {"/huge", 429}} {
			if res := s.from(peer, step.path); res.StatusCode != step.want {
				t.Errorf("%s: %d, want %d", step.path, res.StatusCode, step.want)
			}
		}
		<-time.After(time.Minute)
		if res := s.from(peer, "/huge"); res.StatusCode != http.StatusNoContent || res.Header.Get("Ratelimit") != `"default";r=0;t=60` {
			t.Errorf("what costs more than there is, of all that there is: %d %q", res.StatusCode, res.Header.Get("Ratelimit"))
		}
	})
}

func TestAFunctionChoosesTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plans := map[string][]cache.Limit{
			"gold":  {{Requests: 5, Period: time.Minute}},
			"none":  nil,
			"wrong": {{Requests: 0, Period: time.Minute}},
		}
		s := limit(t, ratelimit.Options{
			Limits:    []cache.Limit{{Requests: 2, Period: time.Minute}},
			LimitsFor: func(r *http.Request) []cache.Limit { return plans[r.Header.Get("Plan")] },
			Client:    func(r *http.Request) string { return r.Header.Get("Plan") },
		})
		for plan, want := range map[string]int{"gold": 5, "none": 10, "wrong": 2} {
			if n := s.pass(10, peer, "Plan", plan); n != want {
				t.Errorf("%s: %d of 10 passed, want %d", plan, n, want)
			}
		}
	})
}

// TestABetterPlanCountsAtOnce is about a client that was refused a moment ago, by a limit that is not its any more.
func TestABetterPlanCountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := []cache.Limit{{Name: "free", Requests: 1, Period: time.Hour}}
		s := limit(t, ratelimit.Options{LimitsFor: func(*http.Request) []cache.Limit { return plan }})
		if n := s.pass(3, peer); n != 1 {
			t.Fatalf("%d passed, want 1", n)
		}
		plan = []cache.Limit{{Name: "gold", Requests: 100, Period: time.Hour}}
		if n := s.pass(3, peer); n != 3 {
			t.Errorf("with the better plan %d of 3 passed", n)
		}
	})
}

func TestLimitersOfOtherNamesShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		one := []cache.Limit{{Requests: 1, Period: time.Minute}}
		site, login := limitOver(t, store, ratelimit.Options{Name: "site", Limits: one}), limitOver(t, store, ratelimit.Options{Name: "login", Limits: one})
		again := limitOver(t, store, ratelimit.Options{Name: "site", Limits: one})
		if site.pass(1, peer) != 1 || login.pass(1, peer) != 1 {
			t.Error("a limiter counts what another has let through")
		}
		if again.pass(1, peer) != 0 {
			t.Error("one of the same name does not")
		}
	})
}

func TestTheLimitsGivenAreTheCallersToChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := []cache.Limit{{Name: "mine", Requests: 2, Period: time.Hour}}
		s := limit(t, ratelimit.Options{Limits: limits})
		limits[0] = cache.Limit{Name: "other", Requests: 5, Period: time.Hour}
		if n := s.pass(10, peer); n != 2 {
			t.Errorf("%d of 10 passed, want 2", n)
		}
	})
}
