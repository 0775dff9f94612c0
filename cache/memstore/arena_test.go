package memstore

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// arenaDuel knows whose every unit of an arena's pages is.
type arenaDuel struct {
	testing.TB
	arena  arena
	rooms  map[uint32]room
	owners map[uint32][]uint32 // by page: the ref of the room that has the unit, plus 1
	next   byte
}

// room is a live one; all its bytes are its mark.
type room struct {
	units int
	mark  byte
}

func newArenaDuel(t testing.TB) *arenaDuel {
	d := &arenaDuel{TB: t, rooms: map[uint32]room{}, owners: map[uint32][]uint32{}}
	d.arena.init()
	return d
}

// alloc takes a room of whose whole class it makes use.
func (d *arenaDuel) alloc(units int) (ref uint32, ok bool) {
	d.Helper()
	if ref, ok = d.arena.alloc(units); !ok {
		return 0, false
	}
	page, first, units := ref>>pageBits, ref%pageUnits, d.arena.classes[classOf(units)].units
	if d.owners[page] == nil {
		d.owners[page] = make([]uint32, pageUnits)
	}
	if end := int(first) + units; end > d.arena.pageLen(page) {
		d.Fatalf("a room of %d units begins at %d of a page of %d", units, first, d.arena.pageLen(page))
	}
	for i := range uint32(units) {
		if owner := d.owners[page][first+i]; owner != 0 {
			d.Fatalf("room %#x of %d units has a unit of room %#x", ref, units, owner-1)
		}
		d.owners[page][first+i] = ref + 1
	}
	d.next++
	d.rooms[ref] = room{units, d.next}
	memory := d.arena.at(ref)[:units*unit]
	for i := range memory {
		memory[i] = d.next
	}
	return ref, true
}

func (d *arenaDuel) free(ref uint32) {
	d.Helper()
	d.wantIntact(ref)
	for i := range uint32(d.rooms[ref].units) {
		d.owners[ref>>pageBits][ref%pageUnits+i] = 0
	}
	delete(d.rooms, ref)
	d.arena.free(ref)
}

func (d *arenaDuel) wantIntact(ref uint32) {
	d.Helper()
	for _, b := range d.arena.at(ref)[:d.rooms[ref].units*unit] {
		if b != d.rooms[ref].mark {
			d.Fatalf("room %#x, of %d units, has %#x where its owner wrote %#x", ref, d.rooms[ref].units, b, d.rooms[ref].mark)
		}
	}
}

func (d *arenaDuel) check() {
	d.Helper()
	if err := d.arena.check(); err != nil {
		d.Fatal(err)
	}
}

// pages is how many pages have memory.
func (d *arenaDuel) pages() int {
	n := 0
	for i := range d.arena.pages {
		if d.arena.directory[i/blockLen][i%blockLen] != nil {
			n++
		}
	}
	return n
}

func TestRoomsNeverOverlapAndKeepWhatIsWrittenIntoThem(t *testing.T) {
	all := func(r *rand.Rand) int { return 1 + r.IntN(maxUnits) }
	for name, size := range map[string]func(r *rand.Rand) int{
		"rooms of all sizes": all,
		"small rooms":        func(r *rand.Rand) int { return 1 + r.IntN(4) },
		"the largest rooms":  func(*rand.Rand) int { return maxUnits },
		"sizes at the borders of classes": func(r *rand.Rand) int {
			return []int{1, 63, 64, 65, 72, 73, 127, 128, 129, 144, 145, 256, 257, 448, 449, 512}[r.IntN(16)]
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, r := newArenaDuel(t), rand.New(rand.NewPCG(6, 6))
			var refs []uint32
			for step := range 2_000 {
				grows := step/400%2 == 0 // by turns it mostly grows and mostly shrinks
				if len(refs) == 0 || (r.IntN(4) > 0) == grows {
					ref, ok := d.alloc(size(r))
					if !ok {
						t.Fatal("there is no room")
					}
					refs = append(refs, ref)
				} else {
					i := r.IntN(len(refs))
					d.free(refs[i])
					refs = slices.Delete(refs, i, i+1)
				}
				d.check()
			}
			for _, ref := range refs {
				d.free(ref)
				d.check()
			}
		})
	}
}

