package tierstore_test

import (
	"fmt"
	"testing"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestWhatIsNearStaysWithinItsLimits(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	keys := make([]string, 200)
	for i := range keys {
		keys[i] = fmt.Sprint(100 + i)
		if err := other.Set(t.Context(), "cache:"+keys[i], make([]byte, 2000), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		limits memstore.Options
		within func(entries, bytes int64) bool
		full   func(entries, bytes int64) bool
	}{
		{
			"of entries", memstore.Options{MaxEntries: 50},
			func(entries, _ int64) bool { return entries <= 50 },
			func(entries, _ int64) bool { return entries == 50 },
		},
		{
			"of bytes", memstore.Options{MaxBytes: 100 << 10},
			func(_, bytes int64) bool { return bytes <= 100<<10 },
			func(_, bytes int64) bool { return bytes > 90<<10 },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			near, s := over(t, server, &tc.limits)
			full := false
			for _, key := range keys {
				if value, _, err := s.Get(t.Context(), key); len(value) != 2000 || err != nil {
					t.Fatalf("Get(%q) = %d bytes, %v", key, len(value), err)
				}
				stats, err := near.Stats(t.Context())
				if err != nil || !tc.within(stats.Entries, stats.Bytes) {
					t.Fatalf("%d entries of %d bytes are near, %v", stats.Entries, stats.Bytes, err)
				}
				full = tc.full(stats.Entries, stats.Bytes)
			}
			if stats, err := s.Stats(t.Context()); err != nil || stats.Evictions == 0 || !full {
				t.Errorf("Stats = %+v, %v, full: %t; want the evictions near", stats, err, full)
			}
		})
	}
}

func TestAValueAboveOneMebibyteIsServedAndNotKeptNear(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other := redistest.Client(t, server.URL())
	_, s := over(t, server, nil)
	const most = 1 << 20
	size := func(key string) int { // -1 where the two see two values
		value, _, err := s.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		items, err := s.GetMany(t.Context(), []string{key})
		if err != nil {
			t.Fatal(err)
		}
		if len(items[key]) != len(value) {
			return -1
		}
		return len(value)
	}
	for key, n := range map[string]int{"big": most, "bigger": most + 1} {
		if err := other.Set(t.Context(), "cache:"+key, make([]byte, n), 0).Err(); err != nil {
			t.Fatal(err)
		}
		wait.Until(t, func() bool { return size(key) == n })
	}
	keepNear(t, s, other, "big", string(make([]byte, most)))
	for range 10 {
		before := reads(t, other)
		if n := size("bigger"); n != most+1 || reads(t, other) < before+2 {
			t.Errorf("a value of %d bytes is read as %d with %d commands", most+1, n, reads(t, other)-before)
		}
	}
	// What was near goes when it grows.
	if err := other.Append(t.Context(), "cache:big", "more").Err(); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool { return size("big") == most+4 })
}
