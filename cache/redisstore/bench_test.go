package redisstore_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
)

// BenchmarkBesideTheRawClient runs the same commands through a store and through a client with the same options, by turns and with 64
// goroutines each, and reports the throughput of the one over that of the other: the median over all turns, for a machine is seldom quiet.
func BenchmarkBesideTheRawClient(b *testing.B) {
	const (
		goroutines = 64
		each       = 100 // operations a turn
	)
	server := redistest.Start(b)
	s, err := redisstore.Open(b.Context(), server.URL(), &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	raw := redis.NewClient(&redis.Options{
		Addr: server.Addr(), ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, PipelinePoolSize: -1, DisableIdentity: true,
		DialTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, PoolTimeout: 10 * time.Second,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer raw.Close()
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // as a handler's is: it can be cancelled, and ends later than an operation
	defer cancel()
	value := make([]byte, 128)
	if err := s.Set(ctx, "key", value, time.Hour); err != nil {
		b.Fatal(err)
	}
	turn := func(op func() error) time.Duration {
		began := time.Now()
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for range each {
					if err := op(); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
		return time.Since(began)
	}
	for _, bc := range []struct {
		name       string
		store, raw func() error
	}{
		{
			"get",
			func() error { _, _, err := s.Get(ctx, "key"); return err },
			func() error { _, err := raw.Get(ctx, "cache:key").Bytes(); return err },
		},
		{
			"set",
			func() error { return s.Set(ctx, "key", value, time.Hour) },
			func() error { return raw.Set(ctx, "cache:key", value, time.Hour).Err() },
		},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var ratios []float64
			for b.Loop() {
				r, o := turn(bc.raw), turn(bc.store)
				ratios = append(ratios, float64(r)/float64(o))
				o, r = turn(bc.store), turn(bc.raw)
				ratios = append(ratios, float64(r)/float64(o))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "of-raw")
		})
	}
}
