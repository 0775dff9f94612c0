package telemetry_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/telemetry"
)

func ExampleMetrics() {
	m := telemetry.NewMetrics("shop")
	m.ObserveRequest("/items/:id", http.MethodGet, http.StatusOK, 2*time.Millisecond)
	events := m.CacheEvents("memory", "") // for cache.Options.OnEvent
	events(cache.Event{Op: "get", Result: cache.ResultHit, Duration: time.Microsecond})

	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for lines := bufio.NewScanner(w.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http_requests_total") || strings.Contains(lines.Text(), `result="hit"} 1`) {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// cache_operations_total{backend="memory",cache="",operation="get",result="hit"} 1
	// http_requests_total{method="GET",route="/items/:id",status="200"} 1
}

func ExampleRedisLogger() {
	l := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	// The application gives this to redis.SetLogger.
	telemetry.RedisLogger(l).Printf(context.Background(), "sentinel: new master=%q", "db-2")
	// Output:
	// level=WARN msg="redis client" detail="sentinel: new master=\"db-2\""
}
