package main

import (
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jellydator/ttlcache/v3"
	gocache "github.com/patrickmn/go-cache"
	"github.com/viccon/sturdyc"

	"github.com/larder-go/larder/cache"
)

// The libraries here keep the caller's slice and hand it out again, behind locks and without a policy beside the calls.

// ttlcacheStore removes what has expired by a goroutine, and a read does not renew the lifetime: the others' don't.
type ttlcacheStore struct {
	cache *ttlcache.Cache[string, []byte]
}

func openTTLCache(o memoryOptions) (memoryStore, error) {
	c := ttlcache.New(
		ttlcache.WithCapacity[string, []byte](uint64(o.capacity)),
		ttlcache.WithDisableTouchOnHit[string, []byte](),
	)
	go c.Start() // until Stop
	return ttlcacheStore{c}, nil
}

func (s ttlcacheStore) get(key string) ([]byte, bool) {
	item := s.cache.Get(key)
	if item == nil {
		return nil, false
	}
	return item.Value(), true
}

func (s ttlcacheStore) set(key string, value []byte, ttl time.Duration) {
	if ttl == cache.Forever {
		ttl = ttlcache.NoTTL
	}
	s.cache.Set(key, value, ttl)
}

func (s ttlcacheStore) entries() int { return s.cache.Len() }

func (s ttlcacheStore) close() {
	s.cache.Stop()
	s.cache.DeleteAll()
}

// golangLRUStore has one lifetime for all entries.
type golangLRUStore struct {
	cache *expirable.LRU[string, []byte]
}

func openGolangLRU(o memoryOptions) (memoryStore, error) {
	var ttl time.Duration // never
	if !o.permanent {
		ttl = memoryLifetime(o)
	}
	return golangLRUStore{expirable.NewLRU[string, []byte](o.capacity, nil, ttl)}, nil
}

func (s golangLRUStore) get(key string) ([]byte, bool) { return s.cache.Get(key) }

func (s golangLRUStore) set(key string, value []byte, _ time.Duration) { s.cache.Add(key, value) }

func (s golangLRUStore) entries() int { return s.cache.Len() }

// close leaves the library's goroutine, which nothing ends.
func (s golangLRUStore) close() { s.cache.Purge() }

// sturdycStore has one lifetime for all entries, and evicts a tenth of a shard when that is full, an overwrite too. Shards and
// percentage are those of the documentation's example.
type sturdycStore struct {
	cache *sturdyc.Client[[]byte]
}

func openSturdyc(o memoryOptions) (memoryStore, error) {
	const shards, percentage = 10, 10
	return sturdycStore{sturdyc.New[[]byte](o.capacity, shards, memoryLifetime(o), percentage)}, nil
}

func (s sturdycStore) get(key string) ([]byte, bool) { return s.cache.Get(key) }

func (s sturdycStore) set(key string, value []byte, _ time.Duration) { s.cache.Set(key, value) }

func (s sturdycStore) entries() int { return s.cache.Size() }

// close leaves the library's goroutine, which nothing ends.
func (s sturdycStore) close() {
	for _, key := range s.cache.ScanKeys() {
		s.cache.Delete(key)
	}
}

// goCacheStore has no limit: with new keys it grows. Its values are interfaces.
type goCacheStore struct{ cache *gocache.Cache }

func openGoCache(memoryOptions) (memoryStore, error) {
	return goCacheStore{gocache.New(gocache.NoExpiration, 10*time.Minute)}, nil
}

func (s goCacheStore) get(key string) ([]byte, bool) {
	value, found := s.cache.Get(key)
	if !found {
		return nil, false
	}
	return value.([]byte), true
}

func (s goCacheStore) set(key string, value []byte, ttl time.Duration) {
	if ttl == cache.Forever {
		ttl = gocache.NoExpiration
	}
	s.cache.Set(key, value, ttl)
}

func (s goCacheStore) entries() int { return s.cache.ItemCount() }

func (s goCacheStore) close() { s.cache.Flush() }
