package memstore

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// tableDuel lets a table and a map do the same. Its keys are numbers, whose hashes the test gives.
type tableDuel struct {
	testing.TB
	table  table
	arena  *arena
	hashOf func(key int) uint64
	refs   map[int]uint32 // by key: the model
}

func newTableDuel(t testing.TB, buckets int, hashOf func(key int) uint64) *tableDuel {
	d := &tableDuel{TB: t, table: make(table, buckets), arena: new(arena), hashOf: hashOf, refs: map[int]uint32{}}
	d.arena.init()
	return d
}

func (d *tableDuel) capacity() int { return cells * len(d.table) }

func (d *tableDuel) record(key int) uint32 {
	text := fmt.Sprint(key)
	ref, _ := d.arena.alloc(unitsFor(len(text), 0))
	r := d.arena.at(ref)
	r.setWord(0, 0, len(text))
	copy(r[headerLen:], text)
	return ref
}

func (d *tableDuel) insert(key int) {
	d.refs[key] = d.record(key)
	d.table.insert(d.hashOf(key), d.refs[key])
}

func (d *tableDuel) take(key int) {
	d.table.take(d.hashOf(key), d.refs[key])
	d.arena.free(d.refs[key])
	delete(d.refs, key)
}

func (d *tableDuel) replace(key int) {
	ref := d.record(key)
	d.table.replace(d.hashOf(key), d.refs[key], ref)
	d.arena.free(d.refs[key])
	d.refs[key] = ref
}

// turn inserts the key if it is not there and there is room, else replaces its ref or takes it out.
func (d *tableDuel) turn(key int, replaces bool) {
	switch _, there := d.refs[key]; {
	case there && replaces:
		d.replace(key)
	case there:
		d.take(key)
	case len(d.refs) < d.capacity():
		d.insert(key)
	}
}

func (d *tableDuel) wantFind(key int) {
	d.Helper()
	want, there := d.refs[key]
	if ref, found := d.table.find(d.hashOf(key), fmt.Sprint(key), d.arena); found != there || ref != want {
		d.Fatalf("find of key %d, of %d in %d buckets = %d, %v; want %d, %v", key, len(d.refs), len(d.table), ref, found, want, there)
	}
}

// check looks at every cell, and counts anew who passed by which bucket.
func (d *tableDuel) check() {
	d.Helper()
	keys := map[uint32]int{}
	for key, ref := range d.refs {
		keys[ref] = key
	}
	passers := make([]uint64, len(d.table))
	for i := range d.table {
		for cell := range cells {
			ref, tag := d.table[i].refs[cell].Load(), d.table[i].meta.Load()>>(8*cell)&0xff
			if tag == 0 {
				continue
			}
			key, there := keys[ref]
			h := d.hashOf(key)
			if !there || tag != tagOf(h) {
				d.Fatalf("cell %d of bucket %d has ref %d (there: %v) under tag %#x", cell, i, ref, there, tag)
			}
			delete(keys, ref)
			for passed := d.table.home(h); passed != i; passed = (passed + 1) % len(d.table) {
				passers[passed]++
			}
		}
	}
	if len(keys) > 0 {
		d.Fatalf("of %d refs %d lie in no cell", len(d.refs), len(keys))
	}
	for i, want := range passers {
		if got := d.table[i].meta.Load() / passedBy; got != want {
			d.Fatalf("bucket %d counts %d that passed by; want %d", i, got, want)
		}
	}
	got := slices.Sorted(d.table.refs)
	if want := slices.Sorted(maps.Values(d.refs)); !slices.Equal(got, want) {
		d.Fatalf("refs yields %d; want %d", got, want)
	}
}

// hashFor is a hash with the home and the tag given, in a table of so many buckets.
func hashFor(buckets, home int, tag byte) uint64 {
	first := (uint64(home)<<32 + uint64(buckets) - 1) / uint64(buckets)
	return first<<8 | uint64(tag)
}

