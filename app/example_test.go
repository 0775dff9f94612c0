package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
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
