package main

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
)

// openAll opens a store of every library, the reference's too.
func openAll(t *testing.T, o memoryOptions) map[string]memoryStore {
	t.Helper()
	stores := make(map[string]memoryStore)
	for _, l := range append(memoryLibraries(), scanLibrary()) {
		store, err := l.open(o)
		if err != nil {
			t.Fatalf("%s: %v", l.name, err)
		}
		t.Cleanup(store.close)
		stores[l.name] = store
	}
	return stores
}

func TestEveryStoreReadsWhatWasSetAndNothingElse(t *testing.T) {
	for _, permanent := range []bool{false, true} {
		keys, ttl := newMemoryKeys(2), time.Hour
		if permanent {
			ttl = cache.Forever
		}
		for name, store := range openAll(t, memoryOptions{capacity: 1000, permanent: permanent}) {
			store.set(keys.at(0), []byte("value"), ttl)
			settle(store)
			if value, found := store.get(keys.at(0)); !found || string(value) != "value" {
				t.Errorf("%s, permanent %t: get = %q, %t", name, permanent, value, found)
			}
			if value, found := store.get(keys.at(1)); found || value != nil {
				t.Errorf("%s, permanent %t: get of what was not set = %q, %t", name, permanent, value, found)
			}
			if n := store.entries(); n != 1 {
				t.Errorf("%s, permanent %t: %d entries, want 1", name, permanent, n)
			}
		}
	}
}

func TestWhatALibraryCopiesIsWhatItsTraitsSay(t *testing.T) {
	stores := openAll(t, memoryOptions{capacity: 1000})
	keys := newMemoryKeys(1)
	for _, l := range append(memoryLibraries(), scanLibrary()) {
		store := stores[l.name]
		given := []byte("value")
		store.set(keys.at(0), given, time.Hour)
		settle(store)
		given[0] = 'G'
		read, _ := store.get(keys.at(0))
		if kept := read[0] == 'v'; kept != l.traits.copies {
			t.Errorf("%s: after the caller changed what it set, get = %q; copies is %t", l.name, read, l.traits.copies)
		}
		read[1] = 'R'
		again, _ := store.get(keys.at(0))
		if kept := again[1] == 'a'; kept != l.traits.copies {
			t.Errorf("%s: after the caller changed what it read, get = %q; copies is %t", l.name, again, l.traits.copies)
		}
	}
}

func TestWhatALibraryAppendsIsWhatItsTraitsSay(t *testing.T) {
	stores := openAll(t, memoryOptions{capacity: 1000})
	keys := newMemoryKeys(2)
	for _, l := range append(memoryLibraries(), scanLibrary()) {
		store, ok := stores[l.name].(appender)
		if ok != l.traits.appends {
			t.Errorf("%s: it appends: %t; its traits: %t", l.name, ok, l.traits.appends)
		}
		if !ok {
			continue
		}
		stores[l.name].set(keys.at(0), []byte("value"), time.Hour)
		for _, room := range []int{0, 3, 100} {
			dst := append(make([]byte, 0, 1+room), '<')
			if value, found := store.appendTo(dst, keys.at(0)); !found || string(value) != "<value" {
				t.Errorf("%s: appendTo with room for %d = %q, %t", l.name, room, value, found)
			}
			if value, found := store.appendTo(dst, keys.at(1)); found || string(value) != "<" {
				t.Errorf("%s: appendTo of what was not set = %q, %t", l.name, value, found)
			}
		}
		dst := make([]byte, 0, memoryValueSize)
		if n := testing.AllocsPerRun(100, func() { store.appendTo(dst, keys.at(0)) }); n != 0 {
			t.Errorf("%s: appendTo allocates %v times", l.name, n)
		}
	}
}

func TestWhoseEntriesExpireOneByOneIsWhatTheTraitsSay(t *testing.T) {
	stores := openAll(t, memoryOptions{capacity: 1000})
	keys := newMemoryKeys(2)
	for _, store := range stores {
		store.set(keys.at(0), []byte("short"), time.Second)
		store.set(keys.at(1), []byte("long"), time.Hour)
		settle(store)
	}
	libraries := append(memoryLibraries(), scanLibrary())
	wait.Until(t, func() bool {
		return !slices.ContainsFunc(libraries, func(l memoryLibrary) bool {
			_, found := stores[l.name].get(keys.at(0))
			return l.traits.perKeyTTL && found
		})
	})
	for _, l := range libraries {
		if _, found := stores[l.name].get(keys.at(0)); found == l.traits.perKeyTTL {
			t.Errorf("%s: the short-lived entry is there: %t; a lifetime for each: %t", l.name, found, l.traits.perKeyTTL)
		}
		if _, found := stores[l.name].get(keys.at(1)); !found {
			t.Errorf("%s: the long-lived entry is gone", l.name)
		}
	}
}