func TestATableHoldsWhatTheMapHolds(t *testing.T) {
	for _, buckets := range []int{1, 2, 3, 4, 7} {
		for name, hashOf := range map[string]func(key int) uint64{
			"hashes of all kinds":                func(key int) uint64 { return rand.New(rand.NewPCG(1, uint64(key))).Uint64() },
			"the same hash for all":              func(int) uint64 { return hashFor(buckets, buckets-1, 0x80) },
			"the same home, tags that differ":    func(key int) uint64 { return hashFor(buckets, buckets/2, byte(key)) },
			"the same tag, homes that differ":    func(key int) uint64 { return hashFor(buckets, key%buckets, 0xff) },
			"tags of which one is that of empty": func(key int) uint64 { return hashFor(buckets, key%buckets, byte(key%3)) },
		} {
			t.Run(fmt.Sprintf("%d buckets, %s", buckets, name), func(t *testing.T) {
				d := newTableDuel(t, buckets, hashOf)
				r := rand.New(rand.NewPCG(2, uint64(buckets)))
				wasFull := 0
				for step := range 600 {
					// By turns it becomes full and empty. There is room for half of the keys.
					universe := 2 * d.capacity()
					key := r.IntN(universe)
					if _, there := d.refs[key]; there == (step/150%2 == 1) || r.IntN(4) == 0 {
						d.turn(key, r.IntN(3) == 0)
					}
					d.check()
					d.wantFind(key)
					d.wantFind(r.IntN(universe))
					if len(d.refs) == d.capacity() {
						wasFull++
					}
				}
				for key := range 2 * d.capacity() {
					d.wantFind(key)
				}
				if wasFull == 0 {
					t.Error("the table was never full")
				}
			})
		}
	}
}

// passedEverywhere returns a table that is full to the last cell, and whose every bucket counts passers.
func passedEverywhere(t testing.TB, buckets int) *tableDuel {
	d := newTableDuel(t, buckets, func(key int) uint64 { return hashFor(buckets, key%buckets, byte(1+key%5)) })
	for key := range d.capacity() {
		d.insert(key)
	}
	for home := range buckets {
		d.take((home+1)%buckets + buckets) // makes room in the next bucket
		d.insert(home + d.capacity())      // which finds none in its own
	}
	d.check()
	for i := range d.table {
		if len(d.refs) != d.capacity() || d.table[i].meta.Load() < passedBy {
			t.Fatalf("%d refs for %d cells, and bucket %d counts no passers", len(d.refs), d.capacity(), i)
		}
	}
	return d
}

func TestASearchForWhatIsAbsentEndsThoughEveryBucketWasPassed(t *testing.T) {
	var ended atomic.Int32
	const most = 8
	for buckets := 2; buckets <= most; buckets++ {
		d := passedEverywhere(t, buckets)
		go func() {
			for home := range buckets {
				for tag := range 256 {
					if _, found := d.table.find(hashFor(buckets, home, byte(tag)), "absent", d.arena); found {
						t.Errorf("found what is absent from a table of %d buckets", buckets)
					}
				}
			}
			ended.Add(1)
		}()
	}
	wait.Until(t, func() bool { return ended.Load() == most-1 })
}

func TestNothingIsFoundInATableOfNoBuckets(t *testing.T) {
	var none table
	if _, found := none.find(12345, "key", new(arena)); found {
		t.Error("found a key")
	}
	for ref := range none.refs {
		t.Errorf("refs yields %d", ref)
	}
}

func TestNothingIsLeftBehindInATableThatWasEmptied(t *testing.T) {
	for buckets := 2; buckets <= 6; buckets++ {
		d := passedEverywhere(t, buckets)
		keys := slices.Sorted(maps.Keys(d.refs))
		rand.New(rand.NewPCG(3, uint64(buckets))).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, key := range keys {
			d.take(key)
			d.check()
			d.wantFind(key)
		}
		for i := range d.table {
			if meta := d.table[i].meta.Load(); meta != 0 {
				t.Errorf("bucket %d of %d that is empty has %#x", i, buckets, meta)
			}
		}
	}
}

func TestRefsYieldsNoMoreThanAskedFor(t *testing.T) {
	d := passedEverywhere(t, 3)
	for want := 1; want <= d.capacity(); want++ {
		got := map[uint32]bool{}
		for ref := range d.table.refs {
			got[ref] = true
			if len(got) == want {
				break
			}
		}
		if len(got) != want {
			t.Errorf("%d refs; want %d", len(got), want)
		}
	}
}

