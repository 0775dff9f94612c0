package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// loadTTL is the lifetime of all that is loaded. Nothing expires during a run.
const loadTTL = time.Hour

// loadRoom is how many times as many entries fit as there are: nothing is evicted, whatever a library thinks of it.
const loadRoom = 2

// errLoaded is what the loaders of load/hit and load/over return once the store is filled: all that is measured is hits.
var errLoaded = errors.New("a hit was loaded")

func newLoadStore(o memoryOptions) (*memstoreStore, error) {
	return newMemstore(memstore.Options{MaxEntries: loadRoom * o.capacity})
}

// functionStore is read by GetOrLoad, the function. Its loader closes over the key, as a handler's does: that is an allocation a call.
type functionStore struct {
	*memstoreStore

	cache  *cache.Cache
	policy cache.Policy
}

func openFunction(o memoryOptions) (memoryStore, error) {
	below, err := newLoadStore(o)
	if err != nil {
		return nil, err
	}
	c, err := cache.New(below.store, nil)
	if err != nil {
		return nil, err
	}
	return &functionStore{below, c, cache.Policy{TTL: loadTTL}}, nil
}

func (s *functionStore) get(key string) ([]byte, bool) {
	value, err := cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return nil, failed(key) })
	return value, err == nil
}

func (s *functionStore) set(key string, value []byte, _ time.Duration) {
	_, _ = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return value, nil }) // what is lost shows as a miss
}

func failed(key string) error { return fmt.Errorf("%s: %w", key, errLoaded) }

// typedStore is read by GetOrLoad of a Typed, whose keys are those of a namespace.
type typedStore[T any] struct {
	*memstoreStore

	typed cache.Typed[T]
}

func newTyped[T any](o memoryOptions, options ...cache.TypedOption) (typedStore[T], error) {
	below, err := newLoadStore(o)
	if err != nil {
		return typedStore[T]{}, err
	}
	c, err := cache.New(below.store, nil)
	if err != nil {
		return typedStore[T]{}, err
	}
	typed, err := cache.For[T](c, "items", cache.Policy{TTL: loadTTL}, options...)
	return typedStore[T]{below, typed}, err
}

// typedBytes has bytes, by a codec or as they are.
type typedBytes struct{ typedStore[[]byte] }

func openTypedBytes(options ...cache.TypedOption) func(memoryOptions) (memoryStore, error) {
	return func(o memoryOptions) (memoryStore, error) {
		s, err := newTyped[[]byte](o, options...)
		return typedBytes{s}, err
	}
}

func (s typedBytes) get(key string) ([]byte, bool) {
	value, err := s.typed.GetOrLoad(s.ctx, key, func(context.Context) ([]byte, error) { return nil, failed(key) })
	return value, err == nil
}

func (s typedBytes) set(key string, value []byte, _ time.Duration) {
	_ = s.typed.Set(s.ctx, key, value)
}

// sameBytes is the codec that does no work. It keeps what it is given in neither direction, as a codec has to.
type sameBytes struct{}

func (sameBytes) Marshal(v any) ([]byte, error) { return append([]byte(nil), v.([]byte)...), nil }

func (sameBytes) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// loadItem is a small struct, as a handler reads one.
type loadItem struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Price   int64  `json:"price"`
	InStock bool   `json:"inStock"`
}

func itemOf(key string) loadItem {
	return loadItem{ID: key, Name: "Earl Grey, 100 g", Price: 450, InStock: true}
}

// counted is what a store of items returns for one that it has read and for which the loop counts a hit. The loop looks at its length only.
var counted = entryValue(memoryValueSize)

// typedItems has items, by the default codec, which is JSON.
type typedItems struct{ typedStore[loadItem] }

func openTypedItems(o memoryOptions) (memoryStore, error) {
	s, err := newTyped[loadItem](o)
	return typedItems{s}, err
}

func (s typedItems) get(key string) ([]byte, bool) {
	item, err := s.typed.GetOrLoad(s.ctx, key, func(context.Context) (loadItem, error) { return loadItem{}, failed(key) })
	return counted, err == nil && item.ID == key
}

func (s typedItems) set(key string, _ []byte, _ time.Duration) {
	_ = s.typed.Set(s.ctx, key, itemOf(key))
}
