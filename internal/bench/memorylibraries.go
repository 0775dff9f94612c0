package main

import (
	"math"
	"time"

	"github.com/Yiling-J/theine-go"
	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"

	"github.com/larder-go/larder/cache"
)

// The libraries here keep the caller's slice and hand it out again. What they evict follows from how often and how lately entries were
// used, which they find out beside the calls: their limit is exceeded for an instant, and a Set may be undone.

// otterStore holds each entry's lifetime beside its value, where the calculator that otter asks finds it: one call a write.
type otterStore struct {
	cache *otter.Cache[string, otterValue]
}

type otterValue struct {
	bytes []byte
	ttl   time.Duration
}

func openOtter(o memoryOptions) (memoryStore, error) {
	options := &otter.Options[string, otterValue]{MaximumSize: o.capacity}
	if !o.permanent {
		options.ExpiryCalculator = otter.ExpiryWritingFunc(func(e otter.Entry[string, otterValue]) time.Duration { return e.Value.ttl })
	}
	c, err := otter.New(options)
	return otterStore{c}, err
}

func (s otterStore) get(key string) ([]byte, bool) {
	value, found := s.cache.GetIfPresent(key)
	return value.bytes, found
}

func (s otterStore) set(key string, value []byte, ttl time.Duration) {
	s.cache.Set(key, otterValue{value, ttl})
}

func (s otterStore) entries() int { return s.cache.EstimatedSize() }

func (s otterStore) settle() { s.cache.CleanUp() }

func (s otterStore) close() {
	s.cache.InvalidateAll()
	s.cache.StopAllGoroutines()
}

// theineStore is the library without its doorkeeper, which would refuse the first Set of each key.
type theineStore struct {
	cache *theine.Cache[string, []byte]
}

func openTheine(o memoryOptions) (memoryStore, error) {
	c, err := theine.NewBuilder[string, []byte](int64(o.capacity)).Build()
	return theineStore{c}, err
}

func (s theineStore) get(key string) ([]byte, bool) { return s.cache.Get(key) }

func (s theineStore) set(key string, value []byte, ttl time.Duration) {
	s.cache.SetWithTTL(key, value, 1, zeroForever(ttl))
}

func (s theineStore) entries() int { return s.cache.Len() }

func (s theineStore) settle() { s.cache.Wait() }

func (s theineStore) close() { s.cache.Close() }

// ristrettoStore counts entries, as the others do. It drops a Set while its queue is full, and keeps no keys, only their hashes.
type ristrettoStore struct {
	cache *ristretto.Cache[string, []byte]
}

func openRistretto(o memoryOptions) (memoryStore, error) {
	c, err := ristretto.NewCache(&ristretto.Config[string, []byte]{
		NumCounters: 10 * int64(o.capacity), MaxCost: int64(o.capacity), BufferItems: 64, IgnoreInternalCost: true,
	})
	return ristrettoStore{c}, err
}

func (s ristrettoStore) get(key string) ([]byte, bool) { return s.cache.Get(key) }

func (s ristrettoStore) set(key string, value []byte, ttl time.Duration) {
	s.cache.SetWithTTL(key, value, 1, zeroForever(ttl))
}

func (s ristrettoStore) entries() int { return int(s.cache.MaxCost() - s.cache.RemainingCost()) }

func (s ristrettoStore) settle() { s.cache.Wait() }

func (s ristrettoStore) close() { s.cache.Close() }

// zeroForever is the lifetime for a library to which none is zero.
func zeroForever(ttl time.Duration) time.Duration {
	if ttl == cache.Forever {
		return 0
	}
	return min(ttl, math.MaxInt64/4) // they add it to the time
}
