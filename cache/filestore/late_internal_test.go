//go:build darwin || linux

package filestore

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/larder-go/larder/cache"
)

func TestAWriteThatComesLateUndoesNoLaterInvalidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, answered := make(chan struct{}), make(chan struct{})
		sys := direct()
		rename := sys.rename
		sys.rename = func(dir int, from, to string) error {
			select {
			case <-hung: // the first is held up
				<-answered
			default:
			}
			return rename(dir, from, to)
		}
		s, err := openWith(sys, t.TempDir(), Patient(nil))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		close(hung)
		if err := s.Set(t.Context(), "key", []byte("late"), time.Hour); !errors.Is(err, cache.ErrUnavailable) {
			t.Fatalf("Set on a disk that hangs: %v", err)
		}
		if err := s.Delete(t.Context(), "key"); !errors.Is(err, cache.ErrUnavailable) {
			t.Fatalf("Delete behind it: %v", err)
		}
		close(answered)
		synctest.Wait()
		wantMiss(t, s, "key")
		set(t, s, "key", "new", time.Hour)
		want(t, s, "key", "new")
	})
}

func TestAFileThatCannotBeRemovedKeepsNoOtherFromMakingRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stays := hashOf("stays")
		sys := direct()
		unlink := sys.unlink
		sys.unlink = func(dir int, name string) error {
			if name == stays.name() {
				return unix.EPERM
			}
			return unlink(dir, name)
		}
		s, err := openWith(sys, t.TempDir(), Patient(&Options{MaxBytes: 16 * 4096}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		set(t, s, "stays", "value", time.Minute) // the first to go
		for i := range 40 {
			set(t, s, fmt.Sprint(i), "value", time.Hour)
			synctest.Wait()
		}
		if all := keys(t, s); len(all) > 16 || !all["stays"] {
			t.Errorf("%d entries are left; want 16 at most, and the one that cannot be removed", len(all))
		}
	})
}

func TestOverwritingTakesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openCounted(t, t.TempDir(), &Options{MaxBytes: 8 * 4096})
		for i := range 8 {
			set(t, s, fmt.Sprint(i), "value", time.Hour)
		}
		<-time.After(2 * sweepEvery)
		before := s.room.surveys.Load()
		for i := range 100 {
			set(t, s, fmt.Sprint(i%8), "other", time.Hour)
			synctest.Wait()
		}
		if n := s.room.surveys.Load() - before; n != 0 || len(keys(t, s)) != 8 {
			t.Errorf("%d sweeps, and %d entries; want none and all 8", n, len(keys(t, s)))
		}
	})
}

func TestWhoHasNoLockLeavesANumberAloneThatIsBeingChanged(t *testing.T) {
	s, _ := openCounted(t, t.TempDir(), Patient(nil))
	g := s.shared.now.Load()
	state := g.of(7)
	if err := g.outdate(7); err != nil || g.of(7) == state || g.of(7) == unusable {
		t.Errorf("the number is %d after %d, %v; want another state", g.of(7), state, err)
	}
	if err := g.begin(7); err != nil {
		t.Fatal(err)
	}
	if err := g.outdate(7); err != nil || g.words[7].Load() != writing {
		t.Errorf("the number is %d, %v; want that of a writer at work", g.words[7].Load(), err)
	}
}

func TestReadersOfWhatHasExpiredTakeNoPlaceOfOthers(t *testing.T) {
	dir := t.TempDir()
	s, _ := openCounted(t, dir, &Options{Timeout: 2 * time.Second})
	other, _ := openCounted(t, dir, nil)
	set(t, s, "expired", "value", time.Nanosecond)
	p := other.placeOf("expired")
	live := "live"
	for n := 0; s.placeOf(live).shard.number == p.shard.number; n++ {
		live = fmt.Sprint("live", n)
	}
	set(t, s, live, "value", time.Hour)
	d, err := p.shard.lock(t.Context(), false) // as a process that was stopped
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	for range 2 * maxRunning {
		go func() {
			_, _, _ = s.Get(t.Context(), "expired")
			done <- struct{}{}
		}()
	}
	for range 20 {
		want(t, s, live, "value")
	}
	d.unlock()
	for range 2 * maxRunning {
		<-done
	}
}