func TestMatchesAreExactForEveryTagAndEveryNeighbours(t *testing.T) {
	const even, odd = uint64(0x80_00_80_00_80), uint64(0x80_00_80_00_80_00)
	for lower := range uint64(256) {
		for upper := range uint64(256) {
			// Every cell has the other as its neighbour on both sides; the count of passers has all bits set, and then none.
			meta := (upper<<8 | lower) * 0x1_0001_0001
			for tag := range uint64(256) {
				meta ^= 0xffff * passedBy
				var want uint64
				if lower == tag {
					want |= even
				}
				if upper == tag {
					want |= odd
				}
				if got := matches(meta, tag); got != want {
					t.Fatalf("tag %#x in %#016x matches %#x; want %#x", tag, meta, got, want)
				}
			}
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	for range 100_000 {
		meta := r.Uint64() & r.Uint64() // of which many bytes are small
		tag := uint64(byte(r.Uint64() & r.Uint64()))
		var want uint64
		for cell := range cells {
			if meta>>(8*cell)&0xff == tag {
				want |= 0x80 << (8 * cell)
			}
		}
		if got := matches(meta, tag); got != want {
			t.Fatalf("tag %#x in %#016x matches %#x; want %#x", tag, meta, got, want)
		}
	}
}

func TestNoTagIsThatOfAnEmptyCell(t *testing.T) {
	for low := range uint64(256) {
		if tag := tagOf(0xabcd00 | low); tag == 0 || tag > 0xff || low > 0 && tag != low {
			t.Errorf("the tag of a hash that ends in %#x is %#x", low, tag)
		}
	}
}

func TestHomesDependNeitherOnTheTagNorOnTheShardAndAreEven(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, buckets := range []int{1, 2, 3, 5, 64, 249} {
		homes := make(table, buckets)
		counts := make([]int, buckets)
		const each = 1000
		for range each * buckets {
			h := r.Uint64()
			home := homes.home(h)
			counts[home]++
			for _, other := range []uint64{h ^ 0xff, h ^ (math.MaxUint64 &^ (1<<40 - 1))} {
				if homes.home(other) != home {
					t.Fatalf("%#x has home %d of %d, %#x another", h, home, buckets, other)
				}
			}
		}
		if least, most := slices.Min(counts), slices.Max(counts); least < each*3/4 || most > each*5/4 {
			t.Errorf("of %d buckets one is the home of %d hashes and one of %d; want about %d", buckets, least, most, each)
		}
	}
}

func TestTheTableThatFollowsIsLongerAndHoldsAShareWithLittleWaste(t *testing.T) {
	for _, share := range []int{0, 1, 4, 156, 1024, 20_000} {
		lengths := []int{0}
		for lengths[len(lengths)-1]*(cells-1) < 4*share+100 {
			n := lengths[len(lengths)-1]
			longer := len(grown(n, share))
			if most := max(2*n, n+n/8+1, (share+share/16)/(cells-1)+1); longer <= n || longer > most {
				t.Fatalf("%d buckets follow %d, for a share of %d; want up to %d", longer, n, share, most)
			}
			lengths = append(lengths, longer)
		}
		i, _ := slices.BinarySearch(lengths, (share+cells-2)/(cells-1)) // the first that holds the share
		if most := share + share/8 + share/16 + 3*cells; lengths[i]*(cells-1) > most {
			t.Errorf("the first table that holds %d holds %d; want up to %d", share, lengths[i]*(cells-1), most)
		}
		if len(lengths) > 60 {
			t.Errorf("it takes %d steps to four times a share of %d", len(lengths), share)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add(uint8(1), []byte("0123456789abcdef"))
	f.Add(uint8(0), []byte{0, 1, 2, 3, 4, 5, 6, 0, 1, 128, 129, 7})
	f.Add(uint8(3), []byte{0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29, 2, 6, 10, 14, 18, 22, 26, 30, 0, 4, 128 + 8})
	f.Fuzz(func(t *testing.T, size uint8, program []byte) {
		buckets := int(size)%4 + 1
		d := newTableDuel(t, buckets, func(key int) uint64 { return hashFor(buckets, key%buckets, byte(key/32)*0xff) })
		for _, step := range program {
			d.turn(int(step&0x3f), step >= 0x80)
			d.check()
			for key := range 64 {
				d.wantFind(key)
			}
		}
	})
}
