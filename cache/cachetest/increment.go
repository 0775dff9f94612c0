package cachetest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// count checks that Increment gives want.
func (k *kit) count(c *cache.Cache, key string, delta int64, ttl time.Duration, want int64) {
	k.Helper()
	if n, err := c.Increment(k.ctx(), key, delta, ttl); err != nil || n != want {
		k.fail("Increment(%q, %d, %v) = %d, %v; want %d", key, delta, ttl, n, err, want)
	}
}

func incrementCases() []testCase {
	return []testCase{
		{name: "Increment counts", needs: needs(needIncrementer),
			rule: "Increment adds delta to the number under key and returns the sum; an absent one counts as 0", run: func(k *kit) {
				c := k.cache()
				k.count(c, "key", 1, time.Hour, 1)
				k.count(c, "key", 41, time.Hour, 42)
				k.count(c, "key", -50, time.Hour, -8)
				k.count(c, "key", 0, time.Hour, -8)
				k.want(c, "key", "-8")
				k.count(c, "zero", 0, time.Hour, 0)
				k.want(c, "zero", "0")
			}},
		{name: "Increment sets the lifetime of a new number only", needs: needs(needIncrementer, needAdvance),
			rule: "the lifetime is set when the number is made and kept afterwards", run: func(k *kit) {
				k.promptly(func(brief time.Duration) func() {
					c := k.cache()
					for _, step := range []struct {
						key string
						ttl time.Duration
					}{{"brief", brief}, {"brief", time.Hour}, {"brief", cache.Forever}, {"long", time.Hour}, {"long", brief}, {"permanent", cache.Forever}, {"permanent", brief}} {
						_, err := c.Increment(k.ctx(), step.key, 1, step.ttl)
						k.must("Increment", err)
					}
					return func() {
						k.outliveOf(brief)
						k.wantMiss(c, "brief")
						k.want(c, "long", "2")
						k.want(c, "permanent", "2")
					}
				})
			}},
		{name: "Increment keeps the lifetime of a number that was set", needs: needs(needIncrementer, needToucher),
			rule: "the lifetime is kept", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{time.Hour, 400 * 24 * time.Hour, cache.Forever} {
					set := time.Now()
					k.set(c, "set", "7", d)
					k.count(c, "set", 1, time.Minute, 8)
					k.wantTTL(c, "set", d, set)
					k.must("Delete", c.Delete(k.ctx(), "made"))
					set = time.Now()
					k.count(c, "made", 1, d, 1)
					k.count(c, "made", 1, time.Minute, 2)
					k.wantTTL(c, "made", d, set)
				}
			}},
		{name: "Increment with an expired lifetime makes no number", needs: needs(needIncrementer),
			rule: "d <= 0: Increment still changes a number that is there and keeps its lifetime, on an absent one it answers delta and stores nothing", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{0, -1, -time.Hour} {
					k.count(c, "absent", 7, d, 7)
					k.wantMiss(c, "absent")
					k.set(c, "key", "1", cache.Forever)
					k.count(c, "key", 7, d, 8)
					k.want(c, "key", "8")
				}
			}},
		{name: "Increment with KeepTTL makes a number with the default", needs: needs(needIncrementer, needToucher),
			rule: "cache.KeepTTL: the one the entry has, or the default if there is none", run: func(k *kit) {
				c := k.cache()
				set := time.Now()
				k.count(c, "key", 1, cache.KeepTTL, 1)
				k.count(c, "key", 1, cache.KeepTTL, 2)
				k.count(c, "default", 1, cache.DefaultTTL, 1)
				k.wantTTL(c, "key", 5*time.Minute, set)
				k.wantTTL(c, "default", 5*time.Minute, set)
			}},
		{name: "Increment of an expired number counts from nothing", needs: needs(needIncrementer, needAdvance),
			rule: "an expired entry is absent everywhere: Increment", run: func(k *kit) {
				c := k.cache()
				k.set(c, "number", "7", brief)
				k.set(c, "text", "text", brief)
				k.outlive()
				k.count(c, "number", 1, time.Hour, 1)
				k.count(c, "text", 1, time.Hour, 1)
				k.outlive()
				k.want(c, "number", "1")
			}},
		{name: "no increment is lost", needs: needs(needIncrementer),
			rule: "Increment is one atomic step", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				const workers, each = 16, 50
				var mu sync.Mutex
				seen := map[int64]int{}
				k.together(workers, func(int) {
					for range each {
						n, err := c.Increment(ctx, "key", 1, time.Hour)
						if err != nil {
							k.fail("Increment: %v", err)
							return
						}
						mu.Lock()
						seen[n]++
						mu.Unlock()
					}
				})
				k.want(c, "key", fmt.Sprint(workers*each))
				for n, times := range seen {
					if times != 1 {
						k.fail("%d callers were told %d; want each sum once", times, n)
						return
					}
				}
			}},
	}
}

