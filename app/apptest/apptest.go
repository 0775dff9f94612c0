// Package apptest runs a service inside a test: everything that the process would start but the listener, no sockets.
//
//	func TestGreeting(t *testing.T) {
//		s, err := settings.Load(nil)
//		…
//		a := apptest.New(t, server(s))
//		if w := a.Get("/greeting"); w.Code != http.StatusOK { … }
//	}
package apptest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// App is a service that has been started. It is stopped when the test ends.
type App struct {
	t       testing.TB
	app     *app.App
	handler http.Handler
}

// New builds and starts a service, which logs to the test, and stops it when the test ends. A service that cannot be built,
// started or stopped fails the test. There is no drain delay to wait for unless the settings were loaded with one: tests best set
// APP_DRAIN_DELAY=0.
func New(t testing.TB, b *app.Builder) *App {
	t.Helper()
	a, err := b.Logger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))).Build(t.Context())
	if err != nil {
		t.Fatalf("build the service:\n%v", err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatalf("start the service:\n%v", err)
	}
	t.Cleanup(func() {
		// Not the test's context: that one has ended.
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop the service:\n%v", err)
		}
	})
	return &App{t: t, app: a, handler: a.Handler()}
}

// Cache is the cache that handlers get, nil where the service has none: to prepare a test and to look at what a handler left.
func (a *App) Cache() *cache.Cache { return a.app.Cache() }

// Registry has the named caches that handlers get, nil where the service has no cache.
func (a *App) Registry() *cache.Registry { return a.app.Registry() }

// Do answers a request: the recorder's Code, Header and Body are the response.
func (a *App) Do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

// Get answers a GET of target, a path with or without a query.
func (a *App) Get(target string) *httptest.ResponseRecorder {
	return a.Do(httptest.NewRequestWithContext(a.t.Context(), http.MethodGet, target, nil))
}

// JSON answers a request with a body of JSON.
func (a *App) JSON(method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(a.t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return a.Do(r)
}

// NewSession stores a session with a user and data, and returns the cookie to use it with. user may be "", which is nobody; data are what encoding/json makes of them, nil is none. It fails the
// test where the service has no sessions or they cannot be stored.
func (a *App) NewSession(user string, data any) *http.Cookie {
	a.t.Helper()
	c, err := a.sessions().Create(a.t.Context(), user, data)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// ReadSession reads the data of the session that a cookie is for into what into points to, and tells whether there is one: the cookie is NewSession's, or one of a response (as
// Result().Cookies() has them). It fails the test where the service has no sessions or they cannot be read.
func (a *App) ReadSession(c *http.Cookie, into any) (found bool) {
	a.t.Helper()
	found, err := a.sessions().Read(a.t.Context(), c, into)
	if err != nil {
		a.t.Fatal(err)
	}
	return found
}

func (a *App) sessions() *session.Sessions {
	a.t.Helper()
	if a.app.Sessions() == nil {
		a.t.Fatal("the service has no sessions: Builder.Sessions gives it some")
	}
	return a.app.Sessions()
}
