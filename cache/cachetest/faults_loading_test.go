package cachetest

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// loadingFaults are those that loads through a cache stumble over.
func loadingFaults() []fault {
	everything := func([]byte) string { return "" }
	return []fault{
		{"CompareAndSwap swaps whatever is there", "a slow load with a lease undoes no write", func(s *sound) cache.Store { return compares{s, everything} }},
		{"CompareAndSwap swaps whatever is there, of another store too", "a slow load with a lease undoes no write of another store", func(s *sound) cache.Store { return compares{s, everything} }},
		{"CompareAndSwap stores where nothing is", "a slow load with a lease undoes no write of another store", func(s *sound) cache.Store { return swapsNothing{s} }},
		{"stores share nothing", "callers of several stores are one load", func(s *sound) cache.Store {
			_ = s.Close()
			own, _ := memstore.New(nil)
			return own
		}},
		{"Get hands out one slice", "many callers of a cold key are one load", func(s *sound) cache.Store { return &sharesSlice{Store: s} }},
		{"what is too large is dropped, and nobody told", "a loaded value is kept whole, or leaves no older one", func(s *sound) cache.Store { return dropsLarge{s} }},
		{"GetMany remembers", "InvalidateTags makes what has the tag a miss", func(s *sound) cache.Store { return &remembers{sound: s, seen: map[string][]byte{}} }},
		{"DeleteMany leaves what is no caller's", "InvalidateTags makes what has the tag a miss", func(s *sound) cache.Store { return deletesOwn{s} }},
		{"DeleteMany deletes what differs in case too", "tags are kept apart byte for byte", func(s *sound) cache.Store { return deletesAlike{s} }},
		{"GetMany remembers what other stores delete", "a second store sees what tags invalidate", func(s *sound) cache.Store {
			return &remembers{sound: s, seen: map[string][]byte{}}
		}},
		{"a swap keeps the lifetime of what it replaces", "a marker outlives what it tags", func(s *sound) cache.Store { return swapKeeps{s} }},
		{"a swap keeps the lifetime of a lease", "every method sees through to a loaded value", func(s *sound) cache.Store { return swapKeeps{s} }},
		{"Add replaces what was loaded", "every method sees through to a loaded value", func(s *sound) cache.Store { return addOverwrites{s} }},
		{"GetAppend begins at the front", "every method sees through to a loaded value", func(s *sound) cache.Store { return overwrites{s} }},
		{"GetAndRenew renews no loaded value", "every method sees through to a loaded value", func(s *sound) cache.Store { return renewsNothing{s} }},
		{"CompareAndSwap swaps nothing that is stale", "what is past its TTL is absent", func(s *sound) cache.Store { return swapsFramesForFrames{s} }},
		{"CompareAndSwap swaps no lease", "a lease is absent", func(s *sound) cache.Store { return swapsFramesForFrames{s} }},
		{"CompareAndSwap swaps no negative marker", "a negative marker is absent", func(s *sound) cache.Store { return swapsFramesForFrames{s} }},
		{"values are made UTF-8", "a value that begins as a frame is a value", func(s *sound) cache.Store {
			return onSet{s, func(v []byte, ttl time.Duration) ([]byte, time.Duration) {
				return []byte(strings.ToValidUTF8(string(v), "?")), ttl
			}}
		}},
		{"CompareAndSwap swaps nothing that looks like a frame", "a value that begins as a frame is compared as a value", func(s *sound) cache.Store { return swapsFramesForFrames{s} }},
	}
}

// A store may hold less than 64 MiB.
func TestAStoreThatRefusesLargeValuesIsAccepted(t *testing.T) {
	accepts(t, "a loaded value is kept whole, or leaves no older one", func() hooks {
		return inMemory(t, func(s *sound) cache.Store { return refusesLarge{s} })
	})
}

type refusesLarge struct{ *sound }

func (f refusesLarge) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > 1<<20 {
		return cache.ErrTooLarge
	}
	return f.sound.Set(ctx, key, value, ttl)
}

// swapsNothing swaps, and stores where there is nothing to swap.
type swapsNothing struct{ *sound }

func (f swapsNothing) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if swapped, err := f.sound.CompareAndSwap(ctx, key, old, value, ttl); err != nil || swapped || ttl == cache.KeepTTL {
		return swapped, err
	}
	return f.Add(ctx, key, value, ttl)
}

type dropsLarge struct{ *sound }

func (f dropsLarge) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if len(value) > 1<<20 {
		return ctx.Err()
	}
	return f.sound.Set(ctx, key, value, ttl)
}

// remembers reads each key once.
type remembers struct {
	*sound
	mu   sync.Mutex
	seen map[string][]byte
}

func (f *remembers) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	found, err := f.sound.GetMany(ctx, keys)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if value, seen := f.seen[key]; seen && err == nil {
			found[key] = value
		}
	}
	maps.Copy(f.seen, found)
	return found, err
}

// deletesOwn deletes what callers have a key for.
type deletesOwn struct{ *sound }

func (f deletesOwn) DeleteMany(ctx context.Context, keys []string) error {
	var own []string
	for _, key := range keys {
		if !strings.HasPrefix(key, "@:") {
			own = append(own, key)
		}
	}
	return f.sound.DeleteMany(ctx, own)
}

// deletesAlike deletes the markers of tags that differ in case too.
type deletesAlike struct{ *sound }

func (f deletesAlike) DeleteMany(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if scope, tag, is := strings.Cut(key, "@:"); is {
			keys = append(keys, scope+"@:"+strings.ToLower(tag), scope+"@:"+strings.ToUpper(tag))
		}
	}
	return f.sound.DeleteMany(ctx, keys)
}

// swapsFramesForFrames takes what Set stores for unequal to what GetOrLoad stores.
type swapsFramesForFrames struct{ *sound }

func (f swapsFramesForFrames) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if bytes.HasPrefix(old, []byte(magic)) && !bytes.HasPrefix(value, []byte(magic)) {
		return false, ctx.Err()
	}
	return f.sound.CompareAndSwap(ctx, key, old, value, ttl)
}
