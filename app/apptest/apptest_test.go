package apptest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
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

type basket struct {
	Items []string `json:"items"`
}

func TestATestReadsAndWritesSessions(t *testing.T) {
	a := apptest.New(t, service(t).Sessions("/", nil).Routes(func(e *echo.Echo) error {
		e.PUT("/basket/:item", func(c echo.Context) error {
			return session.Update(c.Request().Context(), func(b *basket) error {
				b.Items = append(b.Items, c.Param("item"))
				return nil
			})
		})
		e.GET("/who", func(c echo.Context) error {
			user, err := session.From(c.Request().Context()).User(c.Request().Context())
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, user)
		})
		return nil
	}))
	cookie := a.NewSession("alice", basket{Items: []string{"jam"}})
	ask := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
		r.AddCookie(cookie)
		return a.Do(r)
	}
	if w := ask(http.MethodGet, "/who"); w.Body.String() != "alice" {
		t.Errorf("the user is %q, want alice", w.Body)
	}
	ask(http.MethodPut, "/basket/tea")
	var got basket
	if !a.ReadSession(cookie, &got) || !slices.Equal(got.Items, []string{"jam", "tea"}) {
		t.Errorf("the session has %q", got.Items)
	}

	of := a.Do(httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/basket/honey", http.NoBody)).Result().Cookies()
	if got = (basket{}); len(of) != 1 || !a.ReadSession(of[0], &got) || !slices.Equal(got.Items, []string{"honey"}) {
		t.Errorf("the session of the response's cookies %v has %q", of, got.Items)
	}
	if a.ReadSession(&http.Cookie{Name: cookie.Name, Value: "nobody's"}, &got) {
		t.Error("there is a session for a cookie that nobody has")
	}
}
