package memstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestAReadReadsTheClockOnceAtMostAndNeverForWhatCannotExpire(t *testing.T) {
	for name, read := range map[string]func(s *memstore.Store, key string){
		"Get":                         func(s *memstore.Store, key string) { _, _, _ = s.Get(t.Context(), key) },
		"GetAppend without room":      func(s *memstore.Store, key string) { _, _, _ = s.GetAppend(t.Context(), nil, key) },
		"GetAppend with room":         func(s *memstore.Store, key string) { _, _, _ = s.GetAppend(t.Context(), make([]byte, 0, 1<<20), key) },
		"GetAppend with little room":  func(s *memstore.Store, key string) { _, _, _ = s.GetAppend(t.Context(), make([]byte, 3, 10), key) },
		"GetAppend of a reused slice": func(s *memstore.Store, key string) { _, _, _ = s.GetAppend(t.Context(), make([]byte, 300), key) },
	} {
		for _, length := range []int{0, 10, 1000, 100_000} {
			for _, tc := range []struct {
				key  string
				want int
			}{{"absent", 0}, {"permanent", 0}, {"live", 1}, {"expired", 1}} {
				now, readings := time.Duration(0), 0
				s, err := memstore.NewAt(nil, func() time.Duration {
					readings++
					return now
				})
				if err != nil {
					t.Fatal(err)
				}
				value := strings.Repeat("v", length)
				set(t, s, "permanent", value, cache.Forever)
				set(t, s, "live", value, time.Hour)
				set(t, s, "expired", value, time.Second)
				now, readings = time.Second, 0
				read(s, tc.key)
				if readings != tc.want {
					t.Errorf("%s of %d bytes, %s: %d readings of the clock; want %d", name, length, tc.key, readings, tc.want)
				}
			}
		}
	}
}
