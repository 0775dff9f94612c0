package memstore_test

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// wideModel is the contract for stores that are too large for looking at all entries: a heap of those that there are, the next victim first.
// It is of another kind than the store's: its own order of comparison, permanent entries by a flag, and nothing that has expired.
type wideModel struct {
	now       time.Duration
	serial    int
	evictions int64
	entries   []wideEntry // by key
	live      []int       // keys, a heap
}

type wideEntry struct {
	at        int // in the heap; -1: there is no entry
	expires   time.Duration
	permanent bool
	serial    int
	number    int64
	text      int // the length of a value that is no number; -1: it is one
}

func newWideModel(keys int) *wideModel {
	m := &wideModel{entries: make([]wideEntry, keys)}
	for i := range m.entries {
		m.entries[i].at = -1
	}
	return m
}

// Len, Less, Swap, Push and Pop are what container/heap asks for.
func (m *wideModel) Len() int { return len(m.live) }

func (m *wideModel) Less(i, j int) bool {
	a, b := &m.entries[m.live[i]], &m.entries[m.live[j]]
	switch {
	case a.permanent != b.permanent:
		return b.permanent
	case a.permanent:
		return a.serial < b.serial
	}
	return cmp.Or(cmp.Compare(a.expires, b.expires), cmp.Compare(a.serial, b.serial)) < 0
}

func (m *wideModel) Swap(i, j int) {
	m.live[i], m.live[j] = m.live[j], m.live[i]
	m.entries[m.live[i]].at, m.entries[m.live[j]].at = i, j
}

func (m *wideModel) Push(key any) {
	m.live = append(m.live, key.(int))
	m.entries[key.(int)].at = len(m.live) - 1
}

func (m *wideModel) Pop() any {
	key := m.live[len(m.live)-1]
	m.live = m.live[:len(m.live)-1]
	m.entries[key].at = -1
	return key
}

func (m *wideModel) there(key int) bool { return m.entries[key].at >= 0 }

// renew gives the entry another expiry, which counts as setting it now.
func (m *wideModel) renew(key int, ttl time.Duration) {
	e := &m.entries[key]
	m.serial++
	e.serial, e.expires, e.permanent = m.serial, m.now+ttl, ttl == cache.Forever
	heap.Fix(m, e.at)
}

// put stores a value, and tells the victim where it is one too many.
func (m *wideModel) put(key, capacity int, number int64, text int, ttl time.Duration) (victim int) {
	victim = -1
	if !m.there(key) {
		if len(m.live) == capacity {
			victim = heap.Pop(m).(int)
			m.evictions++
		}
		heap.Push(m, key) // where its old expiry puts it, until renew
	}
	m.entries[key].number, m.entries[key].text = number, text
	m.renew(key, ttl)
	return victim
}

func (m *wideModel) remove(key int) {
	if m.there(key) {
		heap.Remove(m, m.entries[key].at)
	}
}

func (m *wideModel) advance(d time.Duration) {
	m.now += d
	for len(m.live) > 0 {
		if first := &m.entries[m.live[0]]; first.permanent || first.expires > m.now {
			return
		}
		heap.Pop(m)
	}
}

func (m *wideModel) ttl(key int) time.Duration {
	switch e := &m.entries[key]; {
	case e.at < 0:
		return 0
	case e.permanent:
		return cache.Forever
	default:
		return e.expires - m.now
	}
}

// wideDuel lets a store and the model do the same.
type wideDuel struct {
	*testing.T
	*wideModel
	s        *memstore.Store
	r        *rand.Rand
	capacity int
	keys     []string
	text     string
	room     []byte
}

// longest is the longest value, in bytes.
const longest = 700

func newWideDuel(t *testing.T, capacity int) *wideDuel {
	d := &wideDuel{T: t, capacity: capacity, r: rand.New(rand.NewPCG(11, uint64(capacity)))}
	d.text, d.room = strings.Repeat("a text of some length, ", longest/20), make([]byte, 0, 2*longest)
	for i := range capacity + capacity/2 + 2 {
		d.keys = append(d.keys, fmt.Sprint("key ", i))
	}
	d.wideModel = newWideModel(len(d.keys))
	s, err := memstore.NewAt(&memstore.Options{MaxEntries: capacity}, func() time.Duration { return d.now })
	if err != nil {
		t.Fatal(err)
	}
	d.s = s
	return d
}

// quantum is the step of the clock, of which it makes one for as many operations, and the unit of most lifetimes: so that many are equal.
func (d *wideDuel) quantum() time.Duration { return time.Duration(d.capacity/16 + 1) }

const longestTTL = 128 // quanta

func (d *wideDuel) ttl() time.Duration {
	switch d.r.IntN(16) {
	case 0:
		return cache.Forever
	case 1, 2, 3, 4, 5:
		return 1 + time.Duration(d.r.Int64N(int64(longestTTL*d.quantum())))
	}
	return time.Duration(1+d.r.IntN(longestTTL)) * d.quantum()
}

func (d *wideDuel) must(op string, err error) {
	if err != nil {
		d.Helper()
		d.Fatalf("%s: %v", op, err)
	}
}

