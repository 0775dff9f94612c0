package cache_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// What *Cache costs over the store it holds: the two rows of each name, in one run.
func BenchmarkGet(b *testing.B) {
	s, err := memstore.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	c, err := cache.New(s, nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Set(b.Context(), "key", make([]byte, 128), time.Hour); err != nil {
		b.Fatal(err)
	}
	b.Run("Store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = s.Get(b.Context(), "key")
		}
	})
	into := make([]byte, 0, 128)
	b.Run("append/Store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = s.GetAppend(b.Context(), into, "key")
		}
	})
	b.Run("append/Cache", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = c.GetAppend(b.Context(), into, "key")
		}
	})
	b.Run("Cache", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = c.Get(b.Context(), "key")
		}
	})
}
