package ratelimit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// priced makes a request's query its cost.
func priced(o ratelimit.Options) ratelimit.Options {
	o.Cost = func(r *http.Request) int64 {
		n, _ := strconv.ParseInt(r.URL.RawQuery, 10, 64)
		return n
	}
	return o
}

// retry is Retry-After in seconds.
func retry(t *testing.T, res *http.Response) int64 {
	t.Helper()
	n, err := strconv.ParseInt(res.Header.Get("Retry-After"), 10, 64)
	if err != nil || res.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("%d, Retry-After %q; want 429 with a number", res.StatusCode, res.Header.Get("Retry-After"))
	}
	return n
}

func TestWhatIsRememberedSaysWhenAGreaterCostIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, priced(ratelimit.Options{Limits: []cache.Limit{{Requests: 10, Period: time.Minute}}}))
		s.from(peer, "/?10")
		for _, step := range []struct {
			path string
			want int64
		}{{"/?1", 6}, {"/?2", 12}, {"/?10", 60}, {"/?1", 6}} {
			if got := retry(t, s.from(peer, step.path)); got != step.want {
				t.Errorf("%s: Retry-After is %d, want %d", step.path, got, step.want)
			}
		}
		<-time.After(time.Second)
		if got := retry(t, s.from(peer, "/?10")); got != 59 {
			t.Errorf("a second later: Retry-After is %d, want 59", got)
		}
		if e := s.events[len(s.events)-1]; e.By != ratelimit.Memory {
			t.Errorf("%s decided, want %s", e.By, ratelimit.Memory)
		}
	})
}

func TestWhatIsRememberedIsForgottenWhenTheClientTakesSomethingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, priced(ratelimit.Options{Limits: []cache.Limit{{Requests: 10, Period: time.Minute}}}))
		s.from(peer, "/?6")
		if got := retry(t, s.from(peer, "/?6")); got != 12 {
			t.Errorf("6 where 4 are left: Retry-After is %d, want 12", got)
		}
		if res := s.from(peer, "/?3"); res.StatusCode != http.StatusNoContent {
			t.Fatalf("3 where 4 are left: %d", res.StatusCode)
		}
		if got := retry(t, s.from(peer, "/?6")); got != 30 {
			t.Errorf("6 where 1 is left: Retry-After is %d, want 30", got)
		}
		if res := s.from(peer, "/?0"); res.StatusCode != http.StatusNoContent {
			t.Errorf("a cost of nothing: %d", res.StatusCode)
		}
		s.from(peer, "/?6")
		if e := s.events[len(s.events)-1]; e.By != ratelimit.Memory {
			t.Errorf("after a cost of nothing %s decided, want %s: nothing has changed", e.By, ratelimit.Memory)
		}
	})
}

func TestWhatIsRememberedSaysWhatHasComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limit(t, priced(ratelimit.Options{Limits: []cache.Limit{{Requests: 20, Period: time.Minute}}}))
		s.from(peer, "/?20")
		s.from(peer, "/?5")
		<-time.After(7 * time.Second)
		res := s.from(peer, "/?5")
		if got, want := res.Header.Get("Ratelimit"), `"default";r=2;t=8`; got != want {
			t.Errorf("RateLimit is %q, want %q", got, want)
		}
		if e := s.events[len(s.events)-1]; e.By != ratelimit.Memory {
			t.Errorf("%s decided, want %s", e.By, ratelimit.Memory)
		}
	})
}

// distant is a store that decides at the end of a long way.
type distant struct{ *memstore.Store }

func (s distant) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	<-time.After(900 * time.Millisecond)
	return s.Store.Take(ctx, key, limits, cost)
}

// TestRetryAfterIsNotEarlyByTheWayToTheStore comes back when what this process remembered said, which is no earlier than the store allows.
func TestRetryAfterIsNotEarlyByTheWayToTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := distant{memory(t)}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: 5 * time.Second}}})
		s.from(peer, "/")
		s.from(peer, "/")
		<-time.After(time.Second / 2)
		wait := retry(t, s.from(peer, "/"))
		if e := s.events[len(s.events)-1]; e.By != ratelimit.Memory {
			t.Fatalf("%s decided, want %s", e.By, ratelimit.Memory)
		}
		<-time.After(time.Duration(wait)*time.Second - 900*time.Millisecond) // for the store decides so much later
		if res := s.from(peer, "/"); res.StatusCode != http.StatusNoContent {
			t.Errorf("after Retry-After, %d: %d", wait, res.StatusCode)
		}
	})
}

