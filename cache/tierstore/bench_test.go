package tierstore_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/redistest"
)

// BenchmarkHit reads an entry that is near, beside memstore itself.
func BenchmarkHit(b *testing.B) {
	tier := tracked(b, redistest.URL(b), nil)
	near, err := memstore.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = near.Close() })
	value := make([]byte, 128)
	if err := tier.Set(b.Context(), "key", value, time.Hour); err != nil {
		b.Fatal(err)
	}
	if err := near.Set(b.Context(), "key", value, time.Hour); err != nil {
		b.Fatal(err)
	}
	if _, found, err := tier.Get(b.Context(), "key"); !found || err != nil {
		b.Fatalf("Get = %t, %v", found, err)
	}
	for name, get := range map[string]func() bool{
		"Get/tierstore": func() bool {
			_, found, _ := tier.Get(b.Context(), "key")
			return found
		},
		"Get/memstore": func() bool {
			_, found, _ := near.Get(b.Context(), "key")
			return found
		},
		"GetAppend/tierstore": func() bool {
			v, found, _ := tier.GetAppend(b.Context(), value[:0], "key")
			return found && len(v) > 0
		},
		"GetAppend/memstore": func() bool {
			v, found, _ := near.GetAppend(b.Context(), value[:0], "key")
			return found && len(v) > 0
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !get() {
					b.Fatal("a miss")
				}
			}
		})
	}
}
