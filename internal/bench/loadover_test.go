package main

import (
	"testing"
	"time"
)

func TestAReadIsWhatItsNameSays(t *testing.T) {
	key, value := newMemoryKeys(1).at(0), entryValue(memoryValueSize)
	const head = 8 // of what is stored at most, where nothing but the value is known
	for _, l := range loadOverLibraries()[1:] {
		store := openLoading(t, l).(*functionStore)
		store.set(key, value, time.Hour)
		raw, found := store.memstoreStore.get(key)
		if timed := len(raw) > head+len(value); !found || timed != (l.name == "GetOrLoad, StaleFor") {
			t.Errorf("%s: %d bytes are stored, %t", l.name, len(raw), found)
		}
		before := store.events.Load()
		store.get(key)
		if told := store.events.Load() - before; told > 0 != (l.name == "GetOrLoad, OnEvent") {
			t.Errorf("%s: %d events", l.name, told)
		}
	}
}
