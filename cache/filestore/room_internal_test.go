package filestore

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestOverMaxBytesTheEarliestExpiryGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openCounted(t, t.TempDir(), &Options{MaxBytes: 10 * 4096})
		store := func(key string, ttl time.Duration) {
			set(t, s, key, "value", ttl)
			<-time.After(1) // for an order among equals
		}
		store("permanent 1", cache.Forever)
		store("permanent 2", cache.Forever)
		store("late", 3*time.Hour)
		store("early", time.Hour)
		for i := range 7 {
			store(fmt.Sprint("later ", i), 4*time.Hour)
		}
		synctest.Wait() // the eleventh began a sweep
		wantGone(t, s, 11, "early", "late")
		if st, err := s.Stats(t.Context()); st.Evictions != 2 || err != nil {
			t.Errorf("%d evictions, %v; want 2", st.Evictions, err)
		}
		for i := range 3 {
			store(fmt.Sprint("last ", i), 5*time.Hour)
		}
		synctest.Wait()
		if all := keys(t, s); len(all) != 10 || !all["permanent 1"] || !all["last 0"] || all["later 0"] || all["later 1"] {
			t.Errorf("left are %v; want ten, without the two of seven equals that were stored first", all)
		}
		for i := range 20 {
			store(fmt.Sprint("permanent ", i), cache.Forever)
		}
		synctest.Wait()
		if all := keys(t, s); len(all) > 10 || all["permanent 0"] || !all["permanent 19"] {
			t.Errorf("left are %v; want the permanent ones that were stored last", all)
		}
	})
}

// wantGone checks that of n entries only those are gone.
func wantGone(t *testing.T, s *Store, n int, gone ...string) {
	t.Helper()
	all := keys(t, s)
	if len(all) != n-len(gone) || slices.ContainsFunc(gone, func(key string) bool { return all[key] }) {
		t.Errorf("left are %v; want %d without %q", all, n-len(gone), gone)
	}
}

func TestMakingRoomSparesWhatWasOverwrittenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openCounted(t, t.TempDir(), &Options{MaxBytes: 4 * 4096})
		for i := range 4 {
			set(t, s, fmt.Sprint(i), "value", time.Hour)
		}
		y := s.room.begin()
		for i := range 4 {
			p := s.placeOf(fmt.Sprint(i))
			f, err := func() (*file, error) {
				d, err := p.shard.enter(false)
				if err != nil {
					return nil, err
				}
				defer d.leave()
				return s.headOf(d, p.name, nil)
			}()
			if err != nil {
				t.Fatal(err)
			}
			y.add(p.shard, f)
		}
		y.held += 100 * 4096
		<-time.After(1)
		set(t, s, "2", "new", time.Hour)
		if err := s.makeRoom(t.Context(), y); err != nil {
			t.Fatal(err)
		}
		if all := keys(t, s); len(all) != 1 || !all["2"] {
			t.Errorf("left are %v; want the one that was overwritten", all)
		}
	})
}

func TestASurveyRemembersTheFirstToGo(t *testing.T) {
	y := &survey{maxBytes: 1}
	const n = maxVictims + 1000
	for i := range n {
		y.add(nil, &file{kind: whole, size: 1, head: head{expires: int64(i*7919%n) + 1}})
	}
	if len(y.victims) != maxVictims || y.held != n*4096 {
		t.Fatalf("%d victims and %d bytes; want %d and %d", len(y.victims), y.held, maxVictims, n*4096)
	}
	slices.SortFunc(y.victims, victim.before)
	if first, last := y.victims[0].expires, y.victims[maxVictims-1].expires; first != 1 || last != maxVictims {
		t.Errorf("the victims expire at %d to %d; want 1 to %d", first, last, maxVictims)
	}
}

func TestAnEntryLargerThanMaxBytesIsTooLarge(t *testing.T) {
	s, _ := openCounted(t, t.TempDir(), &Options{MaxBytes: 8192})
	set(t, s, "key", "value", time.Hour)
	big := make([]byte, 9000)
	for op, err := range map[string]error{
		"Set":     s.Set(t.Context(), "key", big, time.Hour),
		"SetMany": s.SetMany(t.Context(), map[string][]byte{"key": big}, time.Hour),
		"Add":     second(s.Add(t.Context(), "other", big, time.Hour)),
		"Swap":    second(s.CompareAndSwap(t.Context(), "key", []byte("value"), big, time.Hour)),
	} {
		if !errors.Is(err, cache.ErrTooLarge) {
			t.Errorf("%s: %v; want ErrTooLarge", op, err)
		}
	}
	want(t, s, "key", "value")
	wantMiss(t, s, "other")
}

func second(_ bool, err error) error { return err }
