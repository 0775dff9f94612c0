package ratelimit_test

import (
	"bytes"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
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

// TestWhatAFunctionChoosesIsTold where the second of its limits is the one that refuses.
func TestWhatAFunctionChoosesIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, ratelimit.Options{
			Limits: []cache.Limit{{Requests: 7, Period: time.Minute}},
			LimitsFor: func(*http.Request) []cache.Limit {
				return []cache.Limit{{Name: "gold", Requests: 5, Period: time.Minute}, {Name: "burst", Requests: 1, Period: time.Second}}
			},
		})
		for _, want := range []string{`"burst";r=0;t=1`, `"burst";r=0;t=1`, `"burst";r=0;t=1`} {
			res := s.from(peer, "/")
			if got := res.Header.Get("Ratelimit"); got != want {
				t.Errorf("RateLimit is %s, want %s", got, want)
			}
			if got, want := res.Header.Get("Ratelimit-Policy"), `"gold";q=5;w=60, "burst";q=1;w=1`; got != want {
				t.Errorf("RateLimit-Policy is %s, want %s", got, want)
			}
			body, err := io.ReadAll(res.Body)
			if refused := strings.Contains(string(body), `"violated-policies":["burst"]`); err != nil || refused != (res.StatusCode == http.StatusTooManyRequests) {
				t.Errorf("%d: %s, %v", res.StatusCode, body, err)
			}
		}
		if s.calls != 1 {
			t.Errorf("%d passed, want 1", s.calls)
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

// TestALimitThatChangesKeepsWhatWasTaken is about a limit of one name whose size changes while it is taken from: what was taken is a time, until which it was to come back.
func TestALimitThatChangesKeepsWhatWasTaken(t *testing.T) {
	for _, c := range []struct {
		name string
		then cache.Limit
		want int
	}{
		{"half the requests", cache.Limit{Requests: 5, Period: time.Hour}, 2},
		{"twice the requests", cache.Limit{Requests: 20, Period: time.Hour}, 10},
		{"a longer period", cache.Limit{Requests: 10, Period: 2 * time.Hour}, 7},
		{"a shorter period, which is used up", cache.Limit{Requests: 10, Period: 20 * time.Minute}, 0},
		{"the same", cache.Limit{Requests: 10, Period: time.Hour}, 5},
		{"another name", cache.Limit{Name: "other", Requests: 10, Period: time.Hour}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := cache.Limit{Requests: 10, Period: time.Hour}
				s := limit(t, ratelimit.Options{LimitsFor: func(*http.Request) []cache.Limit { return []cache.Limit{now} }})
				s.pass(5, peer)
				now = c.then
				if n := s.pass(30, peer); n != c.want {
					t.Errorf("%d passed, want %d", n, c.want)
				}
				<-time.After(c.then.Period)
				if n := s.pass(30, peer); n != int(c.then.Requests) {
					t.Errorf("after the period %d passed, want %d", n, c.then.Requests)
				}
			})
		})
	}
}

func TestCostsAtTheEndsOfTheNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		costs := map[string]int64{"/most": math.MaxInt64, "/least": math.MinInt64, "/one": 1}
		s := limit(t, ratelimit.Options{
			Limits: []cache.Limit{{Name: "small", Requests: 34_559_999_999_999, Period: 400 * day}, {Name: "large", Requests: 34_560_000_000_000, Period: 400 * day}},
			Cost:   func(r *http.Request) int64 { return costs[r.URL.Path] },
		})
		for _, step := range []struct {
			path         string
			status       int
			field, retry string
		}{
			{"/least", 204, `"small";r=34559999999999;t=0`, ""},
			{"/most", 204, `"small";r=0;t=34560000`, ""},
			{"/most", 429, `"small";r=0;t=34560000`, "34560000"},
			{"/one", 429, `"small";r=0;t=1`, "1"},
			{"/most", 429, `"small";r=0;t=34560000`, "34560000"},
		} {
			res := s.from(peer, step.path)
			if res.StatusCode != step.status || res.Header.Get("Ratelimit") != step.field || res.Header.Get("Retry-After") != step.retry {
				t.Errorf("%s: %d, RateLimit %q, Retry-After %q; want %d, %q, %q", step.path, res.StatusCode, res.Header.Get("Ratelimit"), res.Header.Get("Retry-After"),
					step.status, step.field, step.retry)
			}
		}
	})
}

func TestACostAboveTheSmallestLimitIsAllOfThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, priced(ratelimit.Options{Limits: []cache.Limit{{Name: "many", Requests: 100, Period: time.Hour}, {Name: "few", Requests: 5, Period: time.Hour}}}))
		for _, step := range []struct {
			path   string
			status int
			field  string
		}{
			{"/?50", 204, `"few";r=0;t=3600`},
			{"/?1", 429, `"few";r=0;t=720`},
		} {
			if res := s.from(peer, step.path); res.StatusCode != step.status || res.Header.Get("Ratelimit") != step.field {
				t.Errorf("%s: %d, %s; want %d, %s", step.path, res.StatusCode, res.Header.Get("Ratelimit"), step.status, step.field)
			}
		}
		if e := s.events[0]; e.By != ratelimit.Store || e.Err != nil {
			t.Errorf("the decision is %+v", e)
		}
	})
}

