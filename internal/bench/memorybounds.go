package main

import (
	"sync"
	"time"

	"github.com/puzpuzpuz/xsync/v4"

	"github.com/larder-go/larder/cache"
)

// xsyncStore is a concurrent map and nothing else: what it costs to find a key.
type xsyncStore struct {
	entriesByKey *xsync.Map[string, []byte]
}

func openXsync(memoryOptions) (memoryStore, error) {
	return xsyncStore{xsync.NewMap[string, []byte]()}, nil
}

func (s xsyncStore) get(key string) ([]byte, bool) { return s.entriesByKey.Load(key) }

func (s xsyncStore) set(key string, value []byte, _ time.Duration) { s.entriesByKey.Store(key, value) }

func (s xsyncStore) entries() int { return s.entriesByKey.Size() }

func (s xsyncStore) close() { s.entriesByKey.Clear() }

// lockedMap is the map that everybody writes first.
type lockedMap struct {
	mu           sync.RWMutex
	entriesByKey map[string][]byte
}

func openLockedMap(memoryOptions) (memoryStore, error) {
	return &lockedMap{entriesByKey: make(map[string][]byte)}, nil
}

func (s *lockedMap) get(key string) ([]byte, bool) {
	s.mu.RLock()
	value, found := s.entriesByKey[key]
	s.mu.RUnlock()
	return value, found
}

func (s *lockedMap) set(key string, value []byte, _ time.Duration) {
	s.mu.Lock()
	s.entriesByKey[key] = value
	s.mu.Unlock()
}

func (s *lockedMap) entries() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.entriesByKey)
}

func (s *lockedMap) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.entriesByKey)
}

// scanStore is memstore's order of eviction written in the obvious way: a Set that finds the store full looks at every entry.
type scanStore struct {
	mu           sync.Mutex
	capacity     int
	start        time.Time
	entriesByKey map[string]scanEntry
}

type scanEntry struct {
	value   []byte
	expires time.Duration // since the start
}

func openScan(o memoryOptions) (memoryStore, error) {
	return &scanStore{capacity: o.capacity, start: time.Now(), entriesByKey: make(map[string]scanEntry)}, nil
}

func (s *scanStore) get(key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.entriesByKey[key]
	return e.value, found && time.Since(s.start) < e.expires
}

func (s *scanStore) set(key string, value []byte, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.entriesByKey[key]; !found && len(s.entriesByKey) >= s.capacity {
		s.evict()
	}
	expires := cache.Forever
	if ttl != cache.Forever {
		expires = time.Since(s.start) + ttl
	}
	s.entriesByKey[key] = scanEntry{value, expires}
}

// evict removes the entry with the earliest expiry.
func (s *scanStore) evict() {
	victim, earliest := "", cache.Forever
	for key, e := range s.entriesByKey {
		if e.expires <= earliest {
			victim, earliest = key, e.expires
		}
	}
	delete(s.entriesByKey, victim)
}

func (s *scanStore) entries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entriesByKey)
}

func (s *scanStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.entriesByKey)
}
