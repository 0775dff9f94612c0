package memstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestInTheSteadyStateNothingIsAllocatedBy(t *testing.T) {
	const capacity = 1000
	value := make([]byte, 128)
	keys := make([]string, 4*capacity)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%016d", i)
	}
	ctx, into := t.Context(), make([]byte, 0, 4096)
	ttl := func(i int) time.Duration { return time.Hour + time.Duration(i%977)*time.Minute }
	for _, tc := range []struct {
		name string
		do   func(s *memstore.Store, i int) error
		want float64
	}{
		{"GetAppend of a hit", func(s *memstore.Store, i int) error {
			_, _, err := s.GetAppend(ctx, into, keys[i%capacity])
			return err
		}, 0},
		{"GetAppend of a miss", func(s *memstore.Store, _ int) error {
			_, _, err := s.GetAppend(ctx, into, "absent")
			return err
		}, 0},
		{"Exists", func(s *memstore.Store, i int) error {
			_, err := s.Exists(ctx, keys[i%capacity])
			return err
		}, 0},
		{"TTL", func(s *memstore.Store, i int) error {
			_, _, err := s.TTL(ctx, keys[i%capacity])
			return err
		}, 0},
		{"Set of a new key at capacity", func(s *memstore.Store, i int) error {
			return s.Set(ctx, keys[i%len(keys)], value, ttl(i))
		}, 0},
		{"Set of a permanent new key at capacity", func(s *memstore.Store, i int) error {
			return s.Set(ctx, keys[i%len(keys)], value, cache.Forever)
		}, 0},
		{"an overwrite", func(s *memstore.Store, i int) error { return s.Set(ctx, keys[7], value, ttl(i)) }, 0},
		{"an overwrite of another length", func(s *memstore.Store, i int) error {
			return s.Set(ctx, keys[7], value[:i%len(value)], ttl(i))
		}, 0},
		{"Touch", func(s *memstore.Store, i int) error {
			_, err := s.Touch(ctx, keys[7], ttl(i))
			return err
		}, 0},
		{"CompareAndSwap", func(s *memstore.Store, i int) error {
			_, err := s.CompareAndSwap(ctx, keys[7], value, value, ttl(i))
			return err
		}, 0},
		{"Delete and Add", func(s *memstore.Store, i int) error {
			if err := s.Delete(ctx, keys[7]); err != nil {
				return err
			}
			_, err := s.Add(ctx, keys[7], value, ttl(i))
			return err
		}, 0},
		{"Get, but the copy", func(s *memstore.Store, i int) error {
			_, _, err := s.Get(ctx, keys[i%capacity])
			return err
		}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, &memstore.Options{MaxEntries: capacity})
			for i := range keys { // more than it holds: what grows has grown
				if err := s.Set(ctx, keys[i], value, ttl(i)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range capacity {
				if err := s.Set(ctx, keys[i], value, 1000*time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			i := 0
			one := func() {
				i++
				if err := tc.do(s, i); err != nil {
					t.Fatal(err)
				}
			}
			for range 4 * len(keys) {
				one()
			}
			if got := testing.AllocsPerRun(4*len(keys), one); got != tc.want {
				t.Errorf("%v allocations; want %v", got, tc.want)
			}
		})
	}
}
