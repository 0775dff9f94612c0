package main

import (
	"fmt"
	"time"
)

// A memoryStore is a cache in this process, seen in the same way as all the others. Its methods may be called by several goroutines at once.
type memoryStore interface {
	// get returns the value as the library's ordinary read does, whose memory may be the library's.
	get(key string) (value []byte, found bool)
	// set passes the key and the value on as they are; the library may keep both. cache.Forever is no expiry. A library with one lifetime for all
	// ignores ttl.
	set(key string, value []byte, ttl time.Duration)
	// entries is how many there are by the library's own count.
	entries() int
	close()
}

// An appender is a store that reads into memory of the caller's.
type appender interface {
	appendTo(dst []byte, key string) (value []byte, found bool)
}

// A settler is a store whose writes take effect later; settle waits for that.
type settler interface{ settle() }

// An offHeap is a store with memory that the collector does not know of.
type offHeap interface{ offHeapBytes() int64 }

// memoryTraits are what a library does, where they differ. Its tests prove each.
type memoryTraits struct {
	copies    bool // set keeps a copy, get returns one
	appends   bool // it reads into memory of the caller's
	perKeyTTL bool
	limit     memoryLimit
}

// memoryLimit says what a library never exceeds.
type memoryLimit string

const (
	limitEntries memoryLimit = "entries"       // never, not for an instant
	limitBytes   memoryLimit = "bytes"         // so too, but of bytes
	limitSoft    memoryLimit = "entries, soft" // for an instant, until it has caught up
	noLimit      memoryLimit = "none"
)

// memoryKind says what a contender stands for.
type memoryKind int

const (
	ours      memoryKind = iota
	library              // what a user may choose instead
	boundary             // no cache: neither lifetime nor limit. It shows what there is to gain
	reference            // the obvious way to write what ours does
)

// A memoryLibrary is a contender of the memory comparisons.
type memoryLibrary struct {
	name   string
	kind   memoryKind
	traits memoryTraits
	open   func(o memoryOptions) (memoryStore, error)
}

// memoryOptions are what every library is told, as far as it can be.
type memoryOptions struct {
	capacity  int  // entries; where the limit is one of bytes, those that so many entries take
	permanent bool // no entry expires: a library that then does without lifetimes shall
}

// memoryLibraries are all contenders but the reference, ours first.
func memoryLibraries() []memoryLibrary {
	owned := memoryTraits{copies: true, appends: true, perKeyTTL: true, limit: limitEntries}
	return []memoryLibrary{
		{"memstore", ours, owned, openMemstore},
		{"fastcache", library, memoryTraits{copies: true, appends: true, limit: limitBytes}, openFastcache},
		{"freecache", library, memoryTraits{copies: true, appends: true, perKeyTTL: true, limit: limitBytes}, openFreecache},
		{"bigcache", library, memoryTraits{copies: true, limit: limitBytes}, openBigcache},
		{"otter", library, memoryTraits{perKeyTTL: true, limit: limitSoft}, openOtter},
		{"theine", library, memoryTraits{perKeyTTL: true, limit: limitSoft}, openTheine},
		{"ristretto", library, memoryTraits{perKeyTTL: true, limit: limitSoft}, openRistretto},
		{"ttlcache", library, memoryTraits{perKeyTTL: true, limit: limitEntries}, openTTLCache},
		{"golang-lru", library, memoryTraits{limit: limitEntries}, openGolangLRU},
		{"sturdyc", library, memoryTraits{limit: limitEntries}, openSturdyc},
		{"go-cache", library, memoryTraits{perKeyTTL: true, limit: noLimit}, openGoCache},
		{"xsync.Map", boundary, memoryTraits{limit: noLimit}, openXsync},
		{"map, RWMutex", boundary, memoryTraits{limit: noLimit}, openLockedMap},
	}
}

// scanLibrary is the reference for eviction in the order of expiry.
func scanLibrary() memoryLibrary {
	return memoryLibrary{"O(n) scan", reference, memoryTraits{perKeyTTL: true, limit: limitEntries}, openScan}
}

func findMemoryLibrary(name string) (memoryLibrary, error) {
	for _, l := range append(memoryLibraries(), scanLibrary()) {
		if l.name == name {
			return l, nil
		}
	}
	return memoryLibrary{}, fmt.Errorf("there is no store %q", name)
}

// settle waits until what was set is in effect.
func settle(s memoryStore) {
	if s, ok := s.(settler); ok {
		s.settle()
	}
}
