package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

// TestMain runs the tests, or, in a process that a test has started, one of the programs.
func TestMain(m *testing.M) {
	if name := os.Getenv("APP_TEST_PROGRAM"); name != "" {
		os.Exit(app.Main(program(name)))
	}
	goleak.VerifyTestMain(m)
}

// program is a service with a fault in it.
func program(name string) func(settings.Settings) *app.Builder {
	return func(s settings.Settings) *app.Builder {
		b := app.New(s).Cache().Routes(func(e *echo.Echo) error {
			// Whether this is the first visit, to the default cache or to the named one.
			e.GET("/first/:name", func(c echo.Context) error {
				visited, err := cache.From(c), error(nil)
				if name := c.Param("name"); name != "default" {
					visited, err = cache.RegistryFrom(c).Get(name)
				}
				if err != nil {
					return err
				}
				first, err := visited.Add(c.Request().Context(), "visit", nil, cache.Forever)
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, fmt.Sprint(first))
			})
			e.GET("/until-stopped", func(c echo.Context) error {
				stop := make(chan os.Signal, 1)
				signal.Notify(stop, syscall.SIGTERM)
				defer signal.Stop(stop)
				select {
				case <-stop:
					return c.String(http.StatusOK, "finished")
				case <-c.Request().Context().Done():
					return c.Request().Context().Err()
				}
			})
			e.GET("/stream", func(c echo.Context) error {
				for i := 0; c.Request().Context().Err() == nil; i++ {
					fmt.Fprintln(c.Response(), i)
					c.Response().Flush()
				}
				return nil
			})
			return nil
		})
		quiet := lifecycle.Hook{Name: "first", Stop: say("first stopped")}
		switch name {
		case "plain":
		case "the backend hangs while it opens":
			b.Backend("slow", func(ctx context.Context, _ settings.Settings) (cache.Store, error) {
				fmt.Println("opening")
				<-ctx.Done()
				return nil, ctx.Err()
			})
		case "a hook hangs":
			b.Hook(quiet)
			b.Hook(lifecycle.Hook{Name: "stubborn", Timeout: 300 * time.Millisecond, Stop: func(context.Context) error { select {} }})
			b.Hook(lifecycle.Hook{Name: "last", Stop: say("last stopped")})
		case "a hook panics":
			b.Hook(quiet)
			b.Hook(lifecycle.Hook{Name: "nervous", Stop: func(context.Context) error { panic("oh no") }})
			b.Hook(lifecycle.Hook{Name: "last", Stop: say("last stopped")})
		case "the store fails to close":
			b.Store(unclosable()).Hook(quiet)
		case "accounts":
			b.Sessions("/", nil).Routes(accounts)
		case "a hook fails to start":
			b.Hook(quiet)
			b.Hook(lifecycle.Hook{Name: "broken", Start: func(context.Context) error { return errors.New("no fuel") }})
		}
		return b
	}
}

func say(what string) func(context.Context) error {
	return func(context.Context) error {
		fmt.Println(what)
		return nil
	}
}

type stuck struct{ cache.Store }

func (s stuck) Close() error { return errors.New("the lid is stuck") }

func unclosable() cache.Store {
	s, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	return stuck{s}
}
