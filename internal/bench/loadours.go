package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// loadTTL is the lifetime of all that is loaded. Nothing expires during a run.
const loadTTL = time.Hour

// loadRoom is how many times as many entries fit as there are: nothing is evicted, whatever a library thinks of it.
const loadRoom = 2

// errLoaded is what the loaders of load/hit and load/over return once the store is filled: all that is measured are hits.
var errLoaded = errors.New("a hit was loaded")

// roomy are the options with that room.
func roomy(o memoryOptions) memoryOptions {
	o.capacity *= loadRoom
	return o
}

func openRoomy(o memoryOptions) (memoryStore, error) { return openMemstore(roomy(o)) }

func failed(key string) error { return fmt.Errorf("%s: %w", key, errLoaded) }

// functionStore is read by GetOrLoad, the function.
type functionStore struct {
	*handleStore

	policy  cache.Policy
	closure bool // each call makes a loader that knows the key, as a handler does: that is an allocation
}

func openFunction(events, closure bool, p cache.Policy) func(memoryOptions) (memoryStore, error) {
	return func(o memoryOptions) (memoryStore, error) {
		s, err := openHandle(events)(roomy(o))
		if err != nil {
			return nil, err
		}
		return &functionStore{s.(*handleStore), p, closure}, nil
	}
}

func (s *functionStore) get(key string) (value []byte, found bool) {
	var err error
	if s.closure {
		value, err = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return nil, failed(key) })
	} else {
		value, err = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, loadNothing)
	}
	return value, err == nil
}

func loadNothing(context.Context) ([]byte, error) { return nil, errLoaded }

func (s *functionStore) set(key string, value []byte, _ time.Duration) {
	_, _ = cache.GetOrLoad(s.ctx, s.cache, key, s.policy, func(context.Context) ([]byte, error) { return value, nil }) // what is lost shows as a miss
}

// typedStore is read by GetOrLoad of a Typed, whose keys are those of a namespace.
type typedStore[T any] struct {
	*handleStore

	typed cache.Typed[T]
}

func newTyped[T any](o memoryOptions, options ...cache.TypedOption) (typedStore[T], error) {
	s, err := openHandle(false)(roomy(o))
	if err != nil {
		return typedStore[T]{}, err
	}
	below := s.(*handleStore)
	typed, err := cache.For[T](below.cache, "items", cache.Policy{TTL: loadTTL}, options...)
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
	value, err := s.typed.GetOrLoad(s.ctx, key, loadNothing)
	return value, err == nil
}

func (s typedBytes) set(key string, value []byte, _ time.Duration) {
	_ = s.typed.Set(s.ctx, key, value)
}

// sameBytes is the codec that does no work. What it is given back it keeps, as a codec may.
type sameBytes struct{}

func (sameBytes) Marshal(v any) ([]byte, error) { return append([]byte(nil), v.([]byte)...), nil }

func (sameBytes) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}
