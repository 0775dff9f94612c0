package memstore

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// orderDuel lets an order and a sorted list do the same.
type orderDuel struct {
	*testing.T
	s      *Store // of which only the order and the arena are in use
	serial uint64
	sorted []modelNode
}

type modelNode struct {
	node
	serial uint64 // all of it, where the record has its low bits
}

func (a modelNode) compare(b modelNode) int {
	return cmp.Or(cmp.Compare(a.expires, b.expires), cmp.Compare(a.serial, b.serial))
}

// newOrderDuel begins behind the serial given.
func newOrderDuel(t *testing.T, serial uint64) *orderDuel {
	d := &orderDuel{T: t, s: new(Store), serial: serial}
	d.s.arena.init()
	d.s.order.arena = &d.s.arena
	return d
}

// stamp begins a write, as the store does.
func (d *orderDuel) stamp(expires time.Duration) time.Duration {
	d.serial++
	if expires == permanent {
		expires += time.Duration(d.serial)
	}
	return expires
}

func (d *orderDuel) put(n modelNode) {
	i, _ := slices.BinarySearchFunc(d.sorted, n, modelNode.compare)
	d.sorted = slices.Insert(d.sorted, i, n)
}

func (d *orderDuel) push(expires time.Duration) {
	expires = d.stamp(expires)
	ref, _ := d.s.arena.alloc(unitsFor(0, 0))
	n := node{expires, ref, d.s.order.newSlot()}
	r := d.s.arena.at(ref)
	r.setExpires(expires)
	r.setWord(d.serial, 0, 0)
	r.setSlot(n.slot)
	d.s.order.push(n)
	d.put(modelNode{n, d.serial})
}

func (d *orderDuel) wantFirst() {
	d.Helper()
	if d.s.order.len != len(d.sorted) {
		d.Fatalf("%d nodes; want %d", d.s.order.len, len(d.sorted))
	}
	if len(d.sorted) == 0 {
		return
	}
	if got, want := d.s.order.first(), d.sorted[0].node; got != want {
		d.Fatalf("the first of %d is %+v; want %+v", len(d.sorted), got, want)
	}
}

// pop takes the first out without looking at it, and leaves the order hollow.
func (d *orderDuel) pop() {
	d.s.order.pop()
	d.forget(0)
}

// remove takes the nth of the model out.
func (d *orderDuel) remove(n int) {
	d.s.order.remove(d.sorted[n].slot)
	d.forget(n)
}

func (d *orderDuel) forget(n int) {
	d.s.order.releaseSlot(d.sorted[n].slot)
	d.s.arena.free(d.sorted[n].ref)
	d.sorted = slices.Delete(d.sorted, n, n+1)
}

// renew gives the nth of the model another expiry.
func (d *orderDuel) renew(n int, expires time.Duration) {
	m := d.sorted[n]
	d.sorted = slices.Delete(d.sorted, n, n+1)
	m.expires = d.stamp(expires)
	m.serial = d.serial
	old := m.ref
	m.ref, _ = d.s.arena.alloc(unitsFor(0, 0)) // as an entry that is renewed gets another record
	r := d.s.arena.at(m.ref)
	r.setExpires(m.expires)
	r.setWord(m.serial, 0, 0)
	r.setSlot(m.slot)
	d.s.order.renew(node{m.expires, m.ref, m.slot})
	d.s.arena.free(old)
	d.put(m)
}

func (d *orderDuel) check() {
	d.Helper()
	if err := d.s.checkOrder(); err != nil {
		d.Fatal(err)
	}
}

// drain pops all, each of which must be the next of the model.
func (d *orderDuel) drain() {
	d.Helper()
	for len(d.sorted) > 0 {
		d.wantFirst()
		d.pop()
	}
	d.wantFirst()
	d.check()
}

// anyExpiry is one of few, or permanent, or of its own.
func anyExpiry(r *rand.Rand) time.Duration {
	switch r.IntN(4) {
	case 0:
		return permanent
	case 1:
		return time.Duration(r.Int64N(1 << 40))
	}
	return time.Duration(r.IntN(5)) << 36
}

// beforeTheWrap is a serial some 3,000 writes before its 40 bits begin anew, which the tests below pass.
const beforeTheWrap = 1<<serialBits - 3_000

