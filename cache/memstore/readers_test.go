package memstore

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

// hold counts a reader who looks at the key's record until it leaves.
func hold(t *testing.T, s *Store, key string) (r record, place *readerPlace) {
	t.Helper()
	e := s.entry(key)
	place = s.readers.enter()
	at := unread
	r, _, is := s.look(e.hash, key, &at)
	if is != there {
		t.Fatalf("look for %q is %d; want %d", key, is, there)
	}
	return r, place
}

func setSome(t *testing.T, s *Store, key string, n int) {
	t.Helper()
	for i := range n {
		if err := s.Set(t.Context(), key, fmt.Appendf(nil, "value %08d", i), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARecordStaysAsItIsWhileAReaderLooksAtIt(t *testing.T) {
	for name, write := range map[string]func(s *Store) error{
		"it is overwritten": func(s *Store) error { return s.Set(t.Context(), "key", []byte("another"), time.Hour) },
		"it is touched":     func(s *Store) error { _, err := s.Touch(t.Context(), "key", time.Minute); return err },
		"it is deleted":     func(s *Store) error { return s.Delete(t.Context(), "key") },
		"all is cleared":    func(s *Store) error { return s.Clear(t.Context(), "") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStill(t, nil)
			setSome(t, s, "key", 1)
			r, place := hold(t, s, "key")
			before := bytes.Clone(r[:r.units()*unit])
			if err := write(s); err != nil {
				t.Fatal(err)
			}
			setSome(t, s, "other", 5*lot) // of which each would take its room
			if got := r[:len(before)]; !bytes.Equal(got, before) {
				t.Errorf("a reader's record became %q; want %q", got, before)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
			place.leave()
			setSome(t, s, "other", 2*lot)
			if n := len(s.limbo.next) + len(s.limbo.waiting); n > 2*lot {
				t.Errorf("%d rooms wait when the reader has left; want %d at most", n, 2*lot)
			}
		})
	}
}

func TestRoomsComeBackOnceEachPlaceWasSeenEmpty(t *testing.T) {
	s := newStill(t, nil)
	setSome(t, s, "key", 1)
	first := &s.readers[1]
	second := &s.readers[readerPlaces-1]
	first.inside.Add(1)
	second.inside.Add(1)
	setSome(t, s, "key", 1) // retires one
	s.releaseAll()
	if len(s.limbo.waiting) != 1 || s.release() {
		t.Fatalf("%d rooms wait for two readers; want 1", len(s.limbo.waiting))
	}
	second.leave()
	if s.release() {
		t.Fatal("a room came back before the first reader had left")
	}
	second.inside.Add(1) // who comes later does not matter
	first.leave()
	if !s.release() || !s.limbo.empty() {
		t.Error("a room did not come back, though each place was seen empty")
	}
	second.leave()
}

func TestTheWriterWaitsForAReaderOnlyWhenVeryManyRoomsDo(t *testing.T) {
	s := newStill(t, nil)
	setSome(t, s, "key", 1)
	_, place := hold(t, s, "key")
	setSome(t, s, "key", lot+patience-1)
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		setSome(t, s, "key", 2)
		done.Store(true)
	})
	for range 1000 {
		runtime.Gosched()
	}
	if done.Load() {
		t.Errorf("the writer did not wait, with %d rooms kept", len(s.limbo.next)+len(s.limbo.waiting))
	}
	place.leave()
	wait.Until(t, done.Load)
	writer.Wait()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

func TestCloseWaitsForTheReaders(t *testing.T) {
	s := newStill(t, nil)
	setSome(t, s, "key", 1)
	r, place := hold(t, s, "key")
	var left, shut atomic.Bool
	var closer sync.WaitGroup
	closer.Go(func() {
		if err := s.Close(); err != nil || !left.Load() {
			t.Errorf("Close: %v; the reader had left: %t", err, left.Load())
		}
		shut.Store(true)
	})
	wait.Until(t, func() bool { return s.shards[0].table.Load() == nil })
	for range 100 {
		runtime.Gosched()
	}
	if shut.Load() || string(r.key()) != "key" {
		t.Errorf("closed: %t, and the reader's key is %q", shut.Load(), r.key())
	}
	left.Store(true)
	place.leave()
	wait.Until(t, shut.Load)
	closer.Wait()
}

func TestAReaderLeavesThePlaceItEntered(t *testing.T) {
	var r readers
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for depth := range 50 {
				deep(depth, func() { r.enter().leave() })
			}
		})
	}
	all.Wait()
	for i := range r {
		if n := r[i].inside.Load(); n != 0 {
			t.Errorf("place %d counts %d when all have left", i, n)
		}
	}
}

// deep calls f that many frames down, where the stack may have been moved.
func deep(n int, f func()) {
	var frame [256]byte
	if n == 0 {
		f()
		return
	}
	deep(n-1, f)
	runtime.KeepAlive(&frame)
}
