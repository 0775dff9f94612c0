package filestore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/larder-go/larder/cache"
)

// Each reads entries at random, more than once: their files are mapped.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, b.TempDir(), nil)
			keys := make([]string, min(10_000, 100<<20/size))
			for i := range keys {
				keys[i] = fmt.Sprint("key:", i)
				if err := s.Set(b.Context(), keys[i], make([]byte, size), cache.Forever); err != nil {
					b.Fatal(err)
				}
			}
			get := func(key string) {
				if v, found, err := s.Get(b.Context(), key); !found || err != nil || len(v) != size {
					b.Fatalf("Get = %d bytes, %t, %v", len(v), found, err)
				}
			}
			for _, key := range keys {
				get(key)
				get(key)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				get(keys[rand.IntN(len(keys))])
			}
		})
	}
}
