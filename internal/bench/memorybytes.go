package main

import (
	"context"
	"math"
	"time"

	"github.com/VictoriaMetrics/fastcache"
	"github.com/allegro/bigcache/v3"
	"github.com/coocood/freecache"

	"github.com/larder-go/larder/cache"
)

// The libraries here keep bytes in rings that the collector does not look into. Their limit is one of bytes, so they get as many as
// their entries take with the library's own header.
const entryBytes = memoryKeySize + memoryValueSize

// ringBytes is what a ring of so many parts needs so that nearly all of the entries fit, though keys fall into the parts by chance: each has room for
// its share and two standard deviations more.
func ringBytes(capacity, parts, header int) int {
	share := float64(capacity) / float64(parts)
	return int(math.Ceil((share + 2*math.Sqrt(share)) * float64(parts) * float64(entryBytes+header)))
}

// bounded is a store whose limit is one of bytes, by its own count.
type bounded interface {
	bytes() (used, limit int64)
}

// fastcacheStore has no lifetimes. It has 512 rings of whole 64 KiB, so 32 MiB at least, which is 220,000 entries: a smaller limit does not bind.
type fastcacheStore struct{ cache *fastcache.Cache }

func openFastcache(o memoryOptions) (memoryStore, error) {
	const rings, header = 512, 4
	return fastcacheStore{fastcache.New(ringBytes(o.capacity, rings, header))}, nil
}

func (s fastcacheStore) get(key string) ([]byte, bool) { return s.cache.HasGet(nil, bytesOf(key)) }

func (s fastcacheStore) appendTo(dst []byte, key string) ([]byte, bool) {
	return s.cache.HasGet(dst, bytesOf(key))
}

func (s fastcacheStore) set(key string, value []byte, _ time.Duration) {
	s.cache.Set(bytesOf(key), value)
}

func (s fastcacheStore) entries() int { return int(s.stats().EntriesCount) }

func (s fastcacheStore) bytes() (used, limit int64) {
	stats := s.stats()
	return int64(stats.BytesSize), int64(stats.MaxBytesSize)
}

// offHeapBytes are those of the rings that were written to: they are mapped, not allocated.
func (s fastcacheStore) offHeapBytes() int64 { return int64(s.stats().BytesSize) }

func (s fastcacheStore) stats() (stats fastcache.Stats) {
	s.cache.UpdateStats(&stats)
	return stats
}

func (s fastcacheStore) close() { s.cache.Reset() }

// freecacheStore counts lifetimes in whole seconds.
type freecacheStore struct {
	cache *freecache.Cache
	limit int
}

const freecacheHeader = freecache.ENTRY_HDR_SIZE

func openFreecache(o memoryOptions) (memoryStore, error) {
	const segments, least = 256, 512 << 10
	limit := max(ringBytes(o.capacity, segments, freecacheHeader), least)
	return &freecacheStore{freecache.NewCache(limit), limit}, nil
}

func (s *freecacheStore) get(key string) ([]byte, bool) {
	value, err := s.cache.Get(bytesOf(key))
	return value, err == nil
}

// appendTo has the value copied right behind dst where there is room; otherwise the library allocates.
func (s *freecacheStore) appendTo(dst []byte, key string) ([]byte, bool) {
	n := len(dst)
	value, err := s.cache.GetWithBuf(bytesOf(key), dst[n:])
	if err != nil {
		return dst, false
	}
	if cap(dst)-n >= len(value) {
		return dst[:n+len(value)], true
	}
	return append(dst, value...), true
}

func (s *freecacheStore) set(key string, value []byte, ttl time.Duration) {
	seconds := 0 // never
	if ttl != cache.Forever {
		seconds = int(ttl / time.Second)
	}
	_ = s.cache.Set(bytesOf(key), value, seconds)
}

func (s *freecacheStore) entries() int { return int(s.cache.EntryCount()) }

func (s *freecacheStore) bytes() (used, limit int64) {
	return s.cache.EntryCount() * (entryBytes + freecacheHeader), int64(s.limit)
}

func (s *freecacheStore) close() { s.cache.Clear() }

// bigcacheStore has one lifetime for all entries, and no read that does not allocate.
type bigcacheStore struct {
	cache *bigcache.BigCache
	limit int
}

// openBigcache sizes the shards beforehand, as the documentation advises, with 256 entries or more in each, and its 1,024 shards at most.
func openBigcache(o memoryOptions) (memoryStore, error) {
	const header, megabyte = 20, 1 << 20
	config := bigcache.DefaultConfig(memoryLifetime(o))
	for config.Shards > 1 && o.capacity/config.Shards < 256 {
		config.Shards /= 2
	}
	bytes := ringBytes(o.capacity, config.Shards, header)
	config.HardMaxCacheSize = (bytes + megabyte - 1) / megabyte
	config.MaxEntrySize = entryBytes + header
	config.MaxEntriesInWindow = bytes / config.MaxEntrySize
	config.Verbose = false
	c, err := bigcache.New(context.Background(), config)
	return &bigcacheStore{c, config.HardMaxCacheSize * megabyte}, err
}

func (s *bigcacheStore) get(key string) ([]byte, bool) {
	value, err := s.cache.Get(key)
	return value, err == nil
}

func (s *bigcacheStore) set(key string, value []byte, _ time.Duration) { _ = s.cache.Set(key, value) }

func (s *bigcacheStore) entries() int { return s.cache.Len() }

func (s *bigcacheStore) bytes() (used, limit int64) {
	return int64(s.cache.Capacity()), int64(s.limit)
}

func (s *bigcacheStore) close() { _ = s.cache.Close() }

// memoryLifetime is the one for all, in a library that has no other.
func memoryLifetime(o memoryOptions) time.Duration {
	if o.permanent {
		return 100 * 365 * 24 * time.Hour
	}
	return time.Hour
}
