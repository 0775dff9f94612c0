package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/settings"
)

// A backend of the program's own is one line of the chain; APP_CACHE_BACKEND=shelf chooses it.
func ExampleBuilder_Backend() {
	openShelf := func(context.Context, settings.Settings) (cache.Store, error) {
		return memstore.New(&memstore.Options{MaxEntries: 3}) // or a type of one's own with the methods of cache.Store
	}
	s, err := settings.Load([]string{"APP_CACHE_BACKEND=shelf", "APP_DRAIN_DELAY=0s"})
	if err != nil {
		panic(err)
	}
	a, err := app.New(s).
		Logger(slog.New(slog.DiscardHandler)).
		Backend("shelf", openShelf).
		Cache().
		Routes(func(e *echo.Echo) error {
			e.GET("/", func(c echo.Context) error {
				first, err := cache.From(c).Add(c.Request().Context(), "visited", nil, cache.Forever)
				if err != nil {
					return err
				}
				return c.JSON(http.StatusOK, map[string]bool{"first": first})
			})
			return nil
		}).
		Build(context.Background())
	if err != nil {
		panic(err)
	}
	if err := a.Start(context.Background()); err != nil {
		panic(err)
	}
	for range 2 {
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Print(w.Body)
	}
	if err := a.Stop(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// {"first":true}
	// {"first":false}
}

// run builds and starts a service and answers requests of one visitor, who keeps the cookie.
func run(b *app.Builder, requests ...string) {
	a, err := b.Logger(slog.New(slog.DiscardHandler)).Build(context.Background())
	if err != nil {
		panic(err)
	}
	if err := a.Start(context.Background()); err != nil {
		panic(err)
	}
	cookies := make(map[string]*http.Cookie)
	for _, path := range requests {
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		for _, c := range cookies {
			r.AddCookie(c)
		}
		a.Handler().ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			cookies[c.Name] = c
		}
		fmt.Println(path, w.Code, strings.TrimSuffix(w.Body.String(), "\n"))
	}
	if err := a.Stop(context.Background()); err != nil {
		panic(err)
	}
}

// Visits is what this program keeps of a visitor.
type Visits struct {
	Count int `json:"count"`
}

// Sessions and what is only for users: middleware of net/http is middleware of the chain.
func ExampleBuilder_Sessions() {
	find := func(_ context.Context, user string) (string, error) { return "the account of " + user, nil } // in the program's database
	auth, err := session.Authenticate(find, nil)
	if err != nil {
		panic(err)
	}
	s, err := settings.Load([]string{"APP_DRAIN_DELAY=0s"})
	if err != nil {
		panic(err)
	}
	run(app.New(s).
		Sessions("/", nil).
		Use("/account", app.Middleware(auth.Handler)).
		Cache().
		Routes(func(e *echo.Echo) error {
			e.GET("/", func(c echo.Context) error {
				ctx := c.Request().Context()
				if err := session.Update(ctx, func(v *Visits) error { v.Count++; return nil }); err != nil {
					return err
				}
				v, err := session.Get[Visits](ctx)
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, fmt.Sprint("visit ", v.Count))
			})
			e.GET("/login", func(c echo.Context) error { // after it has seen a password
				if err := session.From(c.Request().Context()).Login(c.Request().Context(), "alice"); err != nil {
					return err
				}
				return c.String(http.StatusOK, "in")
			})
			e.GET("/account", func(c echo.Context) error {
				account, _ := session.UserOf[string](c.Request().Context())
				return c.String(http.StatusOK, account)
			})
			return nil
		}), "/", "/", "/account", "/login", "/account")
	// Output:
	// / 200 visit 1
	// / 200 visit 2
	// /account 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"This needs a session that somebody has logged in to."}
	// /login 200 in
	// /account 200 the account of alice
}

// Two limiters: what is under the second one's path has to pass both.
func ExampleBuilder_RateLimit() {
	s, err := settings.Load([]string{"APP_DRAIN_DELAY=0s", "APP_RATE_LIMIT_REQUESTS=3"})
	if err != nil {
		panic(err)
	}
	greet := func(c echo.Context) error { return c.String(http.StatusOK, "hello") }
	run(app.New(s).
		RateLimit("/", nil).
		RateLimit("/search", &app.RateLimitOptions{Name: "search", Limits: []cache.Limit{{Requests: 1, Period: time.Hour}}}).
		Cache().
		Routes(func(e *echo.Echo) error {
			e.GET("/", greet)
			e.GET("/search", greet)
			return nil
		}), "/search", "/")
	// Output:
	// /search 200 hello
	// / 200 hello
}
