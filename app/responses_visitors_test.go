package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/internal/wait"
)

// visitors is middleware of the kind that gives every visitor a session, a token for its forms and a count of what it may still ask.
func visitors(next echo.HandlerFunc) echo.HandlerFunc {
	var count atomic.Int64
	return func(c echo.Context) error {
		n := count.Add(1)
		visitor := c.Request().Header.Get("X-Visitor")
		c.Response().Before(func() {
			c.SetCookie(&http.Cookie{Name: "session", Value: visitor})
			c.Response().Header().Set("X-Csrf-Token", "of "+visitor)
			c.Response().Header().Set("X-Ratelimit-Remaining", fmt.Sprint(n))
		})
		return next(c)
	}
}

func TestEchoMiddlewareOfOneVisitorReachesNoOther(t *testing.T) {
	page := func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=600")
		return c.String(http.StatusOK, "page")
	}
	cached := app.CacheResponses(app.ResponseRule{})
	for name, tt := range map[string]struct {
		around []echo.MiddlewareFunc
		stored bool
	}{
		"outside of the cache": {[]echo.MiddlewareFunc{visitors, cached}, true},
		"inside of the cache":  {[]echo.MiddlewareFunc{cached, visitors}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.New(t, app.New(load(t)).Routes(func(e *echo.Echo) error {
				e.GET("/page", page, tt.around...)
				return nil
			}).Cache())
			ids := map[string]bool{}
			ask := func(visitor string) (hit bool) {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/page", http.NoBody)
				r.Header.Set("X-Visitor", visitor)
				w := a.Do(r)
				h := w.Header()
				if w.Body.String() != "page" || h.Get("X-Csrf-Token") != "of "+visitor || len(h.Values("Set-Cookie")) != 1 || !strings.HasPrefix(h.Get("Set-Cookie"), "session="+visitor+";") && h.Get("Set-Cookie") != "session="+visitor {
					t.Errorf("%s has %v", visitor, h)
				}
				id := h.Get("X-Request-Id") + h.Get("X-Ratelimit-Remaining")
				if ids[id] || len(h.Values("X-Request-Id")) != 1 {
					t.Errorf("%s has the request id and the rest of another: %v", visitor, h)
				}
				ids[id] = true
				return strings.Contains(h.Get("Cache-Status"), "; hit")
			}
			if tt.stored {
				wait.Until(t, func() bool { return ask("ann") })
			}
			for _, visitor := range []string{"ann", "bob", "eve", "ann"} {
				if ask(visitor) != tt.stored {
					t.Errorf("that %s is answered from the store is %v", visitor, !tt.stored)
				}
			}
		})
	}
}
