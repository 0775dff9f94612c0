package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// memstoreStore is this project's, called as a handler calls it: with a context that may be cancelled.
type memstoreStore struct {
	store  *memstore.Store
	ctx    context.Context
	cancel context.CancelFunc
}

func openMemstore(o memoryOptions) (memoryStore, error) {
	return newMemstore(memstore.Options{MaxEntries: o.capacity})
}

func newMemstore(o memstore.Options) (*memstoreStore, error) {
	store, err := memstore.New(&o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &memstoreStore{store, ctx, cancel}, nil
}

func (s *memstoreStore) get(key string) ([]byte, bool) {
	value, found, _ := s.store.Get(s.ctx, key)
	return value, found
}

func (s *memstoreStore) appendTo(dst []byte, key string) ([]byte, bool) {
	value, found, _ := s.store.GetAppend(s.ctx, dst, key)
	return value, found
}

func (s *memstoreStore) set(key string, value []byte, ttl time.Duration) {
	_ = s.store.Set(s.ctx, key, value, ttl) // what is lost shows as a miss
}

func (s *memstoreStore) entries() int {
	stats, _ := s.store.Stats(s.ctx)
	return int(stats.Entries)
}

func (s *memstoreStore) close() {
	s.cancel()
	_ = s.store.Close()
}

// handleStore is a memstore behind the handle that handlers hold.
type handleStore struct {
	*memstoreStore

	cache  *cache.Cache
	events atomic.Int64
}

// openHandle returns a store behind a handle. With events it counts them, as a metric would.
func openHandle(events bool) func(memoryOptions) (memoryStore, error) {
	return func(o memoryOptions) (memoryStore, error) {
		below, err := newMemstore(memstore.Options{MaxEntries: o.capacity})
		if err != nil {
			return nil, err
		}
		s := &handleStore{memstoreStore: below}
		var options cache.Options
		if events {
			options.OnEvent = func(cache.Event) { s.events.Add(1) }
		}
		if s.cache, err = cache.New(below.store, &options); err != nil {
			return nil, err
		}
		return s, nil
	}
}

func (s *handleStore) get(key string) ([]byte, bool) {
	value, found, _ := s.cache.Get(s.ctx, key)
	return value, found
}

func (s *handleStore) appendTo(dst []byte, key string) ([]byte, bool) {
	value, found, _ := s.cache.GetAppend(s.ctx, dst, key)
	return value, found
}

func (s *handleStore) set(key string, value []byte, ttl time.Duration) {
	_ = s.cache.Set(s.ctx, key, value, ttl)
}