func TestEveryUnitSizeHasARoomOfItsOwn(t *testing.T) {
	d := newArenaDuel(t)
	for range 3 {
		for units := 1; units <= maxUnits; units++ {
			d.alloc(units)
		}
	}
	d.check()
	for ref := range d.rooms {
		d.wantIntact(ref)
	}
	if len(d.rooms) != 3*maxUnits {
		t.Errorf("%d rooms; want %d", len(d.rooms), 3*maxUnits)
	}
}

func TestEmptyPagesAreGivenBackButForOneOfEachClass(t *testing.T) {
	d := newArenaDuel(t)
	sizes := []int{3, 64, 65, 100, maxUnits}
	for range 3 {
		for range 500 {
			for _, units := range sizes {
				d.alloc(units)
			}
		}
		had := d.pages()
		for i, ref := range slices.Collect(maps.Keys(d.rooms)) {
			if d.free(ref); i%8 == 0 {
				d.check()
			}
		}
		d.check()
		if n := d.pages(); n != len(sizes) || had < 4*len(sizes) {
			t.Errorf("of %d pages %d are left for rooms of %d sizes, none of them in use", had, n, len(sizes))
		}
		if n := len(d.arena.unused) + len(sizes); n != len(d.arena.pages) {
			t.Errorf("%d of %d numbers of pages can be used or are in use", n, len(d.arena.pages))
		}
	}
}

func TestNumbersOfPagesThatWereGivenBackAreUsedAgain(t *testing.T) {
	d := newArenaDuel(t)
	var numbers int
	for round := range 5 {
		for range 100 {
			d.alloc(maxUnits - round*64) // of another class each time
		}
		for _, ref := range slices.Collect(maps.Keys(d.rooms)) {
			d.free(ref)
		}
		if round == 0 {
			numbers = len(d.arena.pages)
		}
	}
	if n := len(d.arena.pages); n > numbers+5 { // one of each class stays
		t.Errorf("%d numbers of pages after five rounds; %d after the first", n, numbers)
	}
}

func TestEachFurtherPageOfAClassHasAQuarterOfWhatThereIs(t *testing.T) {
	d := newArenaDuel(t)
	const units = 64
	total, longest := 0, 0
	for page := range 40 {
		want := min(max(leastPageUnits, total/4), pageUnits)
		for range want / units {
			if ref, _ := d.alloc(units); ref>>pageBits != uint32(page) {
				t.Fatalf("a room lies in page %d; want %d", ref>>pageBits, page)
			}
		}
		got := d.arena.pageLen(uint32(page))
		if got != want {
			t.Fatalf("page %d has %d units; want %d", page, got, want)
		}
		total, longest = total+got/units*units, max(longest, got)
	}
	if longest != pageUnits {
		t.Errorf("the longest page has %d units; want %d", longest, pageUnits)
	}
	d.alloc(1)
	if got := d.arena.pageLen(40); got != leastPageUnits {
		t.Errorf("the first page of another class has %d units; want %d", got, leastPageUnits)
	}
}

func TestTheSteadyStateOfOneRoomTakenAndOneGivenBackTakesNoPage(t *testing.T) {
	for _, units := range []int{1, 3, 64, 65, 200, 300, maxUnits} {
		for rooms := range 40 { // among them as many as fill pages exactly
			d := newArenaDuel(t)
			var last uint32
			for range rooms {
				last, _ = d.arena.alloc(units)
			}
			if n := testing.AllocsPerRun(10, func() {
				ref, _ := d.arena.alloc(units)
				d.arena.free(ref)
			}); n != 0 {
				t.Errorf("beside %d rooms of %d units, to take one and give it back allocates %v times", rooms, units, n)
			}
			if rooms == 0 {
				continue
			}
			if n := testing.AllocsPerRun(10, func() {
				d.arena.free(last)
				last, _ = d.arena.alloc(units)
			}); n != 0 {
				t.Errorf("of %d rooms of %d units, to give one back and take one allocates %v times", rooms, units, n)
			}
			d.check()
		}
	}
}

