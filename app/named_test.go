package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/lifecycle"
)

func TestUniquePagesInOneNamedCacheEvictNothingFromAnother(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_CACHE_MAX_ENTRIES=3")).Cache())
	sessions, pages := named(t, a.Registry(), "sessions"), named(t, a.Registry(), "pages")
	set(t, sessions, "session")
	set(t, a.Cache(), "default")
	for i := range 100 {
		set(t, pages, fmt.Sprint("page", i))
	}
	if !has(t, sessions, "session") || !has(t, a.Cache(), "default") {
		t.Error("the pages evicted what is not theirs")
	}
	if stats, err := pages.Stats(t.Context()); err != nil || stats.Entries != 3 {
		t.Errorf("the pages hold %d entries, %v; want APP_CACHE_MAX_ENTRIES", stats.Entries, err)
	}
}

func TestANamedCacheOnMemoryHasTheBytesOfTheDefaultOne(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_CACHE_MAX_BYTES=1000")).Cache())
	err := named(t, a.Registry(), "pages").Set(t.Context(), "page", make([]byte, 2000), cache.Forever)
	if !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("a value above APP_CACHE_MAX_BYTES: %v; want ErrTooLarge", err)
	}
}

func TestClearLeavesTheOtherCachesAlone(t *testing.T) {
	backends := map[string][]string{
		"memory":          nil,
		"redis":           {"APP_CACHE_BACKEND=redis"},
		"tiered":          {"APP_CACHE_BACKEND=tiered"},
		"redis for names": {"APP_STORES=sessions=redis,pages=valkey"},
	}
	for backend, env := range backends {
		t.Run(backend, func(t *testing.T) {
			url := redistest.Start(t).URL()
			a := apptest.New(t, app.New(load(t, on(url, env...)...)).Cache())
			sessions, pages := named(t, a.Registry(), "sessions"), named(t, a.Registry(), "pages")
			all := map[string]*cache.Cache{"the default cache": a.Cache(), "sessions": sessions, "pages": pages}
			for cleared := range all {
				for _, c := range all {
					set(t, c, "k")
					set(t, c, "sessions:k")
				}
				if err := all[cleared].Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				for name, c := range all {
					if got, want := has(t, c, "k"), name != cleared; got != want {
						t.Errorf("%s has its entry after Clear of %s: %t; want %t", name, cleared, got, want)
					}
				}
			}
		})
	}
}

func TestTheKeysInRedisTellTheCachesApart(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  []string
		want []string
	}{
		{"on the backend of the default cache", []string{"APP_CACHE_BACKEND=redis"}, []string{"cache.pages:k", "cache.sessions:k", "cache:k"}},
		{"where only a name is on Redis", []string{"APP_STORES=sessions=redis"}, []string{"cache.sessions:k"}},
		{"where a name is not", []string{"APP_CACHE_BACKEND=redis", "APP_STORES=sessions=memory"}, []string{"cache.pages:k", "cache:k"}},
		{"under a prefix of one's own", []string{"APP_CACHE_BACKEND=valkey", "APP_CACHE_KEY_PREFIX=my:shop:"}, []string{"my:shop.pages:k", "my:shop.sessions:k", "my:shop:k"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := redistest.Start(t).URL()
			a := apptest.New(t, app.New(load(t, on(url, tc.env...)...)).Cache())
			for _, c := range []*cache.Cache{a.Cache(), named(t, a.Registry(), "sessions"), named(t, a.Registry(), "pages")} {
				set(t, c, "k")
			}
			keys, err := redistest.Client(t, url+"/1").Keys(t.Context(), "*").Result()
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(keys)
			if diff := cmp.Diff(tc.want, keys); diff != "" {
				t.Errorf("the keys differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandlersHooksAndChecksHaveTheNamedCaches(t *testing.T) {
	var started, stopped, checked atomic.Bool
	t.Run("a service", func(t *testing.T) {
		find := func(found *atomic.Bool) func(context.Context) error {
			return func(ctx context.Context) error {
				c, err := cache.RegistryFromContext(ctx).Get("sessions")
				found.Store(c != nil)
				return err
			}
		}
		a := apptest.New(t, app.New(load(t)).Cache().
			Hook(lifecycle.Hook{Name: "worker", Start: find(&started), Stop: find(&stopped)}).
			Ready("check", find(&checked)).
			Routes(func(e *echo.Echo) error {
				e.GET("/", func(c echo.Context) error {
					r := cache.RegistryFrom(c)
					sessions, err := r.Get("sessions")
					if err != nil {
						return err
					}
					if err := errors.Join(sessions.Close(), r.Close()); err != nil { // neither is the handler's to close
						return err
					}
					stored, err := sessions.Add(c.Request().Context(), "k", nil, time.Minute)
					return errors.Join(err, c.String(http.StatusOK, fmt.Sprint(stored)))
				})
				return nil
			}))
		for _, want := range []string{"true", "false"} {
			if got := a.Get("/").Body.String(); got != want {
				t.Errorf("the handler was the first to store: %s; want %s", got, want)
			}
		}
		if !has(t, named(t, a.Registry(), "sessions"), "k") {
			t.Error("the test sees another cache than the handler")
		}
	})
	if !started.Load() || !stopped.Load() || !checked.Load() {
		t.Errorf("the cache was there in Start: %t, in Stop: %t, in the check: %t; want all", started.Load(), stopped.Load(), checked.Load())
	}
}

func TestTheMetricsTellTheCachesApart(t *testing.T) {
	url := redistest.Start(t).URL()
	for _, env := range [][]string{{"APP_CACHE_BACKEND=redis", "APP_STORES=sessions=redis,reports=memory"}, {"APP_STORES=sessions=redis,carts=redis,reports=memory"}} {
		t.Run(env[0], func(t *testing.T) {
			a := apptest.New(t, app.New(load(t, on(url, env...)...)).Cache())
			set(t, a.Cache(), "k")
			set(t, named(t, a.Registry(), "sessions"), "k")
			set(t, named(t, a.Registry(), "reports"), "k")
			set(t, named(t, a.Registry(), "reports"), "l")
			main := "memory"
			if env[0] == "APP_CACHE_BACKEND=redis" {
				main = "redis"
			}
			text := a.Get("/metrics").Body.String()
			for _, want := range []string{
				`cache_operations_total{backend="` + main + `",cache="",operation="set",result="ok"} 1`,
				`cache_operations_total{backend="redis",cache="sessions",operation="set",result="ok"} 1`,
				`cache_operations_total{backend="memory",cache="reports",operation="set",result="ok"} 2`,
				`cache_entries{backend="memory",cache="reports"} 2`,
			} {
				if !strings.Contains(text, want+"\n") {
					t.Errorf("there is no line %s in\n%s", want, text)
				}
			}
			if n := strings.Count(text, "\nredis_pool_connections{"); n != 1 {
				t.Errorf("%d pools; want that of the one client", n)
			}
			named(t, a.Registry(), "later")
			if want := `cache_entries{backend="memory",cache="later"} 0`; main == "memory" && !strings.Contains(a.Get("/metrics").Body.String(), want) {
				t.Errorf("a cache that was made at run time has no line %s", want)
			}
		})
	}
}
