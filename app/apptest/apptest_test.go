package apptest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/wait"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func service(t *testing.T) *app.Builder {
	t.Helper()
	s, err := settings.Load([]string{"APP_DRAIN_DELAY=0s"})
	if err != nil {
		t.Fatal(err)
	}
	return app.New(s).Cache().Routes(func(e *echo.Echo) error {
		e.GET("/greeting", func(c echo.Context) error {
			name, found, err := cache.From(c).Get(c.Request().Context(), "name")
			if err != nil || !found {
				name = []byte("stranger")
			}
			return c.String(http.StatusOK, "hello, "+string(name))
		})
		e.POST("/name", func(c echo.Context) error {
			var body struct {
				Name string `json:"name"`
			}
			if err := c.Bind(&body); err != nil {
				return err
			}
			return cache.From(c).Set(c.Request().Context(), "name", []byte(body.Name), time.Minute)
		})
		return nil
	})
}

func TestAServiceInsideATest(t *testing.T) {
	a := apptest.New(t, service(t))
	if w := a.Get("/greeting"); w.Code != http.StatusOK || w.Body.String() != "hello, stranger" {
		t.Errorf("%d %q; want a greeting for a stranger", w.Code, w.Body)
	}
	if w := a.JSON(http.MethodPost, "/name", `{"name":"jam"}`); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := a.Get("/greeting"); w.Body.String() != "hello, jam" {
		t.Errorf("%q; want the name that was posted", w.Body)
	}
	if v, _, _ := a.Cache().Get(t.Context(), "name"); string(v) != "jam" {
		t.Errorf("the cache holds %q; want jam", v)
	}
	wait.Until(t, func() bool { return a.Get("/ready").Code == http.StatusOK })
}

func TestTheServiceIsStoppedWithTheTest(t *testing.T) {
	stopped := false
	t.Run("inner", func(t *testing.T) {
		apptest.New(t, service(t).Hook(lifecycle.Hook{Name: "worker", Stop: func(context.Context) error {
			stopped = true
			return nil
		}}))
	})
	if !stopped {
		t.Error("the hook was not stopped")
	}
}
