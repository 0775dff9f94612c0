package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

func load(t testing.TB, env ...string) settings.Settings {
	t.Helper()
	s, err := settings.Load(append([]string{"APP_DRAIN_DELAY=0s"}, env...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func silent(b *app.Builder) *app.Builder { return b.Logger(slog.New(slog.DiscardHandler)) }

func memory(t testing.TB) *memstore.Store {
	t.Helper()
	s, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBuildReports(t *testing.T) {
	open := func(context.Context, settings.Settings) (cache.Store, error) { return memstore.New(nil) }
	fail := func(context.Context, settings.Settings) (cache.Store, error) { return nil, errors.New("no such shelf") }
	nothing := func(context.Context, settings.Settings) (cache.Store, error) { return nil, nil }
	for _, tc := range []struct {
		name string
		env  []string
		b    func(s settings.Settings) *app.Builder
		want []string
	}{
		{"an unknown backend, with those there are", []string{"APP_CACHE_BACKEND=memcached"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", open) },
			[]string{"APP_CACHE_BACKEND=memcached: unknown backend; allowed: file, memory, none, redis, shelf, tiered, valkey"}},
		{"a directory that cannot be made", []string{"APP_CACHE_BACKEND=file", "APP_CACHE_FILE_PATH=/dev/null/cache"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache() },
			[]string{"APP_CACHE_FILE_PATH=/dev/null/cache: mkdir /dev/null: not a directory"}},
		{"a backend that fails to open", []string{"APP_CACHE_BACKEND=shelf"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", fail) },
			[]string{`backend "shelf": no such shelf`}},
		{"a backend that opens nothing", []string{"APP_CACHE_BACKEND=shelf"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", nothing) },
			[]string{`backend "shelf": it opened no store`}},
		{"a URL that the store refuses", []string{"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=rediss+cluster://:hunter2@a:1,b:2?ca_file=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache() },
			[]string{"APP_CACHE_STORAGE_URL: ca_file: open /nowhere/ca.pem: no such file or directory"}},
		{"a CA file that is not there", []string{"APP_CACHE_BACKEND=redis", "APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache() },
			[]string{"APP_REDIS_CA_FILE: ca_file: open /nowhere/ca.pem: no such file or directory"}},
		{"an unknown backend of a named cache, with those there are", []string{"APP_STORES=sessions=memcached,pages=shelf,reports=memory"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", open) },
			[]string{`APP_STORES=sessions=memcached: cache "sessions": unknown backend; allowed: file, memory, none, redis, shelf, tiered, valkey`}},
		{"the directory that only a name is in", []string{"APP_STORES=sessions=file", "APP_CACHE_FILE_PATH=/dev/null/cache"},
			func(s settings.Settings) *app.Builder { return app.New(s).Store(memory(t)) },
			[]string{`cache "sessions": APP_CACHE_FILE_PATH=/dev/null/cache: mkdir /dev/null: not a directory`}},
		{"a URL where a backend belongs", []string{"APP_STORES=sessions=redis://:hunter2@host"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache() },
			[]string{`APP_STORES: cache "sessions": unknown backend; allowed: `}},
		{"the URL of the Redis that only a name is on", []string{"APP_STORES=sessions=redis", "APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache() },
			[]string{"APP_REDIS_CA_FILE: ca_file: open /nowhere/ca.pem: no such file or directory"}},
		{"all that named caches can have wrong", []string{"APP_STORES=a=shelf,b=redis,c=nope", "APP_CACHE_BACKEND=what", "APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", fail) },
			[]string{"APP_CACHE_BACKEND=what", "APP_STORES=c=nope", "APP_REDIS_CA_FILE"}},
		{"a Redis and a backend that cannot be opened", []string{"APP_STORES=a=shelf,b=redis", "APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder { return app.New(s).Cache().Backend("shelf", fail) },
			[]string{`cache "a": backend "shelf": no such shelf`, "APP_REDIS_CA_FILE"}},
		{"hooks that need more time than the platform gives", nil,
			func(s settings.Settings) *app.Builder {
				return app.New(s).Hook(lifecycle.Hook{Name: "slow", Timeout: time.Minute, Stop: func(context.Context) error { return nil }})
			},
			[]string{"APP_SHUTDOWN_GRACE=30s: the drain delay and the timeouts of all hooks add up to 1m12s; allowed: 1m12s or more, with as much from the platform"}},
		{"a probe where the service has a route", []string{"APP_HEALTH_CHECK_PATH=/greeting"},
			func(s settings.Settings) *app.Builder {
				return app.New(s).Routes(func(e *echo.Echo) error {
					e.GET("/greeting", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
					return nil
				})
			},
			[]string{"APP_HEALTH_CHECK_PATH=/greeting: the service has a route of its own there"}},
		{"names that the cache has, and a wrong URL beside them", []string{"APP_CACHE_BACKEND=redis", "APP_REDIS_TLS=true", "APP_REDIS_CA_FILE=/nowhere/ca.pem"},
			func(s settings.Settings) *app.Builder {
				return app.New(s).Cache().Hook(lifecycle.Hook{Name: "cache"}).Ready("cache", func(context.Context) error { return nil })
			},
			[]string{`hook "cache"`, `check "cache"`, "APP_REDIS_CA_FILE"}},
		{"a second store", nil,
			func(s settings.Settings) *app.Builder { return app.New(s).Store(memory(t)).Store(memory(t)) },
			[]string{"store: there is one already"}},
		{"everything together", []string{"APP_CACHE_BACKEND=nope"},
			func(s settings.Settings) *app.Builder {
				return app.New(s).Cache().Store(nil).Backend("redis", open).Backend("a b", open).Backend("x", nil).Routes(nil).
					Routes(func(*echo.Echo) error { return errors.New("the road is closed") }).
					Hook(lifecycle.Hook{}).Ready("", nil)
			},
			[]string{"store: it is nil", `backend "redis": the name is taken`, `backend "a b": the name`, `backend "x": the function that opens it is nil`,
				"routes: the function is nil", "routes: the road is closed", "hook", "check"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := silent(tc.b(load(t, tc.env...))).Build(t.Context())
			if err == nil {
				t.Fatal("Build succeeded")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Build: %v\nwant: %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestBuildReportsTheProblemsOfTheSettingsWithItsOwn(t *testing.T) {
	s, _ := settings.Load([]string{"APP_PORT=99999", "APP_CACHE_BACKEND=nope"})
	_, err := silent(app.New(s).Cache()).Build(t.Context())
	for _, want := range []string{"APP_PORT=99999", "APP_CACHE_BACKEND=nope"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build: %v; want %s in it", err, want)
		}
	}
}

func TestABuilderIsUsedOnce(t *testing.T) {
	b := silent(app.New(load(t)))
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(t.Context()); err == nil || !strings.Contains(err.Error(), "has been used") {
		t.Errorf("a second Build: %v; want an error", err)
	}
}

func TestAStoreIsClosedWhenBuildFails(t *testing.T) {
	store := memory(t)
	if _, err := silent(app.New(load(t)).Store(store).Routes(nil)).Build(t.Context()); err == nil {
		t.Fatal("Build succeeded")
	}
	if err := store.Ping(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("the store after a Build that failed: %v; want ErrClosed", err)
	}
}

func TestABackendIsNotOpenedWhenTheSettingsAreWrong(t *testing.T) {
	s, _ := settings.Load([]string{"APP_PORT=99999", "APP_CACHE_BACKEND=shelf"})
	_, err := silent(app.New(s).Cache().Backend("shelf", func(context.Context, settings.Settings) (cache.Store, error) {
		t.Error("it was opened")
		return memstore.New(nil)
	})).Build(t.Context())
	if err == nil {
		t.Error("Build succeeded")
	}
}

func TestHandlersHaveTheCache(t *testing.T) {
	routes := func(e *echo.Echo) error {
		e.GET("/", func(c echo.Context) error {
			before, _, err := cache.From(c).Get(c.Request().Context(), "key")
			if err != nil {
				return err
			}
			if err := cache.From(c).Set(c.Request().Context(), "key", []byte("cached"), cache.DefaultTTL); err != nil {
				return err
			}
			return c.String(http.StatusOK, string(before))
		})
		return nil
	}
	for _, tc := range []struct {
		name string
		b    *app.Builder
		want string // of the second request
	}{
		{"of the backend that the environment names", app.New(load(t)).Cache().Routes(routes), "cached"},
		{"over the store that the program gives", app.New(load(t, "APP_CACHE_BACKEND=none")).Store(memory(t)).Routes(routes), "cached"},
		{"of the program's own backend", app.New(load(t, "APP_CACHE_BACKEND=shelf")).Cache().Backend("shelf", shelf).Routes(routes), "cached"},
		{"that misses where the backend is none", app.New(load(t, "APP_CACHE_BACKEND=none")).Cache().Routes(routes), ""},
		{"that misses where the service has none", app.New(load(t)).Routes(routes), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := apptest.New(t, tc.b)
			if got := a.Get("/").Body.String(); got != "" {
				t.Errorf("the first request got %q; want a miss", got)
			}
			if got := a.Get("/").Body.String(); got != tc.want {
				t.Errorf("the second request got %q; want %q", got, tc.want)
			}
			if v, _, _ := a.Cache().Get(t.Context(), "key"); string(v) != tc.want {
				t.Errorf("the cache holds %q; want %q", v, tc.want)
			}
		})
	}
}

func shelf(context.Context, settings.Settings) (cache.Store, error) { return memstore.New(nil) }

func TestHooksAndChecksFindTheCacheInTheirContext(t *testing.T) {
	var stopped, checked atomic.Bool
	t.Run("a service", func(t *testing.T) {
		worker := lifecycle.Hook{
			Name: "worker",
			Start: func(ctx context.Context) error {
				return cache.FromContext(ctx).Set(ctx, "warm", []byte("value"), cache.DefaultTTL)
			},
			Stop: func(ctx context.Context) error {
				v, _, err := cache.FromContext(ctx).Get(ctx, "warm")
				stopped.Store(string(v) == "value")
				return err
			},
		}
		check := func(ctx context.Context) error {
			checked.Store(cache.FromContext(ctx) != nil)
			return nil
		}
		a := apptest.New(t, app.New(load(t)).Cache().Hook(worker).Ready("check", check))
		if v, _, _ := a.Cache().Get(t.Context(), "warm"); string(v) != "value" {
			t.Errorf("the cache holds %q; want what the hook stored", v)
		}
		if code := a.Get("/ready").Code; code != http.StatusOK {
			t.Errorf("the first probe gets %d; want 200", code)
		}
	})
	if !stopped.Load() || !checked.Load() {
		t.Errorf("the cache was there in Stop: %t, in the check: %t; want both", stopped.Load(), checked.Load())
	}
}

func TestWithoutCacheThereIsNoCheckOfOne(t *testing.T) {
	for name, tc := range map[string]struct {
		b    *app.Builder
		want bool
	}{
		"with a cache":             {app.New(load(t, "APP_HEALTH_DETAILS=true")).Cache(), true},
		"without":                  {app.New(load(t, "APP_HEALTH_DETAILS=true")), false},
		"with a cache called none": {app.New(load(t, "APP_HEALTH_DETAILS=true", "APP_CACHE_BACKEND=none")).Cache(), false},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.New(t, tc.b)
			if got := strings.Contains(a.Get("/ready").Body.String(), `"cache"`); got != tc.want {
				t.Errorf("readiness shows a check of the cache: %t; want %t", got, tc.want)
			}
			if got := strings.Contains(a.Get("/metrics").Body.String(), "cache_entries"); got != tc.want {
				t.Errorf("the metrics show the cache: %t; want %t", got, tc.want)
			}
		})
	}
}