// TestMemoryDecidesAsTheStoreWould compares with a state that is asked each time, over requests of any cost at any time.
func TestMemoryDecidesAsTheStoreWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		remembered := 0
		for seed := range uint64(60) {
			random := rand.New(rand.NewPCG(seed, 7))
			limits := []cache.Limit{{Name: "a", Requests: 1 + random.Int64N(12), Period: time.Duration(1+random.Int64N(40)) * time.Second}}
			if random.IntN(2) == 0 {
				limits = append(limits, cache.Limit{Name: "b", Requests: 12 + random.Int64N(12), Period: time.Duration(1+random.Int64N(90)) * time.Second})
			}
			s := limit(t, priced(ratelimit.Options{Limits: limits}))
			var state []byte
			began := time.Now()
			for step := range 200 {
				cost := random.Int64N(limits[0].Requests + 1)
				next, _, want, err := cache.Meter(state, time.Since(began).Microseconds(), limits, cost)
				if err != nil {
					t.Fatal(err)
				}
				if next != nil {
					state = next
				}
				res := s.from(peer, "/?"+strconv.FormatInt(cost, 10))
				if (res.StatusCode == http.StatusNoContent) != want.Allowed {
					t.Fatalf("seed %d, step %d: %v, cost %d: %d by %s; want %+v", seed, step, limits, cost, res.StatusCode, s.events[step].By, want)
				}
				if s.events[step].By == ratelimit.Memory {
					remembered++
				}
				if !want.Allowed {
					least := int64((want.RetryAfter + time.Second - 1) / time.Second)
					got := retry(t, res)
					if got < least || len(limits) == 1 && got > least+1 {
						t.Errorf("seed %d, step %d: %v, cost %d: Retry-After is %d by %s; want %d", seed, step, limits, cost, got, s.events[step].By, least)
					}
					if left := res.Header.Get("Ratelimit"); len(limits) == 1 && left != `"a";r=`+strconv.FormatInt(want.Remaining, 10)+";t="+strconv.FormatInt(got, 10) {
						t.Errorf("seed %d, step %d: %v, cost %d: RateLimit is %s by %s; want %+v", seed, step, limits, cost, left, s.events[step].By, want)
					}
				}
				<-time.After(time.Duration(random.Int64N(int64(limits[0].Period) / 4)))
			}
		}
		if remembered < 500 {
			t.Errorf("memory decided %d times, want more", remembered)
		}
	})
}

// TestOfClientsWithoutRoomTheStoreIsAsked fills what this process remembers.
func TestOfClientsWithoutRoomTheStoreIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large, err := memstore.New(&memstore.Options{MaxEntries: 100_000})
		if err != nil {
			t.Fatal(err)
		}
		store := &flaky{Store: large}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: 500 * time.Millisecond}}})
		takes := func(peer string) int64 {
			t.Helper()
			before := store.takes.Load()
			if n := s.pass(4, peer); n != 1 {
				t.Errorf("of %s %d passed, want 1", peer, n)
			}
			return store.takes.Load() - before
		}
		for i := range 10_000 {
			if n := takes(fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)); n != 2 {
				t.Fatalf("of client %d the store was asked %d times, want 2", i, n)
			}
		}
		for i, step := range []struct {
			after time.Duration
			want  int64
			why   string
		}{
			{0, 4, "there is no room"},
			{999 * time.Millisecond, 4, "there would be, and it has been looked for within the second"},
			{time.Millisecond, 2, "there is room"},
		} {
			<-time.After(step.after)
			if n := takes(fmt.Sprintf("172.16.0.%d:1", i)); n != step.want {
				t.Errorf("%v later the store was asked %d times, want %d: %s", step.after, n, step.want, step.why)
			}
		}
	})
}

// TestWhoIsOverSeveralLimitsIsRefusedWithoutTheStore floods two paths in turn, whose limits a function chooses, and makes requests elsewhere that pass.
func TestWhoIsOverSeveralLimitsIsRefusedWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memory(t)}
		all := cache.Limit{Name: "all", Requests: 1000, Period: time.Hour}
		s := limitOver(t, store, ratelimit.Options{LimitsFor: func(r *http.Request) []cache.Limit {
			switch r.URL.Path {
			case "/":
				return []cache.Limit{all}
			default:
				return []cache.Limit{all, {Name: r.URL.Path[1:], Requests: 1, Period: time.Hour}}
			}
		}})
		for range 100 {
			s.from(peer, "/search")
			s.from(peer, "/login")
			s.from(peer, "/")
		}
		if s.calls != 102 {
			t.Errorf("%d passed, want 102", s.calls)
		}
		if n := store.takes.Load(); n != 104 {
			t.Errorf("the store was asked %d times, want 104: for what passed, and once for each limit that it is over", n)
		}
	})
}

// TestAShorterPeriodCountsAtOnce is about periods between two seconds, which RateLimit-Policy does not tell apart.
func TestAShorterPeriodCountsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := []cache.Limit{{Requests: 1, Period: 1900 * time.Millisecond}}
		s := limit(t, ratelimit.Options{LimitsFor: func(*http.Request) []cache.Limit { return now }})
		if n := s.pass(2, peer); n != 1 {
			t.Fatalf("%d of 2 passed, want 1", n)
		}
		now = []cache.Limit{{Requests: 1, Period: 1100 * time.Millisecond}}
		if n := s.pass(2, peer); n != 0 {
			t.Errorf("%d passed, want none", n)
		}
		<-time.After(1100 * time.Millisecond)
		if n := s.pass(2, peer); n != 1 {
			t.Errorf("after the shorter period %d passed, want 1", n)
		}
	})
}
