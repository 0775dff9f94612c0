package memstore_test

import (
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestClearRemovesThePrefixOnly(t *testing.T) {
	s, now := openAt(t, nil)
	fill(t, s, "a", many, time.Hour)
	fill(t, s, "ax", 5, time.Second)
	fill(t, s, "b", many, time.Hour)
	*now = time.Second
	if err := s.Clear(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if n := stats(t, s).Entries; n != many {
		t.Errorf("%d entries; want the %d of the other prefix, and no expired ones of this", n, many)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestClearLeavesAloneWhatOthersRemovedMeanwhile(t *testing.T) {
	s := open(t, nil)
	fill(t, s, "key", many, time.Hour)
	err := s.Clear(whenAsked(t.Context(), func(n int) {
		if n == 2 {
			_ = s.DeleteMany(t.Context(), collect(t, s, ""))
			fill(t, s, "other", many, time.Hour)
		}
	}), "key")
	if n := stats(t, s).Entries; err != nil || n != many {
		t.Errorf("%d entries, %v; want the %d that came meanwhile", n, err, many)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestManyMayClearAtOnce(t *testing.T) {
	s := open(t, nil)
	for range 300 {
		fill(t, s, "key", 50, time.Hour)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := s.Clear(t.Context(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := stats(t, s).Entries; n != 0 {
			t.Fatalf("%d entries after four Clears; want 0", n)
		}
	}
}

func TestAStoreThatIsClosedBetweenReadingAndRemovingEndsClear(t *testing.T) {
	for readings := range 5 {
		var s *memstore.Store
		left := -1
		s, err := memstore.NewAt(nil, func() time.Duration {
			if left--; left == 0 {
				_ = s.Close()
			}
			return 0
		})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, s, "key", 10, time.Hour)
		left = readings + 1
		wantOp(t, s.Clear(t.Context(), ""), "clear", cache.ErrClosed)
	}
}
