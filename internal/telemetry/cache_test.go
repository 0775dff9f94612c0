package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/telemetry"
)

func TestCacheEvents(t *testing.T) {
	t.Run("are counted and timed by backend, operation and result", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		memory, redis := m.CacheEvents("memory"), m.CacheEvents("redis")
		memory(cache.Event{Op: "get", Result: cache.ResultHit, Duration: 3 * time.Microsecond})
		memory(cache.Event{Op: "get", Result: cache.ResultHit, Duration: 300 * time.Microsecond})
		redis(cache.Event{Op: "set", Result: cache.ResultError, Err: errors.New("down"), Duration: 250 * time.Millisecond})
		wantLines(t, scrape(t, m),
			`cache_operations_total{backend="memory",operation="get",result="hit"} 2`,
			`cache_operations_total{backend="redis",operation="set",result="error"} 1`,
			`cache_operation_duration_seconds_count{backend="memory",operation="get"} 2`,
			`cache_operation_duration_seconds_bucket{backend="memory",operation="get",le="5e-06"} 1`,
			`cache_operation_duration_seconds_bucket{backend="memory",operation="get",le="0.0005"} 2`,
			`cache_operation_duration_seconds_bucket{backend="redis",operation="set",le="0.25"} 1`,
		)
	})
	t.Run("that are unknown are counted as other", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		events := m.CacheEvents("memory")
		for _, op := range []string{"a", "b", "get"} {
			events(cache.Event{Op: op, Result: "user:1"})
		}
		events(cache.Event{Op: "user:1", Result: cache.ResultError})
		lines := scrape(t, m)
		wantLines(t, lines,
			`cache_operations_total{backend="memory",operation="other",result="other"} 2`,
			`cache_operations_total{backend="memory",operation="get",result="other"} 1`,
			`cache_operations_total{backend="memory",operation="other",result="error"} 1`,
		)
		if before := len(with(scrape(t, fresh("memory")), "cache_")); len(with(lines, "cache_")) != before {
			t.Errorf("the events made new series: %d, before %d", len(with(lines, "cache_")), before)
		}
	})
	t.Run("have their series at zero before the first", func(t *testing.T) {
		wantLines(t, scrape(t, fresh("memory")),
			`cache_operations_total{backend="memory",operation="get",result="miss"} 0`,
			`cache_operations_total{backend="memory",operation="add",result="ok"} 0`,
			`cache_operations_total{backend="memory",operation="ping",result="error"} 0`,
		)
	})
	t.Run("of one backend add up, whoever asked for the function", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for range 2 {
			m.CacheEvents("memory")(cache.Event{Op: "clear", Result: cache.ResultOK})
		}
		wantLines(t, scrape(t, m), `cache_operations_total{backend="memory",operation="clear",result="ok"} 2`)
	})
	t.Run("allocate nothing", func(t *testing.T) {
		events := telemetry.NewMetrics("shop").CacheEvents("memory")
		for _, op := range []string{"get", "unknown"} {
			e := cache.Event{Op: op, Result: cache.ResultHit, Duration: time.Microsecond}
			if n := testing.AllocsPerRun(1000, func() { events(e) }); n != 0 {
				t.Errorf("%s: %v allocations", op, n)
			}
		}
	})
}

func fresh(backend string) *telemetry.Metrics {
	m := telemetry.NewMetrics("shop")
	m.CacheEvents(backend)
	return m
}

// A series is missing where cache emits an operation that is not in the table; this holds the two together.
func TestEveryOperationOfACacheHasALabel(t *testing.T) {
	m := telemetry.NewMetrics("shop")
	events := m.CacheEvents("memory")
	var ops []string
	c, err := cache.New(&failing{}, &cache.Options{OnEvent: func(e cache.Event) {
		ops = append(ops, e.Op)
		events(e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	// The store fails everything: what counts is that an event comes.
	_, _, _ = c.Get(t.Context(), "k")
	_ = c.Set(t.Context(), "k", nil, time.Minute)
	_ = c.Delete(t.Context(), "k")
	_, _ = c.Exists(t.Context(), "k")
	_, _ = c.Add(t.Context(), "k", nil, time.Minute)
	_ = c.Clear(t.Context())
	_ = c.Ping(t.Context())
	if len(ops) < 7 {
		t.Errorf("events came of %v only", ops)
	}
	wantLines(t, scrape(t, m),
		`cache_operations_total{backend="memory",operation="other",result="error"} 0`,
		`cache_operations_total{backend="memory",operation="other",result="other"} 0`,
		`cache_operations_total{backend="memory",operation="exists",result="error"} 1`,
	)
}

func BenchmarkCacheEvents(b *testing.B) {
	events := telemetry.NewMetrics("shop").CacheEvents("memory")
	b.ReportAllocs()
	for b.Loop() {
		events(cache.Event{Op: "get", Result: cache.ResultHit, Duration: time.Microsecond})
	}
}
