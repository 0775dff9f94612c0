package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/internal/wait"
)

// stale is what makes a response one that is always served while it is refreshed.
const stale = "max-age=0, stale-while-revalidate=600"

// recycle is middleware outside of the cache that gives each request's context a visitor, and leaves it in no state to be used.
func recycle(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set("visitor", c.Request().Header.Get("X-Visitor"))
		err := next(c)
		c.Set("visitor", "recycled")
		c.SetPath("/recycled")
		c.SetParamNames("recycled")
		c.SetParamValues("recycled")
		return err
	}
}

func TestARefreshRunsOnAnEchoContextOfItsOwn(t *testing.T) {
	gate := make(chan struct{})
	var refreshes atomic.Int64
	a := apptest.New(t, app.New(load(t)).Routes(func(e *echo.Echo) error {
		e.GET("/pages/:id", func(c echo.Context) error {
			visitor, inRequest := c.Get("visitor").(string)
			if !inRequest {
				<-gate // by now the request has ended, and others use its context
				refreshes.Add(1)
			}
			c.Response().Header().Set("Cache-Control", stale)
			c.Response().Header().Set("X-Refresh", fmt.Sprint(!inRequest))
			if err := c.Request().Context().Err(); err != nil {
				return err
			}
			again, _ := c.Get("visitor").(string)
			if again != visitor {
				t.Errorf("the visitor changes from %q to %q", visitor, again)
			}
			return c.String(http.StatusOK, c.Path()+" "+c.Param("id")+" "+c.Request().URL.Path+" "+c.QueryParam("q"))
		}, recycle, app.CacheResponses(app.ResponseRule{}))
		return nil
	}).Cache())
	check := func(id int) (refreshed bool) {
		path := fmt.Sprintf("/pages/%d", id)
		w := a.Get(path + "?q=" + fmt.Sprint(id))
		if want := fmt.Sprintf("/pages/:id %d %s %d", id, path, id); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%d %q, want %q; %s", w.Code, w.Body, want, w.Header().Get("Cache-Status"))
		}
		return w.Header().Get("X-Refresh") == "true"
	}
	all := func() {
		var group sync.WaitGroup
		for id := range 20 {
			group.Go(func() {
				for range 20 {
					check(id)
				}
			})
		}
		group.Wait()
	}
	all()
	close(gate)
	all()
	for id := range 20 {
		wait.Until(t, func() bool { return check(id) })
	}
	if refreshes.Load() == 0 {
		t.Error("nothing was refreshed")
	}
}

func TestARefreshThroughEchoMayFailInAnyWay(t *testing.T) {
	tests := map[string]struct {
		refresh echo.HandlerFunc
		logs    string // "": nothing
	}{
		"an error": {func(echo.Context) error { return echo.NewHTTPError(http.StatusBadGateway, "down") }, "down"},
		"a panic":  {func(echo.Context) error { panic("boom") }, "boom"},
		"an abort": {func(echo.Context) error { panic(http.ErrAbortHandler) }, ""},
		"a flush":  {func(c echo.Context) error { c.Response().Flush(); return c.String(http.StatusOK, "flushed") }, ""},
		"an error after a part": {func(c echo.Context) error {
			_ = c.String(http.StatusOK, strings.Repeat("x", 5000))
			return echo.ErrTeapot
		}, ""},
		"a panic after a part": {func(c echo.Context) error { _ = c.String(http.StatusOK, strings.Repeat("x", 5000)); panic("boom") }, "boom"},
		"a cookie": {func(c echo.Context) error {
			c.SetCookie(&http.Cookie{Name: "session", Value: "1"})
			return c.String(http.StatusOK, "hers")
		}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log := &lockedBuffer{}
			var failures atomic.Int64
			b := app.New(load(t)).Logger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))).Routes(func(e *echo.Echo) error {
				e.GET("/page", func(c echo.Context) error {
					c.Response().Header().Set("Cache-Control", stale)
					if c.Get("visitor") == nil && failures.Load() < 1 {
						defer failures.Add(1)
						return tt.refresh(c)
					}
					if failures.Load() > 0 {
						return c.String(http.StatusOK, "new")
					}
					return c.String(http.StatusOK, "old")
				}, recycle, app.CacheResponses(app.ResponseRule{}))
				return nil
			}).Cache()
			a, err := b.Build(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			get := func() *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				a.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/page", http.NoBody))
				return w
			}
			get()
			wait.Until(t, func() bool {
				w := get()
				if body := w.Body.String(); w.Code != http.StatusOK || body != "old" && body != "new" {
					t.Errorf("%d %.20q, %s", w.Code, body, w.Header().Get("Cache-Status"))
				}
				return w.Body.String() == "new"
			})
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if got := log.String(); tt.logs == "" && got != "" || !strings.Contains(got, tt.logs) {
				t.Errorf("the log says %.400q, want %q in it", got, tt.logs)
			}
		})
	}
}
