package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestTheLimitsHoldAtEveryMoment(t *testing.T) {
	const maxEntries, maxBytes = 50, 50 * 160
	s := open(t, &memstore.Options{MaxEntries: maxEntries, MaxBytes: maxBytes})
	var all, watching sync.WaitGroup
	done := make(chan struct{})
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := s.Check(); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	for g := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(g)))
			for range 5_000 {
				key := fmt.Sprint(r.IntN(200))
				switch r.IntN(16) {
				case 0:
					_ = s.Delete(t.Context(), key)
				case 1:
					_, _ = s.Add(t.Context(), key, make([]byte, r.IntN(60)), time.Hour)
				case 2:
					_, _, _ = s.Get(t.Context(), key)
				case 3:
					_, _ = s.Increment(t.Context(), key, r.Int64N(1_000_000), time.Hour)
				case 4:
					old, _, _ := s.Get(t.Context(), key)
					_, _ = s.CompareAndSwap(t.Context(), key, old, make([]byte, r.IntN(60)), cache.KeepTTL)
				case 5:
					_, _ = s.CompareAndDelete(t.Context(), key, nil)
				case 6:
					_, _, _ = s.GetAndRenew(t.Context(), key, time.Millisecond)
				case 7:
					_, _ = s.Touch(t.Context(), key, cache.Forever)
				case 8:
					_ = s.SetMany(t.Context(), map[string][]byte{key: nil, "many" + key: make([]byte, r.IntN(60))}, time.Millisecond)
				case 9:
					_ = s.DeleteMany(t.Context(), []string{key, "many" + key})
				case 10:
					_, _ = s.DeleteExpired(t.Context())
				case 11:
					_, _ = s.Take(t.Context(), "take"+key, []cache.Limit{{Requests: 3, Period: time.Millisecond}}, 1)
				default:
					_ = s.Set(t.Context(), key, make([]byte, r.IntN(60)), time.Duration(r.IntN(int(time.Millisecond)))+1)
				}
			}
			_ = s.Clear(t.Context(), "1")
		})
	}
	all.Wait()
	close(done)
	watching.Wait()
}