func TestAnArenaAtItsLimitHasRoomAgainAfterSomeWasGivenBack(t *testing.T) {
	d := newArenaDuel(t)
	d.arena.limit = 3
	var refs []uint32
	for {
		ref, ok := d.alloc(maxUnits)
		if !ok {
			break
		}
		refs = append(refs, ref)
	}
	if len(refs) != 3 || d.pages() != 3 {
		t.Fatalf("%d rooms in %d pages; want 3 in 3", len(refs), d.pages())
	}
	want := func(units int, want bool) (ref uint32) {
		t.Helper()
		ref, ok := d.alloc(units)
		if ok != want {
			t.Errorf("there is room for %d units: %v; want %v", units, ok, want)
		}
		d.check()
		return ref
	}
	want(maxUnits, false)
	want(1, false)
	d.free(refs[2])
	want(1, false) // the page that is empty is its class's
	refs[2] = want(maxUnits, true)
	want(maxUnits, false)
	d.free(refs[0])
	want(1, false)
	d.free(refs[1])
	want(1, true) // the second was given back
	want(65, false)
	want(maxUnits, true)
	want(maxUnits, false)
}

func TestClassesRiseAreExactWhereSmallAndLittleTooLargeAbove(t *testing.T) {
	var a arena
	a.init()
	for units := 1; units <= maxUnits; units++ {
		k := classOf(units)
		if k < classOf(units-1) || k > classOf(units-1)+1 {
			t.Errorf("%d units are of class %d, %d of class %d", units-1, classOf(units-1), units, k)
		}
		most := units
		if units > 64 {
			most = units + units/8
		}
		if got := a.classes[k].units; got < units || got > most {
			t.Errorf("%d units get a room of %d; want up to %d", units, got, most)
		}
	}
	if last := classOf(maxUnits); last != classCount-1 || a.classes[last].units != maxUnits {
		t.Errorf("%d units are of class %d, which has %d; want the last, %d", maxUnits, last, a.classes[last].units, classCount-1)
	}
}

func FuzzArena(f *testing.F) {
	f.Add([]byte{0x3f, 0x3f, 0x7f, 0xbf, 0x80, 0x80, 0x3f}, uint8(2))
	f.Add([]byte("room for some, and some for rooms"), uint8(0))
	f.Fuzz(func(t *testing.T, program []byte, limit uint8) {
		d := newArenaDuel(t)
		d.arena.limit = int(limit%8) + 1
		var refs []uint32
		for _, step := range program {
			// The lower half of the steps allocate, sizes to 512 units among them; the others free.
			if step < 0x80 {
				if ref, ok := d.alloc(1 + int(step)*4*int(step%2) + int(step/2)%4); ok {
					refs = append(refs, ref)
				}
			} else if len(refs) > 0 {
				i := int(step&0x7f) % len(refs)
				d.free(refs[i])
				refs = slices.Delete(refs, i, i+1)
			}
			d.check()
			if n := d.pages(); n > d.arena.limit {
				t.Fatalf("%d pages; the limit is %d", n, d.arena.limit)
			}
		}
		for _, ref := range refs {
			d.wantIntact(ref)
		}
	})
}