// value returns what the model keeps as number and text.
func (d *wideDuel) value(number int64, text int) []byte {
	if text >= 0 {
		return append(d.room[:0], d.text[:text]...)
	}
	return strconv.AppendInt(d.room[:0], number, 10)
}

func (d *wideDuel) set(key int) {
	number, text, ttl := d.r.Int64N(1_000), -1, d.ttl()
	if d.r.IntN(2) == 0 {
		text = d.r.IntN(1 + d.r.IntN(longest))
	}
	d.must("Set", d.s.Set(d.Context(), d.keys[key], d.value(number, text), ttl))
	d.wantGone(d.put(key, d.capacity, number, text, ttl))
}

// wantGone says that the key has no entry any more.
func (d *wideDuel) wantGone(victim int) {
	if victim < 0 {
		return
	}
	if found, err := d.s.Exists(d.Context(), d.keys[victim]); found || err != nil {
		d.Helper()
		d.Fatalf("%q is there, %v; it is the victim, of %d entries", d.keys[victim], err, len(d.live))
	}
}

func (d *wideDuel) increment(key int) {
	ttl := d.ttl()
	sum, err := d.s.Increment(d.Context(), d.keys[key], 1, ttl)
	e, there := &d.entries[key], d.there(key)
	switch {
	case there && e.text >= 0:
		if !errors.Is(err, cache.ErrNotInteger) {
			d.Fatalf("Increment(%q) = %d, %v; want ErrNotInteger", d.keys[key], sum, err)
		}
		return
	case !there:
		e.number = 0
	case e.permanent:
		ttl = cache.Forever
	default:
		ttl = e.expires - d.now
	}
	if sum != e.number+1 || err != nil {
		d.Fatalf("Increment(%q) = %d, %v; want %d", d.keys[key], sum, err, e.number+1)
	}
	d.wantGone(d.put(key, d.capacity, sum, -1, ttl))
}

func (d *wideDuel) touch(key int) {
	ttl := d.ttl()
	found, err := d.s.Touch(d.Context(), d.keys[key], ttl)
	if found != d.there(key) || err != nil {
		d.Fatalf("Touch(%q) = %t, %v; want %t", d.keys[key], found, err, d.there(key))
	}
	if found {
		d.renew(key, ttl)
	}
}

func (d *wideDuel) step() {
	key := d.r.IntN(len(d.keys))
	switch d.r.IntN(32) {
	case 0:
		d.must("Delete", d.s.Delete(d.Context(), d.keys[key]))
		d.remove(key)
	case 1, 2, 3, 4:
		d.touch(key)
	case 5, 6, 7, 8:
		d.increment(key)
	default:
		d.set(key)
	}
	if d.r.Int64N(int64(d.quantum())) == 0 {
		d.advance(d.quantum())
	}
	if d.r.IntN(50*d.capacity) == 0 { // many expire at once, and lie there until they are swept
		d.advance(64 * d.quantum())
	}
}

// compare looks at the whole contents.
func (d *wideDuel) compare() {
	d.Helper()
	ctx := d.Context()
	for key, name := range d.keys {
		ttl, found, err := d.s.TTL(ctx, name)
		if want := d.wideModel.ttl(key); found != d.there(key) || ttl != want || err != nil {
			d.Fatalf("TTL(%q) = %v, %t, %v; want %v, %t", name, ttl, found, err, want, d.there(key))
		}
		if !found {
			continue
		}
		e := &d.entries[key]
		want := d.value(e.number, e.text)
		got, found, err := d.s.GetAppend(ctx, want[len(want):], name) // into the room behind it
		if !found || err != nil || string(got) != string(want) {
			d.Fatalf("GetAppend(%q) = %q, %t, %v; want %q", name, got, found, err, want)
		}
	}
	st, err := d.s.Stats(ctx)
	if err != nil || st.Evictions != d.evictions || st.Entries < int64(len(d.live)) {
		d.Fatalf("%+v, %v; want %d evictions, and %d entries beside those that have expired", st, err, d.evictions, len(d.live))
	}
}

func TestTheVictimIsExactWhateverTheCapacity(t *testing.T) {
	for _, tc := range []struct{ capacity, steps int }{
		{1, 50_000}, {2, 50_000}, {3, 50_000}, {7, 50_000}, {64, 50_000}, {1_000, 350_000}, {100_000, 410_000},
	} {
		steps := tc.steps
		if raceEnabled { // one goroutine has no races: as much as shows that it runs
			if tc.capacity > 1_000 {
				continue
			}
			steps /= 25
		}
		t.Run(fmt.Sprintf("of %d entries", tc.capacity), func(t *testing.T) {
			d := newWideDuel(t, tc.capacity)
			for step := range steps {
				d.step()
				if (step+1)%min(steps, 10_000) == 0 {
					d.compare()
				}
			}
			wantSound(t, d.s)
			if d.evictions < int64(steps/50) {
				t.Errorf("%d evictions in %d steps", d.evictions, steps)
			}
		})
	}
}
