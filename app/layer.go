package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// layer is middleware around the routes under a path.
type layer struct {
	path      string // without a slash at its end; "" is all
	unmatched bool   // it is around requests that match no route too
	mw        []echo.MiddlewareFunc
}

func newLayer(path string, unmatched bool, mw ...echo.MiddlewareFunc) layer {
	return layer{strings.TrimSuffix(path, "/"), unmatched, mw}
}

// wrap puts the layer around the routes that there are, those of the platform's come later.
func (l layer) wrap(e *echo.Echo) error {
	if !slices.ContainsFunc(e.Routes(), func(r *echo.Route) bool { return l.covers(r.Path) }) {
		return fmt.Errorf("use %q: no route is under the path", l.path+"/")
	}
	under := make(map[string]bool)
	for _, r := range e.Routes() {
		under[r.Path] = l.covers(r.Path)
	}
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			stray := l.unmatched && c.Path() == "" && l.covers(c.Request().URL.Path)
			if !under[c.Path()] && !stray {
				return next(c)
			}
			h := next
			for _, m := range slices.Backward(l.mw) {
				h = m(h)
			}
			return h(c)
		}
	})
	return nil
}

// covers tells of a route's path, with parameters as they are written there: what a client sends cannot get around a layer.
func (l layer) covers(route string) bool {
	return route == l.path || strings.HasPrefix(route, l.path+"/")
}
