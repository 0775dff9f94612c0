package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/memstore"
)

func BenchmarkGetHit(b *testing.B) {
	s, keys := full(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, found, _ := s.Get(b.Context(), keys[i%len(keys)]); !found {
			b.Fatal("a miss")
		}
	}
}

func BenchmarkGetAppendHit(b *testing.B) {
	s, keys := full(b, 10_000)
	into := make([]byte, 0, 128)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, found, _ := s.GetAppend(b.Context(), into, keys[i%len(keys)]); !found {
			b.Fatal("a miss")
		}
	}
}

func BenchmarkIncrement(b *testing.B) {
	s, _ := full(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Increment(b.Context(), "number", 1, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

// Setting a new key in a full store must not grow with the store: each size is a row.
func BenchmarkSetNewKeyAtCapacity(b *testing.B) {
	for _, capacity := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(capacity), func(b *testing.B) {
			s, keys := full(b, capacity)
			value := make([]byte, 128)
			fresh := make([]string, len(keys))
			for i := range fresh {
				fresh[i] = "new" + keys[i][len("key"):] // as long, or its record would need another room
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				set := fresh
				if i/len(keys)%2 == 1 {
					set = keys
				}
				if err := s.Set(b.Context(), set[i%len(keys)], value, time.Hour); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func full(b *testing.B, capacity int) (*memstore.Store, []string) {
	b.Helper()
	s, err := memstore.New(&memstore.Options{MaxEntries: capacity})
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]string, capacity)
	for i := range keys {
		keys[i] = fmt.Sprintf("key:%016d", i)
		if err := s.Set(b.Context(), keys[i], make([]byte, 128), time.Duration(i+1)*time.Hour); err != nil {
			b.Fatal(err)
		}
	}
	return s, keys
}

// How long the janitor keeps the lock when a million entries have expired at once: each handful is timed, with nobody else there.
func BenchmarkJanitor(b *testing.B) {
	const n = 1_000_000
	var visits []time.Duration
	for b.Loop() {
		b.StopTimer()
		now := time.Duration(0)
		s, err := memstore.NewAt(&memstore.Options{MaxEntries: n}, func() time.Duration { return now })
		if err != nil {
			b.Fatal(err)
		}
		for i := range n {
			// Random among themselves, and all over a second later.
			if err := s.Set(b.Context(), fmt.Sprintf("key:%016d", i), make([]byte, 128), time.Duration(rand.Int64N(int64(time.Second)))); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		now = time.Second
		b.StartTimer()
		for range n / memstore.Handful {
			begin := time.Now()
			s.Tidy()
			visits = append(visits, time.Since(begin))
		}
	}
	idle := make([]time.Duration, len(visits)) // what the machine makes of as many pauses of some microseconds in which nothing is done
	for i := range idle {
		begin := time.Now()
		for time.Since(begin) < 4*time.Microsecond {
		}
		idle[i] = time.Since(begin)
	}
	report := func(name string, took []time.Duration) {
		slices.Sort(took)
		at := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))].Nanoseconds()) / 1e3 }
		b.ReportMetric(at(0.5), name+"median-µs")
		b.ReportMetric(at(0.999), name+"p99.9-µs")
		b.ReportMetric(at(1), name+"longest-µs")
		below := sort.Search(len(took), func(i int) bool { return took[i] > 200*time.Microsecond })
		b.ReportMetric(float64(len(took)-below), name+"above-200µs")
	}
	report("", visits)
	report("idle-", idle)
}
