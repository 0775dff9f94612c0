package telemetry_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/telemetry"
)

func TestCacheEvents(t *testing.T) {
	t.Run("are counted and timed by backend, operation and result", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		memory, redis := m.CacheEvents("memory", ""), m.CacheEvents("redis", "")
		memory(cache.Event{Op: "get", Result: cache.ResultHit, Duration: 3 * time.Microsecond})
		memory(cache.Event{Op: "get", Result: cache.ResultHit, Duration: 300 * time.Microsecond})
		redis(cache.Event{Op: "set", Result: cache.ResultError, Err: errors.New("down"), Duration: 250 * time.Millisecond})
		wantLines(t, scrape(t, m),
			`cache_operations_total{backend="memory",cache="",operation="get",result="hit"} 2`,
			`cache_operations_total{backend="redis",cache="",operation="set",result="error"} 1`,
			`cache_operation_duration_seconds_count{backend="memory",cache="",operation="get"} 2`,
			`cache_operation_duration_seconds_bucket{backend="memory",cache="",operation="get",le="5e-06"} 1`,
			`cache_operation_duration_seconds_bucket{backend="memory",cache="",operation="get",le="0.0005"} 2`,
			`cache_operation_duration_seconds_bucket{backend="redis",cache="",operation="set",le="0.25"} 1`,
		)
	})
	t.Run("that are unknown are counted as other", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		events := m.CacheEvents("memory", "")
		for _, op := range []string{"a", "b", "get"} {
			events(cache.Event{Op: op, Result: "user:1"})
		}
		events(cache.Event{Op: "user:1", Result: cache.ResultError})
		lines := scrape(t, m)
		wantLines(t, lines,
			`cache_operations_total{backend="memory",cache="",operation="other",result="other"} 2`,
			`cache_operations_total{backend="memory",cache="",operation="get",result="other"} 1`,
			`cache_operations_total{backend="memory",cache="",operation="other",result="error"} 1`,
		)
		const counters = "cache_operations_total"
		if before := len(with(scrape(t, fresh("memory")), counters)); len(with(lines, counters)) != before {
			t.Errorf("the events made new series: %d, before %d", len(with(lines, counters)), before)
		}
	})
	t.Run("have their series at zero before the first", func(t *testing.T) {
		wantLines(t, scrape(t, fresh("memory")),
			`cache_operations_total{backend="memory",cache="",operation="get",result="miss"} 0`,
			`cache_operations_total{backend="memory",cache="",operation="add",result="ok"} 0`,
			`cache_operations_total{backend="memory",cache="",operation="ping",result="error"} 0`,
		)
	})
	t.Run("have durations from the first of the operation on", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		events := m.CacheEvents("memory", "")
		if got := with(scrape(t, m), "cache_operation_duration"); len(got) != 0 {
			t.Errorf("before the first event there is %q", got)
		}
		for range 2 {
			events(cache.Event{Op: "set many", Result: cache.ResultOK})
		}
		got := with(scrape(t, m), "cache_operation_duration")
		wantLines(t, got, `cache_operation_duration_seconds_count{backend="memory",cache="",operation="set_many"} 2`)
		if len(got) != 19 {
			t.Errorf("%d series of durations after the events of one operation; want its 19", len(got))
		}
	})
	t.Run("of named caches are told apart from the default cache's", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for name, n := range map[string]int{"": 1, "sessions": 2, "pages\xff": 3} {
			for range n {
				m.CacheEvents("redis", name)(cache.Event{Op: "set", Result: cache.ResultOK})
			}
		}
		wantLines(t, scrape(t, m),
			`cache_operations_total{backend="redis",cache="",operation="set",result="ok"} 1`,
			`cache_operations_total{backend="redis",cache="sessions",operation="set",result="ok"} 2`,
			`cache_operations_total{backend="redis",cache="pages?",operation="set",result="ok"} 3`,
			`cache_operation_duration_seconds_count{backend="redis",cache="sessions",operation="set"} 2`,
		)
	})
	t.Run("of one backend add up, whoever asked for the function", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for range 2 {
			m.CacheEvents("memory", "")(cache.Event{Op: "clear", Result: cache.ResultOK})
		}
		wantLines(t, scrape(t, m), `cache_operations_total{backend="memory",cache="",operation="clear",result="ok"} 2`)
	})
	t.Run("allocate nothing", func(t *testing.T) {
		events := telemetry.NewMetrics("shop").CacheEvents("memory", "")
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
	m.CacheEvents(backend, "")
	return m
}

// An operation that cache emits and the table lacks is counted as other; one that only the table has is a series that never moves. This
// holds the two together.
func TestEveryOperationOfACacheHasALabelAndNoOtherHas(t *testing.T) {
	m := telemetry.NewMetrics("shop")
	events := m.CacheEvents("memory", "")
	emitted := map[string]bool{}
	c, err := cache.New(&failing{}, &cache.Options{OnEvent: func(e cache.Event) {
		emitted[strings.ReplaceAll(e.Op, " ", "_")] = true
		events(e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	// The store fails everything, or cannot do it: what counts is that an event comes.
	_, _, _ = c.Get(t.Context(), "k")
	_, _, _ = c.GetAppend(t.Context(), nil, "k")
	_ = c.Set(t.Context(), "k", nil, time.Minute)
	_ = c.Delete(t.Context(), "k")
	_, _ = c.Exists(t.Context(), "k")
	_, _ = c.Add(t.Context(), "k", nil, time.Minute)
	_, _ = c.Increment(t.Context(), "k", 1, time.Minute)
	_, _ = c.CompareAndSwap(t.Context(), "k", nil, nil, time.Minute)
	_, _ = c.CompareAndDelete(t.Context(), "k", nil)
	_, _, _ = c.GetAndRenew(t.Context(), "k", time.Minute)
	_, _ = c.Touch(t.Context(), "k", time.Minute)
	_, _, _ = c.TTL(t.Context(), "k")
	_, _ = c.GetMany(t.Context(), []string{"k"})
	_ = c.SetMany(t.Context(), map[string][]byte{"k": nil}, time.Minute)
	_ = c.DeleteMany(t.Context(), []string{"k"})
	for _, err := range c.Keys(t.Context(), "") {
		_ = err
	}
	_, _ = c.DeleteExpired(t.Context())
	_, _ = c.Take(t.Context(), "k", []cache.Limit{{Requests: 1, Period: time.Second}}, 1)
	_ = c.Clear(t.Context())
	_ = c.Ping(t.Context())
	_ = c.InvalidateTags(t.Context(), "tag")
	_, _ = cache.GetOrLoad(t.Context(), c, "k", cache.Policy{}, func(context.Context) (int, error) { return 1, nil })
	_, _ = cache.GetOrLoadMany(t.Context(), c, []string{"k"}, cache.Policy{}, func(context.Context, []string) (map[string]int, error) { return nil, nil })
	emitted["refresh"] = true // of what is stale, which a store that fails has not

	lines := scrape(t, m)
	labels := map[string]bool{}
	for _, line := range with(lines, "cache_operations_total") {
		_, rest, _ := strings.Cut(line, `operation="`)
		op, _, _ := strings.Cut(rest, `"`)
		labels[op] = true
	}
	delete(labels, "other")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(emitted)), slices.Sorted(maps.Keys(labels))); diff != "" {
		t.Errorf("the operations that a cache emits and those with a label differ (-emitted +label):\n%s", diff)
	}
	for op := range emitted {
		wantLines(t, lines, `cache_operations_total{backend="memory",cache="",operation="`+op+`",result="other"} 0`)
	}
	wantLines(t, lines,
		`cache_operations_total{backend="memory",cache="",operation="exists",result="error"} 1`,
		`cache_operations_total{backend="memory",cache="",operation="compare_and_delete",result="error"} 1`,
		`cache_operation_duration_seconds_count{backend="memory",cache="",operation="get_many"} 1`,
	)
}

func BenchmarkCacheEvents(b *testing.B) {
	events := telemetry.NewMetrics("shop").CacheEvents("memory", "")
	b.ReportAllocs()
	for b.Loop() {
		events(cache.Event{Op: "get", Result: cache.ResultHit, Duration: time.Microsecond})
	}
}
