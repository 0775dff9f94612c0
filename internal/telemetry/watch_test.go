package telemetry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/health"
	"github.com/larder-go/larder/internal/telemetry"
)

func TestWatchStore(t *testing.T) {
	t.Run("reads the figures at each scrape", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		stats := cache.Stats{Entries: 3, Bytes: 1024, Evictions: 7, Pending: 2}
		if err := m.WatchStore("memory", "", func() cache.Stats { return stats }); err != nil {
			t.Fatal(err)
		}
		wantLines(t, scrape(t, m), `cache_entries{backend="memory",cache=""} 3`, `cache_bytes{backend="memory",cache=""} 1024`, `cache_evictions_total{backend="memory",cache=""} 7`,
			`cache_pending_invalidations{backend="memory",cache=""} 2`)
		stats.Entries = 4
		wantLines(t, scrape(t, m), `cache_entries{backend="memory",cache=""} 4`)
	})
	t.Run("takes several backends", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for i, backend := range []string{"memory", "file"} {
			if err := m.WatchStore(backend, "", func() cache.Stats { return cache.Stats{Entries: int64(i)} }); err != nil {
				t.Fatal(err)
			}
		}
		wantLines(t, scrape(t, m), `cache_entries{backend="memory",cache=""} 0`, `cache_entries{backend="file",cache=""} 1`)
	})
	t.Run("takes several caches of one backend", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for i, name := range []string{"", "sessions", "pages"} {
			if err := m.WatchStore("memory", name, func() cache.Stats { return cache.Stats{Entries: int64(i)} }); err != nil {
				t.Fatal(err)
			}
		}
		wantLines(t, scrape(t, m),
			`cache_entries{backend="memory",cache=""} 0`, `cache_entries{backend="memory",cache="sessions"} 1`, `cache_entries{backend="memory",cache="pages"} 2`)
	})
	t.Run("leaves out what is not known", func(t *testing.T) {
		for _, tt := range []struct {
			stats cache.Stats
			want  []string
		}{
			{cache.Stats{Entries: -1, Bytes: -1, Evictions: -1, Pending: 2}, []string{`cache_pending_invalidations{backend="redis",cache=""} 2`}},
			{cache.Stats{Entries: 0, Bytes: -1, Evictions: -1, Pending: -1}, []string{`cache_entries{backend="redis",cache=""} 0`}},
			{cache.Stats{Entries: -1, Bytes: 3, Evictions: 4, Pending: -1},
				[]string{`cache_bytes{backend="redis",cache=""} 3`, `cache_evictions_total{backend="redis",cache=""} 4`}},
		} {
			m := telemetry.NewMetrics("shop")
			if err := m.WatchStore("redis", "", func() cache.Stats { return tt.stats }); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, with(scrape(t, m), "cache_")); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tt.stats, diff)
			}
		}
	})
	t.Run("survives a store that panics, and serves the others", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		if err := m.WatchStore("theirs", "", func() cache.Stats { panic("nil map") }); err != nil {
			t.Fatal(err)
		}
		if err := m.WatchStore("memory", "", func() cache.Stats { return cache.Stats{Entries: 3} }); err != nil {
			t.Fatal(err)
		}
		wantLines(t, scrape(t, m), `cache_entries{backend="memory",cache=""} 3`)
		wantLines(t, scrape(t, m), `promhttp_metric_handler_errors_total{cause="gathering"} 1`)
	})
}