// TestOfSeveralLimitsACostIsTakenFromAllOrNone refuses by the second limit what the first has: it has it still.
func TestOfSeveralLimitsACostIsTakenFromAllOrNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, priced(ratelimit.Options{Limits: []cache.Limit{{Name: "burst", Requests: 20, Period: time.Second}, {Name: "daily", Requests: 20, Period: 24 * time.Hour}}}))
		for _, step := range []struct {
			path   string
			status int
			field  string
		}{
			{"/?15", 204, `"burst";r=5;t=1`},
			{"/?6", 429, `"daily";r=5;t=4320`},
			{"/?5", 204, `"burst";r=0;t=1`},
			{"/?1", 429, `"daily";r=0;t=4320`},
		} {
			if res := s.from(peer, step.path); res.StatusCode != step.status || res.Header.Get("Ratelimit") != step.field {
				t.Errorf("%s: %d, %s; want %d, %s", step.path, res.StatusCode, res.Header.Get("Ratelimit"), step.status, step.field)
			}
		}
	})
}

// TestLimitsThatMakeNoSenseAreLoggedOnceAnHour has a log of its own: what forwarded fields say is logged beside it.
func TestLimitsThatMakeNoSenseAreLoggedOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		wrong := []cache.Limit{{Requests: 1}}
		s := limit(t, ratelimit.Options{
			Name: "site", Limits: []cache.Limit{{Name: "real", Requests: 100, Period: time.Hour}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			LimitsFor: func(*http.Request) []cache.Limit { return wrong },
		})
		lines := func(what string) int { return strings.Count(log.String(), what) }
		for range 3 {
			res := s.from(peer, "/", "X-Forwarded-For", "198.51.100.1")
			if got, want := res.Header.Get("Ratelimit-Policy"), `"real";q=100;w=3600`; got != want {
				t.Errorf("RateLimit-Policy is %s, want %s", got, want)
			}
		}
		if n := lines(`level=ERROR`); n != 1 || lines("limiter=site error=\"limit \\\"site\\\" has a period of 0s;") != 1 || lines("level=WARN") != 1 {
			t.Errorf("%d lines, want 1 with the reason, and one about the forwarded field: %s", n, log.String())
		}
		<-time.After(time.Hour - time.Second)
		wrong[0].Name = "no name" // of a field
		s.from(peer, "/")
		if n := lines("level=ERROR"); n != 1 {
			t.Errorf("%d lines within the hour, want 1", n)
		}
		<-time.After(time.Second)
		s.from(peer, "/")
		if n := lines("level=ERROR"); n != 2 || lines(`a limit is named \"no name\"`) != 1 {
			t.Errorf("after an hour %d lines, want 2: %s", n, log.String())
		}
	})
}

func TestWithoutOptionsAHundredPassAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := cache.New(memory(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		l, err := ratelimit.New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		passed := 0
		s := &service{t: t, handler: l.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ }))}
		for range 150 {
			s.from(peer, "/")
		}
		if got, want := s.from(peer, "/").Header.Get("Ratelimit-Policy"), `"default";q=100;w=60`; passed != 100 || got != want {
			t.Errorf("%d passed, RateLimit-Policy is %s; want 100, %s", passed, got, want)
		}
	})
}

// TestALimitWithoutANameHasTheLimiters also where others have one, and leaves the caller's slice as it is.
func TestALimitWithoutANameHasTheLimiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := []cache.Limit{{Requests: 5, Period: time.Hour}, {Name: "A-Z_az09", Requests: 50, Period: 24 * time.Hour}}
		s := limit(t, ratelimit.Options{Name: "site", Limits: limits})
		if got, want := s.from(peer, "/").Header.Get("Ratelimit-Policy"), `"site";q=5;w=3600, "A-Z_az09";q=50;w=86400`; got != want {
			t.Errorf("RateLimit-Policy is %s, want %s", got, want)
		}
		if limits[0].Name != "" {
			t.Errorf("the caller's limit is named %q now", limits[0].Name)
		}
	})
}

func TestWhatHandlersOfOneLimiterCountTheyCountTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := cache.New(memory(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		l, err := ratelimit.New(c, &ratelimit.Options{Limits: []cache.Limit{{Requests: 3, Period: time.Hour}}})
		if err != nil {
			t.Fatal(err)
		}
		a := &service{t: t, handler: l.Handler(http.NotFoundHandler())}
		b := &service{t: t, handler: l.Handler(http.NotFoundHandler())}
		for i, s := range []*service{a, b, a, b, a} {
			want := http.StatusNotFound // what is not found is limited too
			if i > 2 {
				want = http.StatusTooManyRequests
			}
			if res := s.from(peer, "/"); res.StatusCode != want {
				t.Errorf("request %d: %d, want %d", i+1, res.StatusCode, want)
			}
		}
	})
}
