package ratelimit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// TestWhatIsRememberedIsWhatTheStoreWouldSay compares to the microsecond: for the cost that was refused it is the same, and for more never earlier, and of one limit at most one later.
func TestWhatIsRememberedIsWhatTheStoreWouldSay(t *testing.T) {
	heard := time.Now()
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 9))
		var limits []cache.Limit
		var levels []cache.Level
		for range 1 + random.IntN(2) {
			l := cache.Limit{Name: string(rune('a' + len(limits))), Requests: 8 + random.Int64N(20), Period: time.Duration(1+random.IntN(90)) * time.Second}
			limits = append(limits, l)
			levels = append(levels, l.Cost(random.Int64N(l.Requests+1)))
		}
		cost := 1 + random.Int64N(8)
		_, d := cache.Decide(limits, levels, cost)
		if d.Allowed {
			continue
		}
		f := refusal{limits: limits, cost: cost, at: heard, heard: heard, decision: d}
		passed := time.Duration(random.Int64N(int64(d.RetryAfter/time.Microsecond))) * time.Microsecond
		now := heard.Add(passed)
		for i := range levels {
			if levels[i].Micros -= passed.Microseconds(); levels[i].Micros < 0 {
				levels[i] = cache.Level{}
			}
		}
		_, want := cache.Decide(limits, levels, cost)
		// The rest of a microsecond is not remembered, which may be what one more request lacks.
		if got := f.answer(cost, now); got.RetryAfter != want.RetryAfter || got.ResetAfter != want.ResetAfter || got.Limit != want.Limit || want.Remaining-got.Remaining < 0 ||
			want.Remaining-got.Remaining > 1 {
			t.Fatalf("seed %d: %v, cost %d, %v later: %+v, want %+v", seed, limits, cost, passed, got, want)
		}
		more := cost + random.Int64N(min(limits[0].Requests, limits[len(limits)-1].Requests)-cost+1)
		_, want = cache.Decide(limits, levels, more)
		if late := f.answer(more, now).RetryAfter - want.RetryAfter; late < 0 || len(limits) == 1 && late > time.Microsecond {
			t.Fatalf("seed %d: %v, cost %d after %d, %v later: %v, want %v", seed, limits, more, cost, passed, want.RetryAfter+late, want.RetryAfter)
		}
	}
}