// notNumbers are texts that look like numbers to somebody.
func notNumbers() []string {
	return []string{
		"", " ", " 1", "1 ", "1\n", "\x001", "1\x00", "+1", "01", "-01", "00", "-0", "-", "--1", "1.0", "1e3", "0x10", "1_000", "1,000", "abc", "nil", "１",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "000000000000000000000000001",
	}
}

func numberCases() []testCase {
	return []testCase{
		{name: "a number is canonical decimal text", needs: needs(needIncrementer),
			rule: "canonical decimal text as Redis reads it", run: func(k *kit) {
				c := k.cache()
				for text, sum := range map[string]int64{"0": 1, "7": 8, "-1": 0, "-7": -6, "9223372036854775806": math.MaxInt64, "-9223372036854775808": math.MinInt64 + 1} {
					k.set(c, "key", text, time.Hour)
					k.count(c, "key", 1, time.Hour, sum)
					k.want(c, "key", fmt.Sprint(sum))
				}
			}},
		{name: "numbers are exact to 64 bits", needs: needs(needIncrementer),
			rule: "numbers: int64", run: func(k *kit) {
				c := k.cache()
				const big = 1<<53 + 1 // the first that a float64 cannot hold
				k.count(c, "big", big, time.Hour, big)
				k.count(c, "big", 1, time.Hour, big+1)
				k.count(c, "max", math.MaxInt64, time.Hour, math.MaxInt64)
				k.count(c, "max", -1, time.Hour, math.MaxInt64-1)
				k.count(c, "min", math.MinInt64, time.Hour, math.MinInt64)
				k.count(c, "min", math.MaxInt64, time.Hour, -1)
				k.want(c, "min", "-1")
			}},
		{name: "what is not a number stays as it is", needs: needs(needIncrementer),
			rule: "anything else is ErrNotInteger, and changes nothing", run: func(k *kit) {
				c := k.cache()
				for _, text := range notNumbers() {
					k.set(c, "key", text, time.Hour)
					for _, ttl := range []time.Duration{time.Minute, cache.Forever, 0} {
						if n, err := c.Increment(k.ctx(), "key", 1, ttl); !errors.Is(err, cache.ErrNotInteger) || n != 0 {
							k.fail("Increment of %q = %d, %v; want ErrNotInteger", text, n, err)
						}
					}
					k.want(c, "key", text)
				}
			}},
		{name: "a sum past int64 changes nothing", needs: needs(needIncrementer),
			rule: "past int64 ErrOverflow; changes nothing", run: func(k *kit) {
				c := k.cache()
				for _, step := range []struct{ n, delta int64 }{
					{math.MaxInt64, 1}, {math.MaxInt64, math.MaxInt64}, {1, math.MaxInt64}, {math.MinInt64, -1}, {math.MinInt64, math.MinInt64}, {-1, math.MinInt64},
				} {
					k.set(c, "key", fmt.Sprint(step.n), time.Hour)
					if n, err := c.Increment(k.ctx(), "key", step.delta, time.Hour); !errors.Is(err, cache.ErrOverflow) || errors.Is(err, cache.ErrNotInteger) || n != 0 {
						k.fail("Increment of %d by %d = %d, %v; want ErrOverflow", step.n, step.delta, n, err)
					}
					k.want(c, "key", fmt.Sprint(step.n))
				}
			}},
	}
}