func TestTheOrderIsThatOfExpiryAndThenOfSerial(t *testing.T) {
	for _, most := range []int{1, 2, 3, 5, 17, 100, 5_000} {
		for name, serial := range map[string]uint64{"from the first serial": 0, "across the wrap of the serials": beforeTheWrap} {
			t.Run(fmt.Sprintf("up to %d nodes, %s", most, name), func(t *testing.T) {
				d, r := newOrderDuel(t, serial), rand.New(rand.NewPCG(8, uint64(most)))
				for range most * 9 / 10 {
					d.push(anyExpiry(r))
				}
				for step := range 6_000 {
					n := len(d.sorted)
					switch what := r.IntN(16); {
					case what < 6 && n < most:
						d.push(anyExpiry(r))
					case n == 0:
					case what < 9:
						d.pop()
					case what < 10:
						d.remove(r.IntN(n))
					case what < 14:
						d.renew(r.IntN(n), anyExpiry(r))
					default:
						d.wantFirst()
					}
					if step%(most/16+1) == 0 {
						d.check()
					}
				}
				d.drain()
				if slots := int(d.s.order.slots); slots > most {
					t.Errorf("%d slots for %d nodes at most", slots, most)
				}
			})
		}
	}
}

func TestEverythingCanFollowAVictimsRemoval(t *testing.T) {
	for size := 1; size <= 30; size++ {
		for name, next := range map[string]func(d *orderDuel){
			"nothing":                     func(*orderDuel) {},
			"the push of one before all":  func(d *orderDuel) { d.push(0) },
			"the push of one behind all":  func(d *orderDuel) { d.push(permanent) },
			"the push of an equal":        func(d *orderDuel) { d.push(2) },
			"two pushes":                  func(d *orderDuel) { d.push(1); d.push(0) },
			"a look at the next":          func(d *orderDuel) { d.wantFirst() },
			"the removal of the next too": func(d *orderDuel) { d.pop() },
			"the removal of the first":    func(d *orderDuel) { d.remove(0) },
			"the removal of the middle":   func(d *orderDuel) { d.remove(len(d.sorted) / 2) },
			"the removal of the last":     func(d *orderDuel) { d.remove(len(d.sorted) - 1) },
			"a renewal of the first":      func(d *orderDuel) { d.renew(0, 3) },
			"a renewal of the last":       func(d *orderDuel) { d.renew(len(d.sorted)-1, 0) },
			"a renewal of each": func(d *orderDuel) {
				for range d.sorted {
					d.renew(0, permanent)
				}
			},
			"a look for each slot": func(d *orderDuel) {
				for _, want := range d.sorted {
					if got, ok := d.s.order.has(want.slot); !ok || got != want.node {
						d.Fatalf("slot %d has %+v, %v; want %+v", want.slot, got, ok, want.node)
					}
				}
			},
		} {
			t.Run(fmt.Sprintf("from %d nodes, and then %s", size, name), func(t *testing.T) {
				d := newOrderDuel(t, 0)
				for i := range size {
					d.push(time.Duration(1 + i*7%5))
				}
				d.pop()
				d.check() // as it is, hollow
				if len(d.sorted) > 0 {
					next(d)
				}
				d.check()
				d.push(4)
				d.check()
				d.drain()
			})
		}
	}
}

func TestASlotHasANodeFromItsPushToItsRemoval(t *testing.T) {
	d, r := newOrderDuel(t, 0), rand.New(rand.NewPCG(9, 9))
	for range 300 {
		d.push(anyExpiry(r))
	}
	for len(d.sorted) > 0 {
		if r.IntN(2) == 0 {
			d.pop()
		} else {
			d.remove(r.IntN(len(d.sorted)))
		}
		there := map[uint32]node{}
		for _, n := range d.sorted {
			there[n.slot] = n.node
		}
		for slot := range d.s.order.slots {
			want, has := there[slot]
			if got, ok := d.s.order.has(slot); ok != has || ok && got != want {
				t.Fatalf("slot %d has %+v, %v; want %+v, %v", slot, got, ok, want, has)
			}
		}
	}
}

