package lineartest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// Stores in memory, each with one fault. Where one does in two steps what must be one, it lets others in between.

// checksThenSets adds in two steps.
type checksThenSets struct{ *memstore.Store }

func (s checksThenSets) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if found, err := s.Exists(ctx, key); found || err != nil {
		return false, err
	}
	runtime.Gosched()
	return true, s.Set(ctx, key, value, ttl)
}

// getsThenSets increments in two steps.
type getsThenSets struct{ *memstore.Store }

func (s getsThenSets) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	value, found, err := s.Get(ctx, key)
	sum := delta
	if found && err == nil {
		sum, err = cache.Sum(value, delta)
	}
	if err != nil {
		return 0, err
	}
	runtime.Gosched()
	return sum, s.Set(ctx, key, strconv.AppendInt(nil, sum, 10), ttl)
}

// comparesThenSets swaps in two steps.
type comparesThenSets struct{ *memstore.Store }

func (s comparesThenSets) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if stored, found, err := s.Get(ctx, key); err != nil || !found || !bytes.Equal(stored, old) {
		return false, err
	}
	runtime.Gosched()
	return true, s.Set(ctx, key, value, ttl)
}

// comparesThenDeletes deletes what it has compared in two steps.
type comparesThenDeletes struct{ *memstore.Store }

func (s comparesThenDeletes) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	if stored, found, err := s.Get(ctx, key); err != nil || !found || !bytes.Equal(stored, old) {
		return false, err
	}
	runtime.Gosched()
	return true, s.Delete(ctx, key)
}

// getsThenRenews stores again what it has read.
type getsThenRenews struct{ *memstore.Store }

func (s getsThenRenews) GetAndRenew(ctx context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	value, found, err := s.Get(ctx, key)
	if err != nil || !found {
		return nil, false, err
	}
	runtime.Gosched()
	return value, true, s.Set(ctx, key, value, ttl)
}

// getsThenTouches does so too.
type getsThenTouches struct{ *memstore.Store }

func (s getsThenTouches) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	_, found, err := getsThenRenews(s).GetAndRenew(ctx, key, ttl)
	return found, err
}

// countsText takes what is no number for 0.
type countsText struct{ *memstore.Store }

func (s countsText) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	sum, err := s.Store.Increment(ctx, key, delta, ttl)
	if errors.Is(err, cache.ErrNotInteger) {
		return delta, s.Set(ctx, key, strconv.AppendInt(nil, delta, 10), ttl)
	}
	return sum, err
}

// wrapsAround counts past int64.
type wrapsAround struct{ *memstore.Store }

func (s wrapsAround) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	sum, err := s.Store.Increment(ctx, key, delta, ttl)
	if errors.Is(err, cache.ErrOverflow) {
		return delta, s.Set(ctx, key, strconv.AppendInt(nil, delta, 10), ttl)
	}
	return sum, err
}

// sometimes is true at every so many calls.
type sometimes struct {
	every int

	mu    sync.Mutex
	calls int
}

func (s *sometimes) now() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	return s.calls%s.every == 0
}

// remembers sometimes serves a value that it has served before.
type remembers struct {
	*memstore.Store
	again  *sometimes
	values *sync.Map
}

func (s remembers) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if old, ok := s.values.Load(key); ok && s.again.now() {
		return bytes.Clone(old.([]byte)), true, nil
	}
	value, found, err := s.Store.Get(ctx, key)
	if found {
		s.values.Store(key, bytes.Clone(value))
	}
	return value, found, err
}

// remembersMany does so for batches only.
type remembersMany struct{ remembers }

func (s remembersMany) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return s.Store.Get(ctx, key)
}

func (s remembersMany) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	items := make(map[string][]byte)
	for _, key := range keys {
		value, found, err := s.remembers.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if found {
			items[key] = value
		}
	}
	return items, nil
}

// losesSets sometimes stores nothing under keys that end so.
type losesSets struct {
	*memstore.Store
	lost *sometimes
	end  string
}

func (s losesSets) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if strings.HasSuffix(key, s.end) && s.lost.now() {
		return nil
	}
	return s.Store.Set(ctx, key, value, ttl)
}

// losesDeletes sometimes deletes nothing.
type losesDeletes struct {
	*memstore.Store
	lost *sometimes
}

func (s losesDeletes) DeleteMany(ctx context.Context, keys []string) error {
	if s.lost.now() {
		return nil
	}
	return s.Store.DeleteMany(ctx, keys)
}

// losesClears sometimes clears nothing.
type losesClears struct {
	*memstore.Store
	lost *sometimes
}

func (s losesClears) Clear(ctx context.Context, prefix string) error {
	if s.lost.now() {
		return nil
	}
	return s.Store.Clear(ctx, prefix)
}

// delays is a store some of whose writes are executed when three more reads have begun.
type delays struct {
	*memstore.Store
	mu      sync.Mutex
	delayed []delayed
}

type delayed struct {
	reads int // how many are left
	write func() error
}

func (s *delays) later(write func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delayed = append(s.delayed, delayed{reads: 3, write: write})
	return nil
}

func (s *delays) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.catchUp(); err != nil {
		return nil, false, err
	}
	return s.Store.Get(ctx, key)
}

func (s *delays) catchUp() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.delayed {
		s.delayed[i].reads--
	}
	if len(s.delayed) == 0 || s.delayed[0].reads > 0 {
		return nil
	}
	first := s.delayed[0]
	s.delayed = s.delayed[1:]
	return first.write()
}

// deletesLater, clearsLater and setsManyLater are for one kind of write each.
type (
	deletesLater  struct{ *delays }
	clearsLater   struct{ *delays }
	setsManyLater struct{ *delays }
)

func (s deletesLater) Delete(ctx context.Context, key string) error {
	return s.later(func() error { return s.Store.Delete(ctx, key) })
}

func (s clearsLater) Clear(ctx context.Context, prefix string) error {
	return s.later(func() error { return s.Store.Clear(ctx, prefix) })
}

func (s setsManyLater) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	copied := make(map[string][]byte)
	for key, value := range items {
		copied[key] = bytes.Clone(value)
	}
	return s.later(func() error { return s.Store.SetMany(ctx, copied, ttl) })
}

// refuses is a store that cannot be read.
type refuses struct {
	*memstore.Store
	why error
}

func (s refuses) Get(context.Context, string) ([]byte, bool, error) { return nil, false, s.why }
