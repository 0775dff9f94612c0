package memstore

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// memory is what the arena's pages take, in bytes.
func (s *Store) memory() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.arena.pages {
		n += int64(len(s.arena.directory[i/blockLen][i%blockLen]))
	}
	return n
}

// records is what the records take, in bytes.
func (s *Store) records() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.shards {
		for ref := range s.shards[i].table.Load().refs {
			n += int64(s.arena.at(ref).units() * unit)
		}
	}
	return n
}

// drifting fills a store beyond its limit with values of one length after the other. One entry in a hundred stays for ever.
type drifting struct {
	*testing.T
	s    *Store
	text string
	next int
}

const kept = 100 // one entry in so many

func newDrifting(t *testing.T, o *Options) *drifting {
	return &drifting{T: t, s: newStill(t, o), text: strings.Repeat("the text of the values ", 1000)}
}

func (d *drifting) key(i int) string { return fmt.Sprintf("key:%08d", i) }

// value is that of the ith entry. Some are large, also of those that are kept.
func (d *drifting) value(i, length int) string {
	if i%7 == 0 {
		length += 5_000
	}
	return fmt.Sprint(i, d.text[:length])
}

func (d *drifting) set(n, length int) {
	for range n {
		ttl := time.Hour + time.Duration(d.next*7919%1_000_003)
		if d.next%kept == 0 {
			ttl = cache.Forever
		}
		if err := d.s.Set(d.Context(), d.key(d.next), []byte(d.value(d.next, length)), ttl); err != nil {
			d.Fatal(err)
		}
		d.next++
		if d.next%5_000 == 0 {
			d.check()
		}
	}
}

func (d *drifting) check() {
	d.Helper()
	if err := d.s.Check(); err != nil {
		d.Fatal(err)
	}
}

func TestMemoryStaysNearTheLimitThoughSizesDrift(t *testing.T) {
	const maxBytes = 16 << 20
	d := newDrifting(t, &Options{MaxEntries: 1 << 20, MaxBytes: maxBytes})
	begins := map[int]int{}
	for _, length := range []int{50, 90, 200, 400, 900} {
		begins[d.next] = length
		d.set(maxBytes*3/2/(length+80+5_000/7), length)
		if memory, held := d.s.memory(), d.s.records(); memory > held*13/10 {
			t.Errorf("with values of %d bytes the pages take %d bytes for records of %d", length, memory, held)
		}
	}
	length := 0
	for i := range d.next {
		if begin, ok := begins[i]; ok {
			length = begin
		}
		if i%kept > 0 {
			continue
		}
		got, found, err := d.s.Get(t.Context(), d.key(i))
		if err != nil || !found || string(got) != d.value(i, length) {
			t.Fatalf("entry %d: %d bytes, %t, %v; want %d", i, len(got), found, err, len(d.value(i, length)))
		}
	}
}

func TestWhoReadsFindsItsEntryWhileItsRecordMoves(t *testing.T) {
	d := newDrifting(t, &Options{MaxEntries: 1 << 20, MaxBytes: 4 << 20})
	d.set(5_000, 50)
	known := d.next
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := 0; !done.Load(); i = (i + kept) % known {
				if got, found, err := d.s.Get(t.Context(), d.key(i)); err != nil || !found || string(got) != d.value(i, 50) {
					t.Errorf("entry %d: %d bytes, %t, %v", i, len(got), found, err)
					return
				}
				if _, found, err := d.s.TTL(t.Context(), d.key(i)); err != nil || !found {
					t.Errorf("TTL of entry %d: %t, %v", i, found, err)
					return
				}
			}
		})
	}
	for _, length := range []int{100, 300, 50, 700, 50} {
		d.set(6_000, length)
	}
	done.Store(true)
	readers.Wait()
}

func TestTheJanitorGivesBackTheMemoryThatFewEntriesHold(t *testing.T) {
	for name, remove := range map[string]func(t *testing.T, s *Store) error{
		"after Clear": func(t *testing.T, s *Store) error { return s.Clear(t.Context(), "gone:") },
		"after DeleteMany": func(t *testing.T, s *Store) error {
			var keys []string
			for key, err := range s.Keys(t.Context(), "gone:") {
				if err != nil {
					return err
				}
				keys = append(keys, key)
			}
			return s.DeleteMany(t.Context(), keys)
		},
		"after their expiry": func(t *testing.T, _ *Store) error { <-time.After(2 * time.Hour); return nil },
		"after DeleteExpired": func(t *testing.T, s *Store) error {
			<-time.After(time.Hour)
			_, err := s.DeleteExpired(t.Context())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := New(&Options{MaxEntries: 100_000})
				if err != nil {
					t.Fatal(err)
				}
				for i := range 30_000 {
					key, ttl := fmt.Sprintf("gone:%08d", i), time.Hour
					if i%kept == 0 {
						key, ttl = fmt.Sprintf("kept:%08d", i), cache.Forever
					}
					if err := s.Set(t.Context(), key, make([]byte, 100), ttl); err != nil {
						t.Fatal(err)
					}
				}
				full := s.memory()
				if err := remove(t, s); err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Minute)
				if left := s.memory(); left > full/10 {
					t.Errorf("of %d bytes %d are left for one entry in %d", full, left, kept)
				}
				if s.order.len != 30_000/kept || s.JanitorComes() {
					t.Errorf("%d entries; the janitor comes again: %t", s.order.len, s.JanitorComes())
				}
				if err := s.Check(); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			})
		})
	}
}

func TestADrainEndsWhereNoOtherPageHasRoom(t *testing.T) {
	d := newDrifting(t, nil)
	d.set(1, 50) // of another size
	a := &d.s.arena
	for d.next < 100 || a.classes[a.pages[1].class].open != 0 { // until the pages of one size are full
		d.set(1, 10)
	}
	if err := d.s.Delete(t.Context(), d.key(3)); err != nil {
		t.Fatal(err)
	}
	d.s.reclaim()
	for n := range a.pages {
		if p := &a.pages[n]; p.class == a.pages[1].class && p.free != 0 {
			a.unlink(uint32(n))
			p.draining, a.drain.page = true, uint32(n)+1
		}
	}
	for range 3 {
		if a.drain.page == 0 {
			t.Fatal("nothing is drained")
		}
		d.s.compact(1)
		if a.drain.page == 0 {
			break
		}
	}
	if a.drain.page != 0 {
		t.Error("the drain goes on")
	}
	d.check()
	d.set(1, 10) // takes the room
	d.check()
}

func TestTheJanitorEndsThoughEntriesComeAndGo(t *testing.T) {
	d := newDrifting(t, &Options{MaxEntries: 5_000})
	d.set(5_000, 50)
	for range len(d.s.arena.pages) {
		d.set(1, 50) // evicts one
		if d.s.tidySome(false) {
			return
		}
	}
	t.Errorf("the janitor goes on after it has looked at %d pages", len(d.s.arena.pages))
}
