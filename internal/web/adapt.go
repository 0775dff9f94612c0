package web

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/labstack/echo/v4"
)

// Adapt makes middleware for net/http usable in Echo: for all routes, a group or one route. mw is called once.
//
// An error of the inner handler is answered inside, so that mw sees the response that the client will get, whatever
// it does with it. mw may hand on another request or writer; the inner handler gets them.
//
// The inner handler runs on the request's own echo.Context when mw calls it for this request: with a writer that
// unwraps to the one mw got, or with a context that ends when the request's does. In any other call, such as a refresh in the
// background or the goroutine of http.TimeoutHandler, it runs on a context of its own. That one has the route and its
// parameters but not what Context.Set has stored, for Echo uses the request's context again for other
// requests. What must be seen there too belongs in the request's context.Context, which mw must hand on.
func Adapt(mw func(http.Handler) http.Handler) echo.MiddlewareFunc {
	h := mw(http.HandlerFunc(serveInner))
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			k := &call{
				Context: r.Context(), c: c, res: c.Response(), done: r.Context().Done(), next: next,
				echo: c.Echo(), path: c.Path(), names: c.ParamNames(), handler: c.Handler(),
			}
			if len(k.names) > 0 {
				k.values = slices.Clone(c.ParamValues())
			}
			// Also on a panic: c goes back to Echo's pool, or to the recovery, when this returns.
			defer k.end()
			h.ServeHTTP(k.res, r.WithContext(k))
			return nil
		}
	}
}

// call is one request on its way through adapted middleware, and the context by which it is found again.
type call struct {
	context.Context //nolint:containedctx // it is one

	mu sync.Mutex   // held by whoever uses c
	c  echo.Context // nil once the middleware has returned

	// What does not change, and what a context of its own is made from.
	res     *echo.Response
	done    <-chan struct{}
	next    echo.HandlerFunc
	echo    *echo.Echo
	path    string
	names   []string
	values  []string
	handler echo.HandlerFunc
}

type callKey struct{}

// Value returns the call itself for callKey, and else what the request's context has.
func (k *call) Value(key any) any {
	if key == (callKey{}) {
		return k
	}
	return k.Context.Value(key)
}

// end takes the context away. It waits for an inner handler that still uses it in another goroutine.
func (k *call) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.c = nil
}

// serveInner is the innermost http.Handler: it goes on in Echo.
func serveInner(w http.ResponseWriter, r *http.Request) {
	k, ok := r.Context().Value(callKey{}).(*call)
	if !ok {
		panic("web: Adapt: the middleware called its handler with a context that is not derived from the request's")
	}
	if k.belongs(w, r) && k.mu.TryLock() {
		defer k.mu.Unlock()
		if k.c != nil {
			k.serve(w, r)
			return
		}
	}
	k.serveDetached(w, r)
}

// belongs reports whether a call with w and r is part of the request, and not work of its own.
func (k *call) belongs(w http.ResponseWriter, r *http.Request) bool {
	if k.done != nil && r.Context().Done() == k.done {
		return true
	}
	for {
		if res, ok := w.(*echo.Response); ok && res == k.res {
			return true
		}
		wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = wrapped.Unwrap()
	}
}

// serve runs the inner handler on the request's context and leaves that as it was.
func (k *call) serve(w http.ResponseWriter, r *http.Request) {
	c, outer, res := k.c, k.c.Request(), k.c.Response()
	defer func() {
		if outer.MultipartForm == nil {
			outer.MultipartForm = c.Request().MultipartForm // so that its files are removed at the end
		}
		c.SetRequest(outer)
		c.SetResponse(res)
	}()
	c.SetRequest(r)
	if same, ok := w.(*echo.Response); !ok || same != res {
		c.SetResponse(newResponse(w, k.echo))
	}
	if err := k.next(c); err != nil {
		c.Error(err)
	}
}

// serveDetached runs the inner handler on a context and an exchange of its own.
func (k *call) serveDetached(w http.ResponseWriter, r *http.Request) {
	var own *exchange
	if x := exchangeOf(r.Context()); x != nil {
		own = &exchange{Context: r.Context(), stack: x.stack, id: x.id}
		r = r.WithContext(own)
	}
	c := k.echo.NewContext(r, nil)
	c.SetResponse(newResponse(w, k.echo))
	c.SetPath(k.path)
	c.SetParamNames(k.names...)
	c.SetParamValues(k.values...)
	c.SetHandler(k.handler)
	if err := k.next(c); err != nil {
		c.Error(err)
	}
	if own != nil {
		own.stack.reportDetached(own, k.path)
	}
}

// newResponse starts with the status that Echo's own responses start with.
func newResponse(w http.ResponseWriter, e *echo.Echo) *echo.Response {
	res := echo.NewResponse(w, e)
	res.Status = http.StatusOK
	return res
}
