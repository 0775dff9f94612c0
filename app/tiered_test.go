package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestATieredCacheReadsFromMemoryUntilAnotherInstanceWrites(t *testing.T) {
	server := redistest.Start(t)
	one := apptest.New(t, app.New(load(t, on(server.URL(), "APP_CACHE_BACKEND=tiered")...)).Cache())
	other := apptest.New(t, app.New(load(t, on(server.URL(), "APP_CACHE_BACKEND=tiered")...)).Cache())
	admin := redistest.Client(t, server.URL())
	set(t, other.Cache(), "k")
	wait.Until(t, func() bool { return readsNear(t, admin, one.Cache()) })
	for round := range 10 {
		want := fmt.Sprint("round ", round)
		if err := other.Cache().Set(t.Context(), "k", []byte(want), time.Hour); err != nil {
			t.Fatal(err)
		}
		wait.Until(t, func() bool {
			value, _, err := one.Cache().Get(t.Context(), "k")
			return err == nil && string(value) == want
		})
	}
}

func TestOnlySessionsAndLimitsOfATieredServiceAreReadFromRedisAlways(t *testing.T) {
	server := redistest.Start(t)
	a := apptest.New(t, app.New(load(t, on(server.URL(), "APP_CACHE_BACKEND=tiered")...)).Cache())
	admin := redistest.Client(t, server.URL())
	for name, near := range map[string]bool{"response_cache": true, "reports": true, "sessions": false, "rate_limit": false} {
		c := named(t, a.Registry(), name)
		set(t, c, "k")
		if near {
			wait.Until(t, func() bool { return readsNear(t, admin, c) })
			continue
		}
		for range 10 {
			if readsNear(t, admin, c) {
				t.Errorf("%s is read from memory", name)
			}
		}
	}
}

// readsNear tells whether a read of k asks the server nothing.
func readsNear(t *testing.T, admin *redis.Client, c *cache.Cache) bool {
	t.Helper()
	before := calls(t, admin)
	if _, found, err := c.Get(t.Context(), "k"); !found || err != nil {
		t.Fatalf("Get = %t, %v; want the entry", found, err)
	}
	return calls(t, admin) == before
}

// calls is how many GETs the server has seen, as it tells them.
func calls(t *testing.T, admin *redis.Client) string {
	t.Helper()
	stats, err := admin.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, get, _ := strings.Cut(stats, "cmdstat_get:calls=")
	get, _, _ = strings.Cut(get, ",")
	return get
}

func TestATieredServiceSaysThatItReadsFromMemoryAndWhenItDoesNot(t *testing.T) {
	server := redistest.Start(t)
	var log lockedBuffer
	a, err := app.New(load(t, on(server.URL(), "APP_CACHE_BACKEND=tiered")...)).Cache().Logger(slog.New(slog.NewTextHandler(&log, nil))).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, func() bool { return strings.Contains(log.String(), "what Redis says has not changed") })
	server.Kill()
	wait.Until(t, func() bool { return strings.Contains(log.String(), "until it tells of changes again") })
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADeadRedisOpensABreakerThatReadinessAndMetricsShow(t *testing.T) {
	server := redistest.Start(t)
	a := apptest.New(t, app.New(load(t, on(server.URL(), "APP_CACHE_BACKEND=redis", "APP_HEALTH_DETAILS=true", "APP_HEALTH_INTERVAL=50ms")...)).Cache())
	set(t, a.Cache(), "k")
	if w := a.Get("/metrics"); !strings.Contains(w.Body.String(), `redis_breaker_open{backend="redis"} 0`) {
		t.Errorf("the metrics do not say that the breaker is closed:\n%s", w.Body)
	}
	server.Kill()
	wait.Until(t, func() bool {
		_, _, err := a.Cache().Get(t.Context(), "k")
		return err != nil && strings.Contains(err.Error(), "the breaker is open")
	})
	if w := a.Get("/metrics"); !strings.Contains(w.Body.String(), `redis_breaker_open{backend="redis"} 1`) {
		t.Errorf("the metrics do not say that the breaker is open:\n%s", w.Body)
	}
	wait.Until(t, func() bool {
		w := a.Get("/ready")
		return w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "the breaker is open")
	})
	server.Restart()
	wait.Until(t, func() bool { return a.Get("/ready").Code == http.StatusOK })
	set(t, a.Cache(), "k")
}
