package memstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
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
	for asked := range 5 { // the context is, before each step
		s := open(t, nil)
		fill(t, s, "key", 10, time.Hour)
		err := s.Clear(whenAsked(t.Context(), func(n int) {
			if n == asked+1 {
				_ = s.Close()
			}
		}), "")
		wantOp(t, err, "clear", cache.ErrClosed)
	}
}

func TestClearRemovesAKeyOnce(t *testing.T) {
	// Between reading a shard and removing what it read, another client finds a key gone that lay in an earlier one, sets it anew, and its entry gets
	// the slot of one that was read. Which shards they lie in depends on a random seed: so every pair takes its turn, at every step.
	const (
		keys  = 4
		steps = 64 + keys
	)
	for early := range keys {
		for late := range keys {
			for step := range steps {
				s := open(t, nil)
				fill(t, s, "key", keys, time.Hour)
				first, last, isAnew := fmt.Sprint("key", early), fmt.Sprint("key", late), false
				err := s.Clear(whenAsked(t.Context(), func(n int) {
					if n != step+1 || early == late {
						return
					}
					if _, found, _ := s.Get(t.Context(), first); !found {
						_ = s.Delete(t.Context(), last)
						set(t, s, first, "anew", time.Hour)
						isAnew = true
					}
				}), "")
				if err != nil {
					t.Fatal(err)
				}
				if isAnew {
					want(t, s, first, "anew")
				}
			}
		}
	}
}
