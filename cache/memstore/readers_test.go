package memstore

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
)

// hold looks at the key's record and stays there.
func hold(t *testing.T, s *Store, key string) (r record, seat *seat) {
	t.Helper()
	at := unread
	r, _, seat, is := s.look(s.entry(key).hash, key, &at)
	if is != there {
		t.Fatalf("look for %q is %d; want %d", key, is, there)
	}
	return r, seat
}

// setSome sets the key so many times, to values of one length.
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
			r, seat := hold(t, s, "key")
			before := bytes.Clone(r[:r.units()*unit])
			if err := write(s); err != nil {
				t.Fatal(err)
			}
			setSome(t, s, "other", 100*lot) // of which each would take its room
			if got := r[:len(before)]; !bytes.Equal(got, before) {
				t.Errorf("a reader's record became %q; want %q", got, before)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
			s.reclaim()
			if len(s.limbo.refs) != 1 {
				t.Errorf("%d rooms are kept for one reader", len(s.limbo.refs))
			}
			seat.leave()
			if s.reclaim(); len(s.limbo.refs) != 0 {
				t.Errorf("%d rooms are kept for nobody", len(s.limbo.refs))
			}
		})
	}
}

func TestAReaderKeepsOneRoomAndHoldsNobodyUp(t *testing.T) {
	s := newStill(t, nil)
	for i := range seatsTried {
		setSome(t, s, fmt.Sprint(i), 1)
	}
	var seats []*seat
	for i := range seatsTried {
		_, seat := hold(t, s, fmt.Sprint(i))
		seats = append(seats, seat)
	}
	for i := range seatsTried {
		setSome(t, s, fmt.Sprint(i), 10*lot)
	}
	if n := len(s.limbo.refs) + len(s.limbo.empty); n > seatsTried+2*lot {
		t.Errorf("%d rooms are kept for %d readers", n, seatsTried)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	for _, seat := range seats {
		s.endLook(seat)
	}
	if s.reclaim(); len(s.limbo.refs) != 0 {
		t.Errorf("%d rooms are kept for nobody", len(s.limbo.refs))
	}
}

func TestWhoFindsNoSeatReadsWithTheMutex(t *testing.T) {
	s := newStill(t, nil)
	setSome(t, s, "key", 1)
	if err := s.Set(t.Context(), "expired", nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "large", make([]byte, 10_000), cache.Forever); err != nil {
		t.Fatal(err)
	}
	for i := range s.readers {
		s.readers[i].room.Store(1)
	}
	if got, found, err := s.Get(t.Context(), "key"); err != nil || !found || string(got) != "value 00000000" {
		t.Errorf("Get = %q, %t, %v", got, found, err)
	}
	if got, found, err := s.Get(t.Context(), "large"); err != nil || !found || len(got) != 10_000 {
		t.Errorf("Get of a large value has %d bytes, %t, %v", len(got), found, err)
	}
	if ttl, found, err := s.TTL(t.Context(), "key"); err != nil || !found || ttl != time.Hour {
		t.Errorf("TTL = %v, %t, %v", ttl, found, err)
	}
	for _, key := range []string{"expired", "absent"} {
		if _, found, err := s.Get(t.Context(), key); err != nil || found {
			t.Errorf("Get of the %s: %t, %v", key, found, err)
		}
	}
	if err := s.Check(); err != nil { // which needs the mutex
		t.Error(err)
	}
}

func TestManyReadersTakeSeatsOfTheirOwn(t *testing.T) {
	var r readers
	taken := map[*seat]bool{}
	for range seatsTried {
		p := r.enter(7)
		if p == nil || taken[p] {
			t.Fatalf("after %d readers the next has seat %p", len(taken), p)
		}
		taken[p] = true
	}
	if p := r.enter(7); p != nil {
		t.Errorf("after %d seats were taken another was tried", seatsTried)
	}
	if rooms := r.inside(nil); len(rooms) != seatsTried || rooms[0] != 7 {
		t.Errorf("inside %d; want room 7, %d times", rooms, seatsTried)
	}
	for p := range taken {
		p.leave()
	}
	if rooms := r.inside(nil); len(rooms) != 0 {
		t.Errorf("inside %d when all have left", rooms)
	}
}

func TestCloseWaitsForTheReaders(t *testing.T) {
	s := newStill(t, nil)
	setSome(t, s, "key", 1)
	r, seat := hold(t, s, "key")
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
	seat.leave()
	wait.Until(t, shut.Load)
	closer.Wait()
}

func TestARoomIsClaimedOnlyIfItIsStillFound(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(s *Store) error
		want      finding
	}{
		"nothing happened":        {func(*Store) error { return nil }, there},
		"another key was set":     {func(s *Store) error { return s.Set(t.Context(), "other", nil, time.Hour) }, there},
		"the key was overwritten": {func(s *Store) error { return s.Set(t.Context(), "key", nil, time.Hour) }, changed},
		"the key was touched":     {func(s *Store) error { _, err := s.Touch(t.Context(), "key", time.Hour); return err }, changed},
		"the key was removed":     {func(s *Store) error { return s.Delete(t.Context(), "key") }, changed},
		"it was removed and set": {func(s *Store) error {
			return errors.Join(s.Delete(t.Context(), "key"), s.Set(t.Context(), "k", nil, time.Hour), s.Set(t.Context(), "key", nil, time.Hour))
		}, changed},
		"the table grew": {func(s *Store) error {
			for i := range 1000 {
				if err := s.Set(t.Context(), fmt.Sprint(i), nil, time.Hour); err != nil {
					return err
				}
			}
			return nil
		}, changed},
		"the table grew and the key was removed": {func(s *Store) error {
			for i := range 1000 {
				if err := s.Set(t.Context(), fmt.Sprint(i), nil, time.Hour); err != nil {
					return err
				}
			}
			return s.Delete(t.Context(), "key")
		}, changed},
		"the store was closed": {(*Store).Close, changed},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStill(t, nil)
			setSome(t, s, "key", 1)
			e := s.entry("key")
			s.find(&e)
			table, tag := e.shard.table.Load(), tagOf(e.hash)
			i, cell := table.locate(e.hash, e.ref)
			if err := c.meanwhile(s); err != nil {
				t.Fatal(err)
			}
			seat, is := s.claim(e.shard, table, &(*table)[i], cell, tag, e.ref)
			if is != c.want || (seat != nil) != (is == there) {
				t.Errorf("claim is %d with seat %p; want %d", is, seat, c.want)
			}
			if inside := s.readers.inside(nil); len(inside) > 0 && is != there {
				t.Errorf("who did not get the room is still in %d", inside)
			}
		})
	}
}

func TestWhatIsDeletedOneByOneKeepsNoRoom(t *testing.T) {
	s := newStill(t, nil)
	for i := range 1000 {
		setSome(t, s, fmt.Sprint(i), 1)
	}
	for i := range 1000 {
		if err := s.Delete(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if waiting := len(s.limbo.refs) + len(s.limbo.empty); waiting > s.order.len/8+2*lot || s.order.len == 0 && waiting > 0 {
			t.Fatalf("%d rooms wait, of a store with %d entries", waiting, s.order.len)
		}
	}
	if n := s.memory(); n > 10*leastPageUnits*unit {
		t.Errorf("an empty store has pages of %d bytes", n)
	}
}

func TestTheLastEntryKeepsNoRoomWhenItIsDeletedHoweverOftenItWasSet(t *testing.T) {
	for n := range 3 * lot {
		s := newStill(t, nil)
		setSome(t, s, "key", 1+n)
		if err := s.Delete(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		if waiting := len(s.limbo.refs) + len(s.limbo.empty); waiting > 0 {
			t.Fatalf("%d rooms wait after %d Sets and a Delete", waiting, 1+n)
		}
	}
}