// wantThere compares what the store has with the values by key.
func wantThere(t *testing.T, s *Store, values map[string]string) {
	t.Helper()
	for key, want := range values {
		if got, found, err := s.Get(t.Context(), key); err != nil || !found || string(got) != want {
			t.Fatalf("Get(%q) = %d bytes, %v, %v; want %d", key, len(got), found, err, len(want))
		}
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestAStoreWhoseArenaIsExhaustedEvictsTheNextVictimsForANewKey(t *testing.T) {
	s := newStill(t, nil)
	s.arena.limit = 4
	const rooms = 4
	for i := range 100 {
		key, value := fmt.Sprint(i), strings.Repeat(fmt.Sprint(i%10), 3900)
		if err := s.Set(t.Context(), key, []byte(value), time.Hour-time.Duration(i)); err != nil { // the newest is the next victim
			t.Fatal(err)
		}
		left := map[string]string{key: value}
		for earlier := range min(i, rooms-1) {
			left[fmt.Sprint(earlier)] = strings.Repeat(fmt.Sprint(earlier%10), 3900)
		}
		wantThere(t, s, left)
		if n := len(left); s.order.len != n || s.evictions != int64(i+1-n) {
			t.Fatalf("%d entries and %d evictions after %d keys; want %d and %d", s.order.len, s.evictions, i+1, n, i+1-n)
		}
	}
}

func TestAnOverwriteThatMustMoveInAnExhaustedArenaNeverEvictsItself(t *testing.T) {
	s := newStill(t, nil)
	s.arena.limit = 4
	large := strings.Repeat("v", 3900)
	left := map[string]string{}
	for i := range 4 {
		key := fmt.Sprint(i)
		left[key] = large
		if err := s.Set(t.Context(), key, []byte(large), time.Hour+time.Duration(i)); err != nil {
			t.Fatal(err)
		}
	}
	wantThere(t, s, left)
	// A small value takes a page. One is given back when two are empty: those of the next victims.
	if err := s.Set(t.Context(), "0", []byte("small"), cache.KeepTTL); err != nil {
		t.Fatal(err)
	}
	left["0"] = "small"
	delete(left, "1")
	delete(left, "2")
	wantThere(t, s, left)
	if s.order.len != len(left) || s.evictions != 2 {
		t.Errorf("%d entries and %d evictions; want %d and 2", s.order.len, s.evictions, len(left))
	}
	if n := s.order.first(); string(s.arena.at(n.ref).key()) != "0" || n.expires != time.Hour {
		t.Errorf("the next victim is %q; want the one that moved, which kept its expiry", s.arena.at(n.ref).key())
	}
}

func TestAStoreWithAnExhaustedArenaKeepsWhatIsNotEvicted(t *testing.T) {
	s := newStill(t, &Options{MaxEntries: 100_000})
	s.arena.limit = classCount + 200
	r := rand.New(rand.NewPCG(7, 7))
	text := strings.Repeat("0123456789abcdef", 256)
	values := map[string]string{}
	for step := range 12_000 {
		key, value, ttl := fmt.Sprint(r.IntN(4_000)), text[:r.IntN(4_000)], time.Duration(1+r.IntN(1_000_000))
		if s.order.len > 0 && r.IntN(3) == 0 {
			key = string(s.arena.at(s.order.first().ref).key()) // the next victim is overwritten itself
		}
		if err := s.Set(t.Context(), key, []byte(value), ttl); err != nil {
			t.Fatal(err)
		}
		values[key] = value
		if got, found, _ := s.Get(t.Context(), key); !found || string(got) != value {
			t.Fatalf("Get(%q) after its Set: %d bytes, %v; want %d", key, len(got), found, len(value))
		}
		if step%1_000 > 0 {
			continue
		}
		for key := range values {
			if found, _ := s.Exists(t.Context(), key); !found {
				delete(values, key)
			}
		}
		wantThere(t, s, values)
		if len(values) != s.order.len {
			t.Fatalf("%d of %d entries were never set", s.order.len-len(values), s.order.len)
		}
	}
	if s.evictions < 1_000 || s.order.len < 500 {
		t.Errorf("%d evictions, and %d entries: the arena was never exhausted, or is empty", s.evictions, s.order.len)
	}
}

func TestTakeEvictsNobodyThoughTheArenaIsExhausted(t *testing.T) {
	s, err := New(&Options{MaxEntries: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.arena.limit = 4
	for i := range 5000 {
		if err := s.Set(t.Context(), fmt.Sprintf("k%05d", i), []byte("v"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	before := s.evictions
	_, err = s.Take(t.Context(), "limited", []cache.Limit{{Name: "of another size", Requests: 3, Period: time.Minute}}, 1)
	if !errors.Is(err, cache.ErrUnavailable) || s.evictions != before {
		t.Errorf("%v, %d evictions; want ErrUnavailable, none", err, s.evictions-before)
	}
	_ = s.Close()
}

func TestANewKeyEvictsOneThoughBothLimitsAreReached(t *testing.T) {
	s := newStill(t, &Options{MaxEntries: 4})
	s.arena.limit = 4
	for i := range 6 {
		if err := s.Set(t.Context(), fmt.Sprint(i), make([]byte, 3900), time.Hour+time.Duration(i)); err != nil {
			t.Fatal(err)
		}
		if want := int64(max(i-3, 0)); s.evictions != want {
			t.Fatalf("%d evictions after %d keys; want %d", s.evictions, i+1, want)
		}
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
