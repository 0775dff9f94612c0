package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEachCallersBytesAreHisOwn(t *testing.T) {
	keys := newMemoryKeys(2)
	for _, l := range append(loadBytesLibraries(), loadOverLibraries()...) {
		store := openLoading(t, l)
		given := []byte("value")
		store.set(keys.at(0), given, time.Hour)
		settle(store)
		given[0] = 'G'
		read, found := store.get(keys.at(0))
		if !found || string(read) != "value" {
			t.Errorf("%s: get = %q, %t", l.name, read, found)
			continue
		}
		read[1] = 'R'
		if again, found := store.get(keys.at(0)); !found || string(again) != "value" {
			t.Errorf("%s: after another caller changed what he got, get = %q, %t", l.name, again, found)
		}
		if n := store.entries(); n != 1 {
			t.Errorf("%s: %d entries, want 1", l.name, n)
		}
	}
}

// Else a read that loads would be measured as a hit.
func TestWhatHasToBeLoadedIsNoHit(t *testing.T) {
	keys := newMemoryKeys(2)
	for _, l := range slices.Concat(loadBytesLibraries(), loadItemLibraries(), loadOverLibraries()) {
		store := openLoading(t, l)
		store.set(keys.at(0), []byte("value"), time.Hour)
		settle(store)
		if _, found := store.get(keys.at(0)); !found {
			t.Errorf("%s: what was set is not found", l.name)
		}
		if _, found := store.get(keys.at(1)); found {
			t.Errorf("%s: what was not set is found", l.name)
		}
	}
}

func TestAStructComesOutAsItWasSet(t *testing.T) {
	key := newMemoryKeys(1).at(0)
	store := openLoading(t, loadItemLibraries()[0]).(typedItems)
	store.set(key, nil, time.Hour)
	if item, found, err := store.typed.Get(t.Context(), key); item != itemOf(key) || !found || err != nil {
		t.Errorf("Get = %+v, %t, %v", item, found, err)
	}
	if data := encodedItem(key); !decodedAs(key, data) || decodedAs("another", data) || decodedAs(key, data[1:]) {
		t.Errorf("what %s is decoded as is not told", data)
	}
}

func TestARaceOfHitsFailsOnAMiss(t *testing.T) {
	b := &bench{scale: tiny(), progress: t.Output()}
	forgets := memoryLibrary{"forgetful", library, memoryTraits{}, func(memoryOptions) (memoryStore, error) {
		return forgetful{&lockedMap{entriesByKey: make(map[string][]byte)}}, nil
	}}
	if _, err := b.raceHits(t.Context(), 1, []memoryLibrary{forgets}); err == nil || !strings.Contains(err.Error(), "forgetful") {
		t.Errorf("error %v, want one that names it", err)
	}
}

// forgetful keeps nothing.
type forgetful struct{ *lockedMap }

func (forgetful) set(string, []byte, time.Duration) {}

func openLoading(t *testing.T, l memoryLibrary) memoryStore {
	t.Helper()
	store, err := l.open(memoryOptions{capacity: 1000})
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	t.Cleanup(store.close)
	return store
}