func TestALimitIsKeptAsTheTraitsSay(t *testing.T) {
	const capacity = 1000
	stores := openAll(t, memoryOptions{capacity: capacity})
	keys, value := newMemoryKeys(3*capacity), entryValue(memoryValueSize)
	for _, l := range append(memoryLibraries(), scanLibrary()) {
		store, most := stores[l.name], 0
		for i := range 3 * capacity {
			store.set(keys.at(i), value, time.Hour+time.Duration(i%7)*time.Minute)
			most = max(most, store.entries())
		}
		switch l.traits.limit {
		case limitEntries:
			if most > capacity || most < capacity*8/10 {
				t.Errorf("%s: it held up to %d entries, want %d or little less", l.name, most, capacity)
			}
		case limitSoft:
			wait.Until(t, func() bool {
				settle(store)
				return store.entries() <= capacity
			})
		case noLimit:
			if most != 3*capacity {
				t.Errorf("%s: it held up to %d entries, want all: %d", l.name, most, 3*capacity)
			}
		case limitBytes: // below
		}
	}
}

func TestALimitOfBytesIsNotExceededAndLeavesRoomForNearlyAllEntries(t *testing.T) {
	const capacity = 250_000 // more than the least that fastcache has room for
	keys, value := newMemoryKeys(3*capacity), entryValue(memoryValueSize)
	for _, l := range memoryLibraries() {
		if l.traits.limit != limitBytes {
			continue
		}
		store, err := l.open(memoryOptions{capacity: capacity})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 * capacity {
			store.set(keys.at(i), value, time.Hour)
			if i%capacity == capacity-1 {
				if used, limit := store.(bounded).bytes(); used > limit || used == 0 {
					t.Errorf("%s: %d bytes of %d", l.name, used, limit)
				}
			}
			if i == capacity-1 && store.entries() < capacity*99/100 {
				t.Errorf("%s: of %d entries it holds %d", l.name, capacity, store.entries())
			}
		}
		found := 0
		for i := range 3 * capacity {
			if read, ok := store.get(keys.at(i)); ok && bytes.Equal(read, value) {
				found++
			}
		}
		if found < capacity*9/10 || found > 2*capacity {
			t.Errorf("%s: of three times its capacity it holds %d entries, want about %d", l.name, found, capacity)
		}
		store.close()
	}
}

func TestARingHasRoomForItsShareAndTwoDeviations(t *testing.T) {
	const parts, share = 10, 100
	if got, want := ringBytes(parts*share, parts, 12), parts*(share+2*int(math.Sqrt(share)))*(entryBytes+12); got != want {
		t.Errorf("ringBytes = %d, want %d", got, want)
	}
}

func TestTheReferenceEvictsTheEarliestExpiry(t *testing.T) {
	keys := newMemoryKeys(4)
	store, _ := openScan(memoryOptions{capacity: 3})
	for i, ttl := range []time.Duration{3 * time.Hour, time.Hour, cache.Forever} {
		store.set(keys.at(i), nil, ttl)
	}
	store.set(keys.at(0), nil, 2*time.Hour)
	if n := store.entries(); n != 3 {
		t.Errorf("%d entries after an overwrite, want all 3", n)
	}
	store.set(keys.at(3), nil, time.Hour)
	for i, want := range []bool{true, false, true, true} {
		if _, found := store.get(keys.at(i)); found != want {
			t.Errorf("entry %d is there: %t, want %t", i, found, want)
		}
	}
}

func TestAnEventHandlerSeesEveryCallThroughTheHandle(t *testing.T) {
	store, err := openHandle(true)(memoryOptions{capacity: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer store.close()
	key := newMemoryKeys(1).at(0)
	store.set(key, []byte("value"), time.Hour)
	store.get(key)
	store.(appender).appendTo(nil, key)
	if n := store.(*handleStore).events.Load(); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}
