package cachetest

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

func sweepCases() []testCase {
	return []testCase{
		{name: "DeleteExpired removes what has expired and nothing else", needs: needs(needSweeper, needAdvance),
			rule: "DeleteExpired removes the entries that have expired and returns how many", run: func(k *kit) {
				c := k.cache()
				for i := range 100 {
					k.set(c, fmt.Sprint("brief", i), "value", brief)
				}
				k.set(c, "long", "value", time.Hour)
				k.set(c, "permanent", "value", cache.Forever)
				k.outlive()
				n, err := c.DeleteExpired(k.ctx())
				if err != nil || n < 0 || n > 100 {
					k.fail("DeleteExpired = %d, %v; want up to 100", n, err)
				}
				k.want(c, "long", "value")
				k.want(c, "permanent", "value")
				k.wantMiss(c, "brief7")
				if st, err := c.Stats(k.ctx()); err == nil && st.Entries >= 0 && st.Entries != 2 {
					k.fail("Stats tells of %d entries after DeleteExpired; want the 2 that have not expired", st.Entries)
				}
				if n, err = c.DeleteExpired(k.ctx()); err != nil || n != 0 {
					k.fail("DeleteExpired a second time = %d, %v; want 0", n, err)
				}
			}},
		{name: "Stats tells figures", needs: needs(needStatter),
			rule: "the figures of the store in this process; -1 is what it cannot know", run: func(k *kit) {
				c := k.cache()
				k.set(c, "key", "value", cache.DefaultTTL)
				st, err := c.Stats(k.ctx())
				if err != nil || st.Entries != 1 && st.Entries != -1 || st.Bytes < 1 && st.Bytes != -1 || st.Evictions > 0 || st.Pending > 0 {
					k.fail("Stats of a store with one entry = %+v, %v", st, err)
				}
			}},
	}
}
