package main

import (
	"bytes"
	"context"
	"time"

	"github.com/Yiling-J/theine-go"
	"github.com/maypok86/otter/v2"
)

// The loading caches keep Go values and hand out what they keep. Their loaders get the key, so that one serves all calls. Bytes are copied when they are
// set and when they are read: the caller's are his own then, as with ours.

// otterLoading is otter, called with a context that may be cancelled, as ours is.
type otterLoading[T any] struct {
	cache  *otter.Cache[string, T]
	load   otter.LoaderFunc[string, T]
	ctx    context.Context
	cancel context.CancelFunc
}

func newOtterLoading[T any](o memoryOptions) (otterLoading[T], error) {
	c, err := otter.New(&otter.Options[string, T]{
		MaximumSize: loadRoom * o.capacity, ExpiryCalculator: otter.ExpiryWriting[string, T](loadTTL),
	})
	if err != nil {
		return otterLoading[T]{}, err
	}
	load := func(_ context.Context, key string) (none T, err error) { return none, failed(key) }
	ctx, cancel := context.WithCancel(context.Background())
	return otterLoading[T]{c, load, ctx, cancel}, nil
}

func (s otterLoading[T]) entries() int { return s.cache.EstimatedSize() }

func (s otterLoading[T]) settle() { s.cache.CleanUp() }

func (s otterLoading[T]) close() {
	s.cancel()
	s.cache.InvalidateAll()
	s.cache.StopAllGoroutines()
}

type otterBytes struct{ otterLoading[[]byte] }

func openOtterBytes(o memoryOptions) (memoryStore, error) {
	s, err := newOtterLoading[[]byte](o)
	return otterBytes{s}, err
}

func (s otterBytes) get(key string) ([]byte, bool) {
	value, err := s.cache.Get(s.ctx, key, s.load)
	return bytes.Clone(value), err == nil
}

func (s otterBytes) set(key string, value []byte, _ time.Duration) {
	s.cache.Set(key, bytes.Clone(value))
}

// theineLoading is theine, without its doorkeeper.
type theineLoading[T any] struct {
	cache  *theine.LoadingCache[string, T]
	ctx    context.Context
	cancel context.CancelFunc
}

func newTheineLoading[T any](o memoryOptions) (theineLoading[T], error) {
	c, err := theine.NewBuilder[string, T](int64(loadRoom * o.capacity)).BuildWithLoader(
		func(_ context.Context, key string) (none theine.Loaded[T], err error) { return none, failed(key) })
	if err != nil {
		return theineLoading[T]{}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return theineLoading[T]{c, ctx, cancel}, nil
}

func (s theineLoading[T]) entries() int { return s.cache.Len() }

func (s theineLoading[T]) settle() { s.cache.Wait() }

func (s theineLoading[T]) close() {
	s.cancel()
	s.cache.Close()
}

type theineBytes struct{ theineLoading[[]byte] }

func openTheineBytes(o memoryOptions) (memoryStore, error) {
	s, err := newTheineLoading[[]byte](o)
	return theineBytes{s}, err
}

func (s theineBytes) get(key string) ([]byte, bool) {
	value, err := s.cache.Get(s.ctx, key)
	return bytes.Clone(value), err == nil
}

func (s theineBytes) set(key string, value []byte, _ time.Duration) {
	s.cache.SetWithTTL(key, bytes.Clone(value), 1, loadTTL)
}
