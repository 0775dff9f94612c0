package cache

import (
	"context"
	"encoding/binary"
	"iter"
	"math"
	"math/rand/v2"
	"time"
)

// A marker is an entry for each tag and level of namespace, under a key that is no caller's. It has a number at random: an entry that was
// loaded under another one, or whose marker is gone, is absent. So to invalidate a tag is to delete its marker.
//
//	8  number
//	8  how long the marker is needed (Unix, nanoseconds)
const markerLen = 16

// markerKey is the key of a tag's marker at the level of namespace that has that prefix. No name of a namespace is empty, and
// no key of a caller's has one '@' before what is no name.
func markerKey(scope, tag string) string { return scope + "@:" + tag }

func marker(version uint64, until int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, version), uint64(until))
}

// versionOf is the number in a marker, 0 where there is none.
func versionOf(marker []byte) uint64 {
	if len(marker) != markerLen {
		return 0
	}
	return binary.BigEndian.Uint64(marker)
}

// markerKeys yields the keys of the markers of a tag, from the store's level down.
func markerKeys(scopes []string, tag string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for level, scope := range scopes {
			if !yield(level, markerKey(scope, tag)) {
				return
			}
		}
	}
}

// marked returns the number of the marker under k, whose value is old, or nil if there is none.
func (c *Cache) marked(ctx context.Context, k string, old []byte, needed time.Duration) (version uint64, err error) {
	for range maxTries {
		now := time.Now().UnixNano()
		version = versionOf(old)
		if version != 0 && int64(binary.BigEndian.Uint64(old[8:])) >= after(now, needed) {
			return version, nil
		}
		// Twice as long, so that it is not written for each entry.
		life := Forever
		if needed <= maxLife/2 {
			life = 2 * needed
		}
		done := false
		if old == nil {
			version = max(1, rand.Uint64())
			done, err = c.adder.Add(ctx, k, marker(version, after(now, life)), life)
		} else {
			version = max(1, version)
			done, err = c.swapper.CompareAndSwap(ctx, k, old, marker(version, after(now, life)), life)
		}
		if err != nil || done {
			return version, err
		}
		if old, _, err = c.store.Get(ctx, k); err != nil {
			return 0, err
		}
	}
	return 0, errContended()
}

// after is the time d after now, in Unix nanoseconds.
func after(now int64, d time.Duration) int64 {
	if int64(d) > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + int64(d)
}