func TestWatchPool(t *testing.T) {
	main := []string{
		`redis_pool_connections{backend="redis",pool="main"} 6`,
		`redis_pool_hits_total{backend="redis",pool="main"} 1`,
		`redis_pool_idle_connections{backend="redis",pool="main"} 7`,
		`redis_pool_misses_total{backend="redis",pool="main"} 2`,
		`redis_pool_pending_requests{backend="redis",pool="main"} 9`,
		`redis_pool_stale_connections_total{backend="redis",pool="main"} 8`,
		`redis_pool_timeouts_total{backend="redis",pool="main"} 3`,
		`redis_pool_unusable_connections_total{backend="redis",pool="main"} 5`,
		`redis_pool_wait_seconds_total{backend="redis",pool="main"} 1.5`,
		`redis_pool_waits_total{backend="redis",pool="main"} 4`,
	}
	t.Run("exports each figure of the pool", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		if err := m.WatchPool("redis", poolStats); err != nil {
			t.Fatal(err)
		}
		want := append(main[:len(main):len(main)], `redis_pubsub_connections{backend="redis"} 10`)
		if diff := cmp.Diff(want, with(scrape(t, m), "redis_")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("exports the pool of the pipelines beside it", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		err := m.WatchPool("redis", func() *redis.PoolStats {
			s := poolStats()
			// The type of PipelineStats has no exported name; a client without a server has one that is all zero.
			client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", PipelinePoolSize: 2})
			defer func() { _ = client.Close() }()
			s.PipelineStats = client.PoolStats().PipelineStats
			s.PipelineStats.Hits = 42
			return s
		})
		if err != nil {
			t.Fatal(err)
		}
		lines := scrape(t, m)
		wantLines(t, lines, append(main[:len(main):len(main)], `redis_pool_hits_total{backend="redis",pool="pipeline"} 42`)...)
	})
	t.Run("exports nothing where there are no figures", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		if err := m.WatchPool("redis", func() *redis.PoolStats { return nil }); err != nil {
			t.Fatal(err)
		}
		if got := with(scrape(t, m), "redis_"); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
}

func TestWatchHealth(t *testing.T) {
	m := telemetry.NewMetrics("shop")
	results := []health.Result{
		{Name: "fine", At: time.Unix(1_700_000_000, 500_000_000)},
		{Name: "fine_too", At: time.Unix(1, 0), Degrade: true},
		{Name: "down", At: time.Unix(1, 0), Err: errors.New("refused")},
		{Name: "degraded", Err: errors.New("refused"), Degrade: true},
	}
	if err := m.WatchHealth(func() []health.Result { return results }); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`health_check_degraded{check="degraded"} 1`,
		`health_check_degraded{check="down"} 0`,
		`health_check_degraded{check="fine"} 0`,
		`health_check_degraded{check="fine_too"} 0`,
		`health_check_last_run_timestamp_seconds{check="down"} 1`,
		`health_check_last_run_timestamp_seconds{check="fine"} 1.7000000005e+09`,
		`health_check_last_run_timestamp_seconds{check="fine_too"} 1`,
		`health_check_up{check="degraded"} 0`,
		`health_check_up{check="down"} 0`,
		`health_check_up{check="fine"} 1`,
		`health_check_up{check="fine_too"} 1`,
	}
	if diff := cmp.Diff(want, with(scrape(t, m), "health_")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatchMistakes(t *testing.T) {
	m := everything(t)
	zeros := func() cache.Stats { return cache.Stats{} }
	tests := []struct {
		name string
		got  error
		want string
	}{
		{"a second store of one backend", m.WatchStore("memory", "", zeros), `telemetry: watch store "memory": duplicate`},
		{"a second store of one cache", errors.Join(m.WatchStore("memory", "pages", zeros), m.WatchStore("memory", "pages", zeros)),
			`telemetry: watch store "memory" of the cache "pages": duplicate`},
		{"a second pool of one backend", m.WatchPool("redis", poolStats), `telemetry: watch pool "redis": duplicate`},
		{"a second source of health", m.WatchHealth(func() []health.Result { return nil }), "telemetry: watch health: duplicate"},
		{"a store without figures", m.WatchStore("file", "", nil), `telemetry: watch store "file": there is no function`},
		{"a pool without figures", m.WatchPool("far", nil), `telemetry: watch pool "far": there is no function`},
		{"health without results", m.WatchHealth(nil), "telemetry: watch health: there is no function"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" is an error", func(t *testing.T) {
			if tt.got == nil || !strings.HasPrefix(tt.got.Error(), tt.want) {
				t.Errorf("got %v, want %q", tt.got, tt.want)
			}
		})
	}
}
