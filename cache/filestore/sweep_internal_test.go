package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// files are the names of the files of entries, and of those that are being written, below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, layout, "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A minute is over in a bubble as soon as nobody has anything to do: so are the sweeps of that minute.
func TestASweepRemovesWhatHasExpiredUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c := openCounted(t, dir, nil)
		for i := range 300 {
			set(t, s, fmt.Sprint("mortal", i), strings.Repeat("v", 10_000), 10*time.Second)
		}
		for i := range 10 {
			set(t, s, fmt.Sprint("permanent", i), "value", cache.Forever)
			set(t, s, fmt.Sprint("young", i), "value", time.Hour)
		}
		c.longest.Store(0)
		<-time.After(2 * sweepEvery)
		synctest.Wait()
		if n := len(files(t, dir)); n != 20 {
			t.Errorf("%d files are left; want the 20 that have not expired", n)
		}
		if n := c.longest.Load(); n > headerLen+maxKeyLen {
			t.Errorf("the sweep read %d bytes of a file; want its head", n)
		}
	})
}

func TestASweepRemovesWhatKilledWritersLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := openCounted(t, dir, nil)
		set(t, s, "key", "value", cache.Forever)
		shard := filepath.Dir(files(t, dir)[0])
		whole := encode("key", []byte("value"), permanent, 1)
		for _, left := range [][]byte{nil, whole[:3], whole[:20], whole[:headerLen+2], whole, make([]byte, 5000), append(make([]byte, 4096), 1)} {
			if err := os.WriteFile(filepath.Join(shard, temporaryName()), left, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		foreign := filepath.Join(shard, "00000000000000ff00000000.tmp")
		if err := os.WriteFile(foreign, []byte("none of ours"), 0o600); err != nil {
			t.Fatal(err)
		}
		<-time.After(firstSweep)
		synctest.Wait()
		if left := files(t, dir); len(left) != 2 {
			t.Errorf("left are %q; want the entry and the foreign file", left)
		}
		want(t, s, "key", "value")
		if _, err := os.Stat(foreign); err != nil {
			t.Error(err)
		}
	})
}

func TestASweepRestsFortyNineTimesAsLongAsItWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openCounted(t, t.TempDir(), nil)
		w := newSweeper(s)
		w.tick = time.NewTicker(tidyEvery)
		defer w.tick.Stop()
		begun := time.Now()
		w.rest(100 * time.Millisecond)
		if d := time.Since(begun); d != 4900*time.Millisecond {
			t.Errorf("it rested %v after 100ms; want 4.9s", d)
		}
		w.hurry <- struct{}{}
		w.rest(time.Hour)
		w.rest(time.Hour)
		if d := time.Since(begun); d != 4900*time.Millisecond {
			t.Errorf("it rested %v more though room was needed", d-4900*time.Millisecond)
		}
	})
}

func TestOfSeveralProcessesOneSweepsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := openCounted(t, dir, nil)
		set(t, s, "key", "value", time.Second/2)
		base, err := openBase(&s.sys, dir, false, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.sys.tryLock(base); err != nil { // as another process that sweeps
			t.Fatal(err)
		}
		<-time.After(3 * sweepEvery)
		synctest.Wait()
		if n := len(files(t, dir)); n != 1 {
			t.Errorf("%d files while another process sweeps; want 1", n)
		}
		_ = s.sys.close(base)
		<-time.After(sweepEvery)
		synctest.Wait()
		if n := len(files(t, dir)); n != 0 {
			t.Errorf("%d files after the other was through; want none", n)
		}
	})
}

func TestASweepMakesUpForAClearThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := openCounted(t, dir, nil)
		set(t, s, "@a:old", "value", cache.Forever)
		set(t, s, "other", "value", cache.Forever)
		s.failed.notePrefix("@a:")
		<-time.After(1)
		set(t, s, "@a:new", "value", cache.Forever)
		wantMiss(t, s, "@a:old")
		set(t, s, "@b:old", "value", cache.Forever)
		s.failed.notePrefix("@b:")
		<-time.After(sweepEvery)
		synctest.Wait()
		if st, err := s.Stats(t.Context()); st.Pending != 0 || err != nil {
			t.Errorf("%d failed invalidations are pending, %v; want none", st.Pending, err)
		}
		if n := len(files(t, dir)); n != 2 {
			t.Errorf("%d files; want those of the entry that was stored afterwards and of the other namespace", n)
		}
		want(t, s, "@a:new", "value")
		want(t, s, "other", "value")
	})
}

func TestDeleteExpiredCountsWhatItRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openCounted(t, t.TempDir(), nil)
		for i := range 600 {
			set(t, s, fmt.Sprint(i), "value", time.Millisecond+time.Duration(i%2)*time.Hour)
		}
		<-time.After(time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := s.DeleteExpired(ctx); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("DeleteExpired with a context that is done = %d, %v; want 0 and its error", n, err)
		}
		if n, err := s.DeleteExpired(t.Context()); n != 300 || err != nil {
			t.Errorf("DeleteExpired = %d, %v; want the 300 that have expired", n, err)
		}
		if n, err := s.DeleteExpired(t.Context()); n != 0 || err != nil {
			t.Errorf("DeleteExpired once more = %d, %v; want 0", n, err)
		}
	})
}

func TestAShardThatCannotBeUsedKeepsNoOtherFromBeingSweptAndCleared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, _ := openCounted(t, dir, nil)
		if err := os.WriteFile(filepath.Join(dir, layout, "00"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		stored := 0
		for i := range 100 {
			if p := s.placeOf(fmt.Sprint(i)); p.shard.number != 0 {
				set(t, s, fmt.Sprint(i), "value", time.Minute*time.Duration(1+i%2))
				stored++
			}
		}
		<-time.After(time.Minute)
		n, err := s.DeleteExpired(t.Context())
		if left := len(files(t, dir)); n < 40 || left != stored-n || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("DeleteExpired = %d, %v, and %d of %d files are left", n, err, left, stored)
		}
		err = s.Clear(t.Context(), "")
		if left := len(files(t, dir)); left != 0 || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Clear: %v, and %d files are left; want an error and none", err, left)
		}
	})
}
