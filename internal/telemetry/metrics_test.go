package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/health"
	"github.com/larder-go/larder/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape returns the lines that a Prometheus server reads.
func scrape(t *testing.T, m *telemetry.Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("the scrape gave %d: %s", w.Code, w.Body)
	}
	return strings.Split(w.Body.String(), "\n")
}

// wantLines fails unless each line is in the scrape.
func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("there is no line %s", line)
		}
	}
	if t.Failed() {
		t.Logf("the scrape:\n%s", strings.Join(with(got, ""), "\n"))
	}
}

// with returns the samples that begin with the prefix, those of Go and the process left out.
func with(lines []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return line == "" || line[0] == '#' || strings.HasPrefix(line, "go_") || strings.HasPrefix(line, "process_") || !strings.HasPrefix(line, prefix)
	})
}

// everything returns metrics of which each has a value.
func everything(t *testing.T) *telemetry.Metrics {
	t.Helper()
	m := telemetry.NewMetrics("shop")
	m.InFlight(1)
	m.ObserveRequest("/items/:id", "GET", 200, time.Millisecond)
	m.CacheEvents("memory", "")(cache.Event{Op: "get", Result: cache.ResultHit, Duration: time.Microsecond})
	for _, err := range []error{
		m.WatchStore("memory", "", func() cache.Stats { return cache.Stats{Entries: 3, Bytes: 1024, Evictions: 7} }),
		m.WatchPool("redis", poolStats),
		m.WatchHealth(func() []health.Result { return []health.Result{{Name: "cache", At: time.Now()}} }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func poolStats() *redis.PoolStats {
	s := redis.PoolStats{
		Hits: 1, Misses: 2, Timeouts: 3, WaitCount: 4, Unusable: 5, WaitDurationNs: 1_500_000_000,
		TotalConns: 6, IdleConns: 7, StaleConns: 8, PendingRequests: 9,
	}
	s.PubSubStats.Active = 10
	return &s
}

func TestNamesFollowThePrometheusConventions(t *testing.T) {
	lines := scrape(t, everything(t))
	problems, err := promlint.New(strings.NewReader(strings.Join(lines, "\n"))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestEveryMetricHasASample(t *testing.T) {
	lines := scrape(t, everything(t))
	for _, name := range []string{
		"http_requests_total", "http_request_duration_seconds_bucket", "http_requests_in_flight",
		"cache_operations_total", "cache_operation_duration_seconds_bucket", "cache_entries", "cache_bytes", "cache_evictions_total", "cache_pending_invalidations",
		"redis_pool_hits_total", "redis_pool_connections", "redis_pubsub_connections",
		"health_check_up", "health_check_degraded", "health_check_last_run_timestamp_seconds", "service_build_info",
	} {
		if len(with(lines, name+"{")) == 0 && len(with(lines, name+" ")) == 0 {
			t.Errorf("%s has no sample", name)
		}
	}
	for _, name := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, name) }) {
			t.Errorf("%s has no sample", name)
		}
	}
}

func TestBuildInfoNamesTheService(t *testing.T) {
	lines := with(scrape(t, telemetry.NewMetrics("my shop\xff")), "service_build_info")
	if len(lines) != 1 || !strings.Contains(lines[0], `service="my shop?"`) || !strings.HasSuffix(lines[0], "} 1") {
		t.Errorf("got %q", lines)
	}
}

func TestRegistriesAreSeparate(t *testing.T) {
	a, b := telemetry.NewMetrics("shop"), telemetry.NewMetrics("shop")
	a.InFlight(5)
	wantLines(t, scrape(t, a), "http_requests_in_flight 5")
	wantLines(t, scrape(t, b), "http_requests_in_flight 0")
}

func TestObserveRequest(t *testing.T) {
	t.Run("counts by route, method and status", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		m.ObserveRequest("/items/:id", "GET", 200, 3*time.Millisecond)
		m.ObserveRequest("/items/:id", "GET", 200, 20*time.Second)
		m.ObserveRequest("/items/:id", "GET", 404, time.Millisecond)
		wantLines(t, scrape(t, m),
			`http_requests_total{method="GET",route="/items/:id",status="200"} 2`,
			`http_requests_total{method="GET",route="/items/:id",status="404"} 1`,
			`http_request_duration_seconds_count{method="GET",route="/items/:id"} 3`,
			`http_request_duration_seconds_bucket{method="GET",route="/items/:id",le="0.001"} 1`,
			`http_request_duration_seconds_bucket{method="GET",route="/items/:id",le="0.005"} 2`,
			`http_request_duration_seconds_bucket{method="GET",route="/items/:id",le="30"} 3`,
		)
	})
	t.Run("counts what a client made up as other", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		m.ObserveRequest("", "BREW", 404, 0)
		m.ObserveRequest("/a\xff", "GET", 99, 0)
		m.ObserveRequest("/a\xff", "GET", 600, 0)
		wantLines(t, scrape(t, m),
			`http_requests_total{method="other",route="unmatched",status="404"} 1`,
			`http_requests_total{method="GET",route="/a?",status="other"} 2`,
		)
	})
	t.Run("counts every route after the first 1,000 as other", func(t *testing.T) {
		m := telemetry.NewMetrics("shop")
		for i := range 1500 {
			m.ObserveRequest(fmt.Sprint("/items/", i), "GET", 200, 0)
		}
		m.ObserveRequest("/items/7", "GET", 200, 0)
		lines := scrape(t, m)
		if n := len(with(lines, "http_requests_total")); n != 1001 {
			t.Errorf("%d series, want 1,000 and one for the others", n)
		}
		wantLines(t, lines,
			`http_requests_total{method="GET",route="other",status="200"} 500`,
			`http_requests_total{method="GET",route="/items/7",status="200"} 2`,
		)
	})
}

func TestInFlightGoesUpAndDown(t *testing.T) {
	m := telemetry.NewMetrics("shop")
	m.InFlight(1)
	m.InFlight(1)
	m.InFlight(-1)
	wantLines(t, scrape(t, m), "http_requests_in_flight 1")
}
