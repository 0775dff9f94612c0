package app

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/internal/web"
)

// Middleware makes Echo's middleware of any other: for [Builder.Use], an Echo group or one route.
//
//	auth, err := session.Authenticate(users.Find, nil)
//	…
//		Sessions("/", nil).
//		Use("/account", app.Middleware(auth.Handler)).
//
// Unlike with echo.WrapMiddleware, an error of a handler is answered before mw has returned, so mw sees every response, and a handler that goes on after mw has returned does not use
// the Echo context of another request. mw calls its handler with a context that is derived from the request's.
func Middleware(mw func(http.Handler) http.Handler) echo.MiddlewareFunc { return web.Adapt(mw) }
