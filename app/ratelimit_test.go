package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
)

func hello(e *echo.Echo) error {
	e.GET("/api/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	return nil
}

// statuses are those of as many requests.
func statuses(a *apptest.App, n int, path string) (ok, refused int) {
	for range n {
		switch a.Get(path).Code {
		case http.StatusTooManyRequests:
			refused++
		default:
			ok++
		}
	}
	return ok, refused
}

func TestRequestsUnderAPathAreLimitedAsTheSettingsSay(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_RATE_LIMIT_REQUESTS=3", "APP_RATE_LIMIT_PERIOD=1h")).RateLimit("/api", nil).Routes(hello).Cache())
	if ok, refused := statuses(a, 5, "/api/hello"); ok != 3 || refused != 2 {
		t.Errorf("%d of 5 passed, want 3", ok)
	}
	if ok, _ := statuses(a, 5, "/hello"); ok != 5 {
		t.Errorf("beside the path %d of 5 passed", ok)
	}
	if w := a.Get("/api/hello"); w.Header().Get("Retry-After") != "1200" || w.Header().Get("Ratelimit-Policy") != `"default";q=3;w=3600` || !strings.Contains(w.Body.String(), "quota-exceeded") {
		t.Errorf("a refusal: %v %s", w.Header(), w.Body)
	}
	if got := a.Get("/metrics").Body.String(); !strings.Contains(got, `rate_limit_decisions_total{allowed="true",by="store",limiter="default"} 3`) {
		t.Error("the metrics do not count what passed")
	}
}

func TestWhatMatchesNoRouteIsLimitedToo(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_RATE_LIMIT_REQUESTS=3")).RateLimit("/", nil).Routes(hello).Cache())
	if ok, refused := statuses(a, 5, "/api/nothing"); ok != 3 || refused != 2 {
		t.Errorf("%d of 5 got a 404, want 3", ok)
	}
	for _, probe := range []string{"/live", "/ready", "/metrics"} {
		if ok, _ := statuses(a, 10, probe); ok != 10 {
			t.Errorf("%s is limited", probe)
		}
	}
}

func TestLimitersThatCannotBeAreErrorsOfBuild(t *testing.T) {
	for name, c := range map[string]struct {
		build func() *app.Builder
		want  string
	}{
		"no route is under the path": {
			func() *app.Builder { return app.New(load(t)).RateLimit("/nothing", nil).Routes(hello).Cache() },
			`"/nothing/": no route is under the path`,
		},
		"there is no cache": {
			func() *app.Builder { return app.New(load(t)).RateLimit("/", nil).Routes(hello) },
			`rate limit "/": it needs the cache "rate_limit", and the service has none`,
		},
		"the cache keeps nothing": {
			func() *app.Builder {
				return app.New(load(t, "APP_CACHE_BACKEND=none")).RateLimit("/", nil).Routes(hello).Cache()
			},
			`rate limit "/": it needs the cache "rate_limit", and APP_CACHE_BACKEND=none keeps nothing`,
		},
		"two have one name": {
			func() *app.Builder {
				return app.New(load(t)).RateLimit("/", nil).RateLimit("/api", nil).Routes(hello).Cache()
			},
			`rate limit "/api": there is one named "default" already`,
		},
		"the options make no sense": {
			func() *app.Builder {
				return app.New(load(t)).RateLimit("/", &ratelimit.Options{Limits: []cache.Limit{{Requests: 0, Period: time.Second}}}).Routes(hello).Cache()
			},
			`rate limit "/": ratelimit: new: Options.Limits: limit "default" has 0 requests`,
		},
		"more than one a microsecond": {
			func() *app.Builder {
				return app.New(load(t, "APP_RATE_LIMIT_REQUESTS=2000000", "APP_RATE_LIMIT_PERIOD=1s")).RateLimit("/", nil).Routes(hello).Cache()
			},
			`limit "default" has 2000000 requests`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.build().Build(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestTheClientBehindATrustedProxyIsLimited(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_RATE_LIMIT_REQUESTS=1", "APP_TRUSTED_PROXIES=192.0.2.0/24")).RateLimit("/", nil).Routes(hello).Cache())
	for _, step := range []struct {
		client string
		want   int
	}{{"198.51.100.1", 200}, {"198.51.100.1", 429}, {"198.51.100.2", 200}} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hello", http.NoBody)
		r.Header.Set("X-Forwarded-For", step.client)
		if w := a.Do(r); w.Code != step.want {
			t.Errorf("%s: %d, want %d", step.client, w.Code, step.want)
		}
	}
}
