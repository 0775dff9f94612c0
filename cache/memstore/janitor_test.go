package memstore_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/wait"
)

func TestAnIdleStoreGivesBackWhatHasExpired(t *testing.T) {
	for _, tc := range []struct {
		name string
		fill func(t *testing.T, s *memstore.Store)
		left int64
	}{
		{"of one lifetime", func(t *testing.T, s *memstore.Store) {
			fill(t, s, "short", 1000, time.Minute)
		}, 0},
		{"beside what is permanent or lives longer", func(t *testing.T, s *memstore.Store) {
			fill(t, s, "permanent", 10, cache.Forever)
			fill(t, s, "short", 1000, time.Minute)
			fill(t, s, "long", 5, time.Hour)
		}, 15},
		{"that was set after what lives longer", func(t *testing.T, s *memstore.Store) {
			fill(t, s, "long", 5, time.Hour)
			fill(t, s, "short", 1000, time.Minute)
		}, 5},
		{"at many times", func(t *testing.T, s *memstore.Store) {
			for ttl := time.Second; ttl <= time.Minute; ttl += time.Second {
				fill(t, s, ttl.String(), 10, ttl)
			}
		}, 0},
		{"though it had a longer lifetime before", func(t *testing.T, s *memstore.Store) {
			fill(t, s, "short", 100, time.Hour)
			for i := range 100 {
				if found, err := s.Touch(t.Context(), "short"+string(rune('0'+i%10)), time.Minute); err != nil || !found {
					t.Fatal(found, err)
				}
			}
		}, 90},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, nil)
				tc.fill(t, s)
				before := stats(t, s)
				<-time.After(time.Minute - time.Nanosecond)
				if early := stats(t, s).Entries; early < tc.left || early == tc.left && tc.name != "at many times" {
					t.Errorf("%d of %d entries before their expiry", early, before.Entries)
				}
				<-time.After(2 * time.Second)
				synctest.Wait()
				after := stats(t, s)
				if after.Entries != tc.left || after.Evictions != 0 || (after.Bytes == 0) != (tc.left == 0) {
					t.Errorf("%+v two seconds after the expiry; want %d entries, no evictions", after, tc.left)
				}
				if err := s.Check(); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			})
		})
	}
}

func TestTheJanitorRestsBetweenVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10 * memstore.Visit
		s := open(t, nil)
		fill(t, s, "key", n, time.Second)
		<-time.After(2 * time.Second)
		synctest.Wait()
		left, visits := int64(n), 0
		for ; left > 0; visits++ {
			now := stats(t, s).Entries
			if left-now > memstore.Visit {
				t.Fatalf("%d removed at once; want %d at most", left-now, memstore.Visit)
			}
			left = now
			<-time.After(5 * time.Millisecond)
			synctest.Wait()
		}
		if visits < 10 || visits > 20 {
			t.Errorf("%d visits; want about 10, with rests between", visits)
		}
		_ = s.Close()
	})
}

func TestTheJanitorIsGoneWhenThereIsNothingToDo(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, s *memstore.Store){
		"in a new store":                  func(*testing.T, *memstore.Store) {},
		"where all is permanent":          func(t *testing.T, s *memstore.Store) { fill(t, s, "key", 10, cache.Forever) },
		"when the last entry has expired": func(t *testing.T, s *memstore.Store) { fill(t, s, "key", 10, time.Second) },
		"when all was deleted": func(t *testing.T, s *memstore.Store) {
			fill(t, s, "key", 10, time.Second)
			_ = s.Clear(t.Context(), "")
		},
		"in a closed store": func(t *testing.T, s *memstore.Store) {
			fill(t, s, "key", 10, time.Hour)
			_ = s.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, nil)
				do(t, s)
				<-time.After(10 * time.Second)
				synctest.Wait()
				if s.JanitorComes() {
					t.Error("it will come again")
				}
			})
		})
	}
}

func TestAStoreThatNobodyHoldsIsCollected(t *testing.T) {
	left := func() weak.Pointer[memstore.Store] {
		s := open(t, nil)
		fill(t, s, "key", 10, cache.Forever)
		fill(t, s, "short", 10, time.Millisecond)
		return weak.Make(s)
	}()
	wait.Until(t, func() bool {
		runtime.GC()
		return left.Value() == nil
	})
}
