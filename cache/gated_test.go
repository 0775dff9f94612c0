package cache_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// gated is a memory store with gates: a value that has one is on its way to the store until that is opened.
type gated struct {
	*memstore.Store

	mu    sync.Mutex
	gates map[string]chan struct{}
}

// overGates returns a cache over a gated store of its own, which is closed with the test.
func overGates(t *testing.T) (*cache.Cache, *gated) {
	t.Helper()
	m, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &gated{Store: m, gates: map[string]chan struct{}{}}
	c := over(t, s)
	t.Cleanup(func() { _ = c.Close() })
	return c, s
}

// shut keeps value, in a frame or by itself, from the store until open is called.
func (s *gated) shut(value string) (open func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gates[value] = gate
	return func() { close(gate) }
}

// pass returns when the gate of value is open, if it has one. What is framed ends with the value.
func (s *gated) pass(value []byte) {
	s.mu.Lock()
	var gate chan struct{}
	for end, g := range s.gates {
		if bytes.HasSuffix(value, []byte(end)) {
			gate = g
		}
	}
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (s *gated) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.pass(value)
	return s.Store.Set(ctx, key, value, ttl)
}

// SetMany sets one after the other, in the order of their keys.
func (s *gated) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	for _, key := range slices.Sorted(maps.Keys(items)) {
		if err := s.Set(ctx, key, items[key], ttl); err != nil {
			return err
		}
	}
	return nil
}

func (s *gated) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	s.pass(value)
	return s.Store.Add(ctx, key, value, ttl)
}

func (s *gated) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	s.pass(value)
	return s.Store.CompareAndSwap(ctx, key, old, value, ttl)
}

// write is a way to write the key "k", and what is there afterwards: nothing, or "written".
type write struct {
	name string
	do   func(ctx context.Context, c *cache.Cache) error
	gone bool
}

func writes() []write {
	return []write{
		{"a Set", func(ctx context.Context, c *cache.Cache) error { return c.Set(ctx, "k", []byte("written"), time.Hour) }, false},
		aSetMany(),
		aDelete(),
		{"a DeleteMany", func(ctx context.Context, c *cache.Cache) error { return c.DeleteMany(ctx, []string{"k", "l"}) }, true},
		{"a Clear", func(ctx context.Context, c *cache.Cache) error { return c.Clear(ctx) }, true},
	}
}

// aSetMany sets another key after "k".
func aSetMany() write {
	return write{"a SetMany", func(ctx context.Context, c *cache.Cache) error {
		return c.SetMany(ctx, map[string][]byte{"k": []byte("written"), "l": []byte("last")}, time.Hour)
	}, false}
}

func aDelete() write {
	return write{"a Delete", func(ctx context.Context, c *cache.Cache) error { return c.Delete(ctx, "k") }, true}
}

// anAdd writes only where nothing is, and it is an error that something was.
func anAdd() write {
	return write{"an Add", func(ctx context.Context, c *cache.Cache) error {
		stored, err := c.Add(ctx, "k", []byte("written"), time.Hour)
		if err == nil && !stored {
			err = errors.New("there was an entry")
		}
		return err
	}, false}
}

func (w write) isThere(t *testing.T, c *cache.Cache) {
	t.Helper()
	if w.gone {
		wantAbsent(t, c, "k")
	} else {
		wantStored(t, c, "k", "written")
	}
}

// writing is a write that is under way.
type writing struct {
	err  error
	done chan struct{}
}

func (w write) begin(ctx context.Context, c *cache.Cache) *writing {
	under := &writing{done: make(chan struct{})}
	go func() {
		defer close(under.done)
		under.err = w.do(ctx, c)
	}()
	synctest.Wait()
	return under
}

func (w *writing) waits(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-w.done:
		t.Errorf("the write has ended with %v; want it to wait", w.err)
	default:
	}
}

func (w *writing) ends(t *testing.T, want error) {
	t.Helper()
	if <-w.done; !errors.Is(w.err, want) {
		t.Errorf("the write ended with %v; want %v", w.err, want)
	}
}
