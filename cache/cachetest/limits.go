package cachetest

import (
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// take checks that Take is allowed or not, and returns the decision.
func (k *kit) take(c *cache.Cache, key string, limits []cache.Limit, cost int64, allowed bool) cache.Decision {
	k.Helper()
	d, err := c.Take(k.ctx(), key, limits, cost)
	if err != nil || d.Allowed != allowed {
		k.fail("Take of %d from %q = %+v, %v; want allowed %t", cost, key, d, err, allowed)
	}
	return d
}

func perDay(n int64) []cache.Limit {
	return []cache.Limit{{Name: "day", Requests: n, Period: 24 * time.Hour}}
}

func limitCases() []testCase {
	return []testCase{
		{name: "Take allows what the limit says", needs: needs(needLimiter),
			rule: "from idle, Requests pass at once", run: func(k *kit) {
				c := k.cache()
				for i := range int64(10) {
					d := k.take(c, "key", perDay(10), 1, true)
					if d.Remaining != 9-i || d.RetryAfter != 0 || d.Limit != 0 || d.ResetAfter <= 0 || d.ResetAfter > 24*time.Hour {
						k.fail("decision %d of 10 = %+v", i+1, d)
					}
				}
				for range 3 {
					d := k.take(c, "key", perDay(10), 1, false)
					if d.Remaining != 0 || d.RetryAfter <= 2*time.Hour || d.RetryAfter > 24*time.Hour/10 || d.ResetAfter <= 23*time.Hour || d.ResetAfter > 24*time.Hour {
						k.fail("the decision of a limit that is used up = %+v", d)
					}
				}
				k.take(c, "another", perDay(10), 1, true)
				k.take(c.Namespace("a"), "key", perDay(10), 1, true)
			}},
		{name: "Take takes its cost, or nothing", needs: needs(needLimiter),
			rule: "Take takes cost, or nothing", run: func(k *kit) {
				c := k.cache()
				k.take(c, "key", perDay(10), 7, true)
				k.take(c, "key", perDay(10), 4, false)
				k.take(c, "key", perDay(10), 3, true)
				k.take(c, "key", perDay(10), 1, false)
				if d := k.take(c, "key", perDay(10), 0, true); d.Remaining != 0 {
					k.fail("a cost of 0 says that %d remain; want 0", d.Remaining)
				}
				if d := k.take(c, "whole", perDay(10), 0, true); d.Remaining != 10 || d.ResetAfter != 0 {
					k.fail("a cost of 0 on a whole limit = %+v; want 10 remaining", d)
				}
				k.wantMiss(c, "whole")
			}},
		{name: "Take takes from all limits or from none", needs: needs(needLimiter),
			rule: "all or nothing", run: func(k *kit) {
				c := k.cache()
				both := []cache.Limit{{Name: "day", Requests: 100, Period: 24 * time.Hour}, {Name: "hour", Requests: 3, Period: time.Hour}}
				for range 3 {
					k.take(c, "key", both, 1, true)
				}
				for range 5 {
					if d := k.take(c, "key", both, 1, false); d.Limit != 1 {
						k.fail("limit %d decides; want 1, the hour's", d.Limit)
					}
				}
				if d := k.take(c, "key", both[:1], 0, true); d.Remaining != 97 {
					k.fail("%d of the day's 100 remain after 3 that passed and 5 that did not; want 97", d.Remaining)
				}
				if d := k.take(c, "key", both[1:], 0, true); d.Remaining != 0 {
					k.fail("%d of the hour's 3 remain; want 0", d.Remaining)
				}
			}},
		{name: "limits of other names are counted apart", needs: needs(needLimiter),
			rule: "the limits of a key are known by their names", run: func(k *kit) {
				c := k.cache()
				for _, name := range []string{"", "a", "b", "a b", "a:b", "é%"} {
					one := []cache.Limit{{Name: name, Requests: 1, Period: time.Hour}}
					k.take(c, "key", one, 1, true)
					k.take(c, "key", one, 1, false)
				}
			}},
		{name: "what was taken comes back one by one", needs: needs(needLimiter, needAdvance),
			rule: "over a time t exactly limit + floor(t·limit/period) pass", run: func(k *kit) {
				c := k.cache()
				limits := []cache.Limit{{Name: "burst", Requests: 50, Period: 5 * time.Second}} // one each 100 ms
				begun := time.Now()
				advanced := time.Duration(0)
				passed := int64(0)
				for range 50 {
					k.take(c, "key", limits, 1, true)
					passed++
				}
				for range 6 {
					k.advance(50 * time.Millisecond)
					advanced += 50 * time.Millisecond
					for {
						d, err := c.Take(k.ctx(), "key", limits, 1)
						k.must("Take", err)
						if !d.Allowed {
							break
						}
						passed++
					}
				}
				least, most := int64(50+advanced/(100*time.Millisecond)), int64(50+(advanced+time.Since(begun))/(100*time.Millisecond))
				if passed < least || passed > most {
					k.fail("%d passed; want %d to %d", passed, least, most)
				}
			}},
		{name: "a limit that is whole again leaves nothing behind", needs: needs(needLimiter, needAdvance),
			rule: "no key without a lifetime ever", run: func(k *kit) {
				c := k.cache()
				k.take(c, "key", []cache.Limit{{Requests: 10, Period: brief}}, 10, true)
				k.outlive()
				k.wantMiss(c, "key")
			}},
		{name: "what Take keeps lives as long as it counts", needs: needs(needLimiter, needToucher),
			rule: "what is kept expires as soon as it equals nothing", run: func(k *kit) {
				c := k.cache()
				set := time.Now()
				k.take(c, "key", perDay(10), 5, true)
				k.wantTTL(c, "key", 12*time.Hour, set)
				k.take(c, "key", perDay(10), 6, false)
				k.wantTTL(c, "key", 12*time.Hour, set)
			}},
		{name: "Take never takes over another's entry", needs: needs(needLimiter),
			rule: "an entry under key that Take did not make is an error, and stays", run: func(k *kit) {
				c := k.cache()
				for _, value := range []string{"", "value", "7", "gcra1 x", "gcra1 a:b:c:d", "gcra2 x"} {
					k.set(c, "key", value, time.Hour)
					if d, err := c.Take(k.ctx(), "key", perDay(10), 1); err == nil || d.Allowed {
						k.fail("Take on an entry %q = %+v, %v; want an error", value, d, err)
					}
					k.want(c, "key", value)
				}
			}},
		{name: "limits and costs that make no sense are refused", needs: needs(needLimiter),
			rule: "limits and costs that make no sense are errors", run: func(k *kit) {
				c := k.cache()
				day := 24 * time.Hour
				for _, limits := range [][]cache.Limit{
					nil, {{Requests: 0, Period: day}}, {{Requests: -1, Period: day}}, {{Requests: 1}}, {{Requests: 1, Period: -day}}, {{Requests: 1, Period: 1500}},
					{{Requests: 2, Period: time.Microsecond}}, {{Requests: 1_000_001, Period: time.Second}}, {{Requests: 1, Period: 401 * day}},
					{{Name: "a", Requests: 1, Period: day}, {Name: "a", Requests: 2, Period: day}},
				} {
					if d, err := c.Take(k.ctx(), "key", limits, 1); err == nil || d.Allowed {
						k.fail("Take with the limits %+v = %+v, %v; want an error", limits, d, err)
					}
				}
				for _, cost := range []int64{-1, 11} {
					if d, err := c.Take(k.ctx(), "key", perDay(10), cost); err == nil || d.Allowed {
						k.fail("Take of %d of 10 = %+v, %v; want an error", cost, d, err)
					}
				}
				k.wantMiss(c, "key")
			}},
		{name: "many who take get no more than there is", needs: needs(needLimiter),
			rule: "exact: limit + floor(t·limit/period) pass", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				var passed atomic.Int64
				k.together(8, func(int) {
					for range 40 {
						d, err := c.Take(ctx, "key", perDay(100), 1)
						if err != nil {
							k.fail("Take: %v", err)
							return
						}
						if d.Allowed {
							passed.Add(1)
						}
					}
				})
				if n := passed.Load(); n != 100 {
					k.fail("%d of 320 passed a limit of 100 a day; want 100", n)
				}
			}},
	}
}
