package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/internal/wait"
)

// pages are routes that count how often each handler runs.
type pages struct{ one, neighbour, guarded, guard atomic.Int64 }

func (p *pages) routes(group ...echo.MiddlewareFunc) func(*echo.Echo) error {
	count := func(n *atomic.Int64) echo.HandlerFunc {
		return func(c echo.Context) error {
			n.Add(1)
			return c.String(http.StatusOK, c.Param("id"))
		}
	}
	return func(e *echo.Echo) error {
		e.GET("/api/pages/:id", count(&p.one))
		e.GET("/apis", count(&p.neighbour))
		e.Group("/guarded", append([]echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				p.guard.Add(1)
				return next(c)
			}
		}}, group...)...).GET("", count(&p.guarded))
		return nil
	}
}

// untilHit asks until the answer comes from the store, where it is put while nobody waits.
func untilHit(t *testing.T, a *apptest.App, path string) {
	t.Helper()
	wait.Until(t, func() bool { return strings.Contains(a.Get(path).Header().Get("Cache-Status"), "; hit") })
}

func TestResponsesUnderAPathAreCached(t *testing.T) {
	var p pages
	a := apptest.New(t, app.New(load(t)).Use("/api/", app.CacheResponses(app.ResponseRule{TTL: time.Minute})).Routes(p.routes()).Cache())
	untilHit(t, a, "/api/pages/1")
	before := p.one.Load()
	if w := a.Get("/api/pages/1"); w.Body.String() != "1" || p.one.Load() != before {
		t.Errorf("%q after %d calls of the handler, before the hit there were %d", w.Body, p.one.Load(), before)
	}
	if w := a.Get("/api/pages/2"); w.Body.String() != "2" {
		t.Errorf("another page is %q", w.Body)
	}
	for range 2 {
		if w := a.Get("/apis"); w.Header().Get("Cache-Status") != "" {
			t.Errorf("a route beside the path has Cache-Status: %s", w.Header().Get("Cache-Status"))
		}
	}
	if n := p.neighbour.Load(); n != 2 {
		t.Errorf("a route beside the path was called %d times for 2 requests", n)
	}
}

func TestWhatIsOutsideOfTheCacheIsAskedOnEveryHit(t *testing.T) {
	var p pages
	a := apptest.New(t, app.New(load(t)).Routes(p.routes(app.CacheResponses(app.ResponseRule{TTL: time.Minute}))).Cache())
	untilHit(t, a, "/guarded")
	handled, asked := p.guarded.Load(), p.guard.Load()
	a.Get("/guarded")
	if p.guarded.Load() != handled || p.guard.Load() != asked+1 {
		t.Errorf("a hit called the guard %d times and the handler %d times; want 1 and 0", p.guard.Load()-asked, p.guarded.Load()-handled)
	}
}

func TestResponsesAreInTheNamedCache(t *testing.T) {
	var p pages
	a := apptest.New(t, app.New(load(t)).Use("/", app.CacheResponses(app.ResponseRule{TTL: time.Minute})).Routes(p.routes()).Cache())
	untilHit(t, a, "/apis")
	if err := named(t, a.Registry(), "response_cache").Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.Get("/apis").Header().Get("Cache-Status"); strings.Contains(got, "hit") {
		t.Errorf("after a Clear of response_cache: %s", got)
	}
}

func TestWithoutACacheNothingIsStored(t *testing.T) {
	for name, b := range map[string]*app.Builder{
		"no Cache in the chain": app.New(load(t)),
		"none":                  app.New(load(t, "APP_STORES=response_cache=none")).Cache(),
	} {
		t.Run(name, func(t *testing.T) {
			var p pages
			a := apptest.New(t, b.Use("/", app.CacheResponses(app.ResponseRule{TTL: time.Minute})).Routes(p.routes()))
			for range 3 {
				if w := a.Get("/apis"); w.Code != http.StatusOK || strings.Contains(w.Header().Get("Cache-Status"), "stored") {
					t.Errorf("%d, Cache-Status: %s", w.Code, w.Header().Get("Cache-Status"))
				}
			}
			if n := p.neighbour.Load(); n != 3 {
				t.Errorf("the handler was called %d times for 3 requests", n)
			}
		})
	}
}

func TestWhereResponsesCannotBeKeptTheLogSaysSoOnce(t *testing.T) {
	var p pages
	var log bytes.Buffer
	b := app.New(load(t)).Store(memory(t)).Logger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
	a, err := b.Use("/", app.CacheResponses(app.ResponseRule{TTL: time.Minute})).Routes(p.routes()).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/apis", http.NoBody))
		if w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "responses are not cached") || !strings.Contains(got, "response_cache") {
		t.Errorf("the log says\n%s", got)
	}
}

func TestOneMiddlewareServesTwoServices(t *testing.T) {
	var p pages
	mw := app.CacheResponses(app.ResponseRule{TTL: time.Minute})
	a := apptest.New(t, app.New(load(t)).Use("/", mw).Routes(p.routes()).Cache())
	b := apptest.New(t, app.New(load(t)).Use("/", mw).Routes(p.routes()).Cache())
	untilHit(t, a, "/apis")
	if got := b.Get("/apis").Header().Get("Cache-Status"); strings.Contains(got, "hit") {
		t.Errorf("what one has stored is the other's: %s", got)
	}
	untilHit(t, a, "/apis")
}

func TestUseReports(t *testing.T) {
	tests := map[string]struct {
		use  func(*app.Builder)
		want string
	}{
		"a path that no route is under": {func(b *app.Builder) { b.Use("/api/v2", app.CacheResponses(app.ResponseRule{})) }, `use "/api/v2/": no route is under the path`},
		"a path that is part of a name": {func(b *app.Builder) { b.Use("/ap", app.CacheResponses(app.ResponseRule{})) }, `use "/ap/": no route is under the path`},
		"middleware that is nil":        {func(b *app.Builder) { b.Use("/apis", nil) }, `use "/apis": the middleware is nil`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var p pages
			b := silent(app.New(load(t))).Routes(p.routes()).Cache()
			tt.use(b)
			if _, err := b.Build(context.Background()); err == nil || err.Error() != tt.want {
				t.Errorf("%v; want %s", err, tt.want)
			}
		})
	}
}

func TestAWrongRuleEndsTheProgramAtItsStart(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "Rule.TTL is -1s") {
			t.Errorf("the panic is %q", p)
		}
	}()
	app.CacheResponses(app.ResponseRule{TTL: -time.Second})
}