func TestTheOrderGrowsAndShrinksAcrossTheBorderOfAPage(t *testing.T) {
	const border = pagedLen - root // so many nodes fill a page
	d, r := newOrderDuel(t, 0), rand.New(rand.NewPCG(10, 10))
	for range border - 4 {
		d.push(anyExpiry(r))
	}
	for range 40 {
		for range 8 {
			d.push(anyExpiry(r))
		}
		d.check()
		for range 4 {
			d.remove(r.IntN(len(d.sorted)))
			d.pop()
		}
		d.check()
		d.wantFirst()
	}
	ref, slots := d.sorted[0].ref, make([]uint32, 8)
	if n := testing.AllocsPerRun(20, func() {
		for i := range slots {
			slots[i] = d.s.order.newSlot()
			d.s.order.push(node{ref: ref, slot: slots[i]})
		}
		for _, slot := range slots {
			d.s.order.remove(slot)
			d.s.order.releaseSlot(slot)
		}
	}); n != 0 {
		t.Errorf("to and fro across the border of a page allocates %v times", n)
	}
}

func TestAnOrderThatShrankGivesItsPagesBack(t *testing.T) {
	for name, shrink := range map[string]func(o *order){
		"by victims":  func(o *order) { o.pop(); o.settle() },
		"by removals": func(o *order) { o.remove(uint32(o.len - 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			var o order
			for i := range 4 * pagedLen {
				o.push(node{expires: time.Duration(i), slot: o.newSlot()})
			}
			if n := len(o.nodes.pages); n != 5 {
				t.Errorf("%d pages; want 5", n)
			}
			for o.len > 0 {
				shrink(&o)
			}
			if n := len(o.nodes.pages); n > 2 {
				t.Errorf("%d pages for no nodes; want one, and one to spare", n)
			}
		})
	}
}

func TestSerialsAreComparedAcrossTheirWrap(t *testing.T) {
	const end, half = 1 << serialBits, 1 << (serialBits - 1)
	for _, tc := range []struct{ older, younger uint64 }{
		{0, 1},
		{1, 2},
		{end - 2, end - 1},
		{end - 1, end},
		{end - 1, end + 1},
		{end - 1_000_000, end + 1_000_000},
		{0, half - 1},
		{half - 1, half},
		{end - 1, end + half - 2},
		{5*end - 1, 5 * end},
	} {
		var a arena
		a.init()
		o := order{arena: &a}
		record := func(serial uint64) uint32 {
			ref, _ := a.alloc(unitsFor(0, 0))
			a.at(ref).setWord(serial, 0, 0)
			return ref
		}
		first, second := record(tc.older), record(tc.younger)
		if !o.older(first, second) || o.older(second, first) || o.older(first, first) {
			t.Errorf("%#x goes before %#x: %v, and the other way round: %v; want only the former",
				tc.older, tc.younger, o.older(first, second), o.older(second, first))
		}
	}
}

func TestAPagedArrayGivesBackAllPagesButOneToSpare(t *testing.T) {
	var p paged[uint32]
	for _, step := range []struct {
		n     uint32
		pages int
	}{
		{0, 0}, {1, 1}, {pagedLen, 1}, {pagedLen + 1, 2}, {pagedLen, 2},
		{10 * pagedLen, 10}, {9*pagedLen + 1, 10}, {9 * pagedLen, 10}, {8*pagedLen + 1, 10}, {8 * pagedLen, 9},
		{pagedLen + 1, 3}, {pagedLen, 2}, {1, 2}, {0, 1}, {0, 1}, {1, 1}, {2*pagedLen + 1, 3},
	} {
		p.fit(step.n)
		if got := len(p.pages); got != step.pages {
			t.Errorf("%d pages for %d elements; want %d", got, step.n, step.pages)
		}
	}
}

func TestAPagedArrayNeverMovesItsElements(t *testing.T) {
	var p paged[uint32]
	var first []*uint32
	for n := range uint32(20 * pagedLen) {
		if p.fit(n + 1); n%pagedLen == 0 {
			first = append(first, p.at(n))
		}
		*p.at(n) = n
	}
	p.fit(10*pagedLen + 5)
	for n := range uint32(10*pagedLen + 5) {
		if *p.at(n) != n {
			t.Fatalf("element %d is %d", n, *p.at(n))
		}
	}
	for page := range uint32(11) {
		if p.at(page*pagedLen) != first[page] {
			t.Errorf("page %d has moved", page)
		}
	}
	for _, page := range p.pages[len(p.pages):cap(p.pages)] {
		if page != nil {
			t.Error("a page that was given back is still held")
			break
		}
	}
}
