package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// A hit of GetOrLoad beside the store's own Get.
func BenchmarkHit(b *testing.B) {
	s, err := memstore.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	c := over(b, s)
	value := make([]byte, 128)
	ctx := context.Background()
	load := func(context.Context) ([]byte, error) { return value, nil }
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		_ = s.Set(ctx, "store", value, time.Hour)
		for b.Loop() {
			_, _, _ = s.Get(ctx, "store")
		}
	})
	for name, p := range map[string]cache.Policy{"plain": {}, "stale": {StaleFor: time.Hour}} {
		b.Run("bytes/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = cache.GetOrLoad(ctx, c, name, p, load)
			}
		})
	}
	b.Run("string", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = cache.GetOrLoad(ctx, c, "string", cache.Policy{}, func(context.Context) (string, error) { return "value", nil })
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = cache.GetOrLoad(ctx, c, "json", cache.Policy{}, func(context.Context) (item, error) { return item{ID: "tea", Price: 450}, nil })
		}
	})
}
