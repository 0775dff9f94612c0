package cachetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// unlike are pairs of values that a careless comparison takes for equal.
func unlike() [][2]string {
	return [][2]string{
		{"value", "other"}, {"value", "valu"}, {"valu", "value"}, {"", "x"}, {"x", ""}, {"a", "A"}, {"a\x00b", "a\x00c"}, {"\x00", ""}, {"\xff", "\xfe"},
		{"1", "01"}, {"1", "1.0"}, {"\n", "\r\n"}, {"é", "e\u0301"},
	}
}

func swapCases() []testCase {
	return []testCase{
		{name: "CompareAndSwap replaces what it knows", needs: needs(needSwapper),
			rule: "CompareAndSwap replaces the value if it equals old, byte for byte", run: func(k *kit) {
				c := k.cache()
				for _, value := range []string{"value", "", "\x00\r\n\xff*%", "1", "\xffnew\x00"} {
					k.set(c, "key", value, time.Hour)
					swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte(value), []byte("\xffnew\x00"), time.Hour)
					k.answer(fmt.Sprintf("CompareAndSwap of %q", value), swapped, err, true)
					k.want(c, "key", "\xffnew\x00")
				}
			}},
		{name: "CompareAndSwap leaves what it does not know", needs: needs(needSwapper),
			rule: "if it equals old, byte for byte", run: func(k *kit) {
				c := k.cache()
				for _, pair := range unlike() {
					k.set(c, "key", pair[0], time.Hour)
					for _, ttl := range []time.Duration{time.Minute, cache.KeepTTL, cache.Forever, 0} {
						swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte(pair[1]), []byte("new"), ttl)
						k.answer(fmt.Sprintf("CompareAndSwap of %q on %q", pair[1], pair[0]), swapped, err, false)
					}
					k.want(c, "key", pair[0])
				}
			}},
		{name: "a nil old equals empty, not absent", needs: needs(needSwapper),
			rule: "old == nil equals empty, not absent", run: func(k *kit) {
				c := k.cache()
				for _, old := range [][]byte{nil, {}} {
					swapped, err := c.CompareAndSwap(k.ctx(), "absent", old, []byte("new"), time.Hour)
					k.answer("CompareAndSwap on an absent key", swapped, err, false)
					k.wantMiss(c, "absent")
					deleted, err := c.CompareAndDelete(k.ctx(), "absent", old)
					k.answer("CompareAndDelete on an absent key", deleted, err, false)
					k.set(c, "empty", "", time.Hour)
					swapped, err = c.CompareAndSwap(k.ctx(), "empty", old, nil, time.Hour)
					k.answer("CompareAndSwap on an empty value", swapped, err, true)
					k.want(c, "empty", "")
					deleted, err = c.CompareAndDelete(k.ctx(), "empty", old)
					k.answer("CompareAndDelete on an empty value", deleted, err, true)
					k.wantMiss(c, "empty")
				}
			}},
		{name: "an expired value equals nothing", needs: needs(needSwapper, needAdvance),
			rule: "an expired entry is absent everywhere", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", brief)
				k.outlive()
				swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte("value"), []byte("new"), time.Hour)
				k.answer("CompareAndSwap", swapped, err, false)
				swapped, err = c.CompareAndSwap(k.ctx(), "key", []byte("value"), []byte("new"), cache.KeepTTL)
				k.answer("CompareAndSwap with KeepTTL", swapped, err, false)
				deleted, err := c.CompareAndDelete(k.ctx(), "key", []byte("value"))
				k.answer("CompareAndDelete", deleted, err, false)
				k.wantMiss(c, "key")
			}},
		{name: "CompareAndSwap replaces the lifetime", needs: needs(needSwapper, needAdvance),
			rule: "CompareAndSwap replaces the lifetime by ttl; with KeepTTL the entry keeps its own", run: func(k *kit) {
				k.promptly(func(brief time.Duration) func() {
					c := k.cache()
					for _, step := range []struct {
						key        string
						was, given time.Duration
					}{
						{"longer", brief, time.Hour}, {"forever", brief, cache.Forever}, {"shorter", time.Hour, brief}, {"mortal", cache.Forever, brief},
						{"kept brief", brief, cache.KeepTTL}, {"kept long", time.Hour, cache.KeepTTL}, {"kept forever", cache.Forever, cache.KeepTTL},
					} {
						k.set(c, step.key, "old", step.was)
						_, err := c.CompareAndSwap(k.ctx(), step.key, []byte("old"), []byte("new"), step.given)
						k.must("CompareAndSwap", err)
					}
					return func() {
						k.outliveOf(brief)
						for _, key := range []string{"longer", "forever", "kept long", "kept forever"} {
							k.want(c, key, "new")
						}
						for _, key := range []string{"shorter", "mortal", "kept brief"} {
							k.wantMiss(c, key)
						}
					}
				})
			}},
		{name: "CompareAndSwap gives exactly that lifetime", needs: needs(needSwapper, needToucher),
			rule: "CompareAndSwap replaces the lifetime by ttl; with KeepTTL the entry keeps its own", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{1500 * time.Millisecond, time.Hour, 400 * 24 * time.Hour, cache.Forever} {
					k.set(c, "key", "old", time.Minute)
					set := time.Now()
					swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte("old"), []byte("new"), d)
					k.answer("CompareAndSwap", swapped, err, true)
					k.wantTTL(c, "key", d, set)
					if _, err = c.CompareAndSwap(k.ctx(), "key", []byte("new"), []byte("newer"), cache.KeepTTL); err != nil {
						k.fail("CompareAndSwap with KeepTTL: %v", err)
					}
					k.wantTTL(c, "key", d, set)
				}
			}},
		{name: "CompareAndSwap with an expired lifetime deletes", needs: needs(needSwapper),
			rule: "d <= 0: CompareAndSwap deletes", run: func(k *kit) {
				c := k.cache()
				for _, d := range []time.Duration{0, -1, -time.Hour} {
					k.set(c, "key", "old", cache.Forever)
					swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte("old"), []byte("new"), d)
					k.answer("CompareAndSwap", swapped, err, true)
					k.wantMiss(c, "key")
				}
			}},
		{name: "CompareAndSwap keeps no reference to its slices", needs: needs(needSwapper),
			rule: "Set keeps no reference to the caller's slice, nor does CompareAndSwap", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", time.Hour)
				old, value := []byte("old"), []byte("value")
				_, err := c.CompareAndSwap(k.ctx(), "key", old, value, time.Hour)
				k.must("CompareAndSwap", err)
				copy(value, "XXXXX")
				copy(old, "XXX")
				k.want(c, "key", "value")
			}},
		{name: "a swap that is too large changes nothing", needs: needs(needSwapper),
			rule: "above it ErrTooLarge, and what was there stays", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "old", time.Hour)
				swapped, err := c.CompareAndSwap(k.ctx(), "key", []byte("old"), make([]byte, cache.MaxValueLen+1), time.Hour)
				if swapped || !errors.Is(err, cache.ErrTooLarge) {
					k.fail("CompareAndSwap = %t, %v; want ErrTooLarge", swapped, err)
				}
				k.want(c, "key", "old")
			}},
		{name: "CompareAndDelete removes what it knows and nothing else", needs: needs(needSwapper),
			rule: "CompareAndDelete removes the entry if its value equals old, byte for byte", run: func(k *kit) {
				c := k.cache()
				for _, pair := range unlike() {
					k.set(c, "key", pair[0], time.Hour)
					deleted, err := c.CompareAndDelete(k.ctx(), "key", []byte(pair[1]))
					k.answer(fmt.Sprintf("CompareAndDelete of %q on %q", pair[1], pair[0]), deleted, err, false)
					k.want(c, "key", pair[0])
					deleted, err = c.CompareAndDelete(k.ctx(), "key", []byte(pair[0]))
					k.answer(fmt.Sprintf("CompareAndDelete of %q", pair[0]), deleted, err, true)
					k.wantMiss(c, "key")
				}
			}},
		{name: "no swap is lost", needs: needs(needSwapper),
			rule: "CompareAndSwap is one atomic step", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				const workers, each = 8, 30
				k.set(c, "key", "0", time.Hour)
				k.together(workers, func(int) {
					for range each {
						for {
							old, _, err := c.Get(ctx, "key")
							if err != nil {
								k.fail("Get: %v", err)
								return
							}
							n, _ := strconv.Atoi(string(old))
							swapped, err := c.CompareAndSwap(ctx, "key", old, []byte(strconv.Itoa(n+1)), time.Hour)
							if err != nil {
								k.fail("CompareAndSwap: %v", err)
								return
							}
							if swapped {
								break
							}
						}
					}
				})
				k.want(c, "key", strconv.Itoa(workers*each))
			}},
		{name: "of many CompareAndDeletes one deletes", needs: needs(needSwapper),
			rule: "linearizable per key: one winner", run: func(k *kit) {
				c := k.cache()
				ctx := k.ctx()
				for round := range 100 {
					key := fmt.Sprint("key", round)
					k.set(c, key, "value", time.Hour)
					var winners atomic.Int64
					k.together(8, func(int) {
						if deleted, err := c.CompareAndDelete(ctx, key, []byte("value")); err != nil {
							k.fail("CompareAndDelete: %v", err)
						} else if deleted {
							winners.Add(1)
						}
					})
					if n := winners.Load(); n != 1 {
						k.fail("%d of 8 concurrent CompareAndDeletes deleted; want 1", n)
						return
					}
					k.wantMiss(c, key)
				}
			}},
	}
}
