package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// statusClientClosedRequest is what nginx logs when the client left before it was answered. It is never sent.
	statusClientClosedRequest = 499

	// A request line may be 64 KiB long; a log line should not be.
	maxPathInLog   = 1024
	maxMethodInLog = 32
)

// exchange is one request and its response. It is the request's context at the same time, which saves an allocation
// and puts the request id within reach of everything below.
type exchange struct {
	context.Context
	stack  *stack
	id     string
	start  time.Time
	cancel context.CancelFunc
	body   body
	w      writer

	err      error // what the handler or the stack returned; nil if nothing failed
	status   int   // for the log, where it differs from the one sent; else 0
	answered bool  // err has been answered with a problem, the response is whole
	returned bool  // the handler came back, whatever it returned
}

type exchangeKey struct{}

// Value gives the exchange itself for its own key and asks the request's context for all others.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	return x.Context.Value(key)
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// serve runs next within the stack. It leaves nothing for Echo to do: errors are answered here.
func (s *stack) serve(c echo.Context, next echo.HandlerFunc) {
	x := s.begin(c)
	defer s.end(c, x)
	if r := c.Request(); r.Method == http.MethodOptions && r.URL.Path == "*" {
		next = noContent // it asks about the server as a whole (RFC 9110 section 9.3.7), for which there is no route
	}
	if err := next(c); err != nil {
		c.Error(err)
	}
	x.returned = true
}

func noContent(c echo.Context) error { return c.NoContent(http.StatusNoContent) }

func (s *stack) begin(c echo.Context) *exchange {
	if s.InFlight != nil {
		s.InFlight(+1)
	}
	r, raw := c.Request(), c.Response().Writer
	x := &exchange{Context: r.Context(), stack: s, id: requestID(r), start: time.Now()}
	if s.RequestTimeout > 0 {
		x.Context, x.cancel = context.WithTimeout(x.Context, s.RequestTimeout)
	}
	x.w = writer{ResponseWriter: raw, id: x.id, draining: s.Draining, ownDeadline: r.ProtoMajor != 1}
	r = r.WithContext(x)
	if r.Body != nil && r.Body != http.NoBody {
		x.body.raw, x.body.limited, x.body.expects = r.Body, r.Body, r.Header.Get("Expect") != ""
		// net/http recognises its own writer only, and closes the connection of a body that was too long.
		if s.MaxBodyBytes > 0 {
			x.body.limited = http.MaxBytesReader(raw, r.Body, s.MaxBodyBytes)
		}
		r.Body = &x.body
		if s.RequestTimeout > 0 {
			// net/http takes it away at the end of the body. A recorder has none.
			_ = http.NewResponseController(raw).SetReadDeadline(x.start.Add(s.RequestTimeout + bodyGrace))
		}
	}
	c.SetRequest(r)
	c.Response().Writer = &x.w
	return x
}

// admit refuses what no handler should see. It runs after routing, so that a refusal is counted under its route.
func (s *stack) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if s.MaxBodyBytes > 0 && r.ContentLength > s.MaxBodyBytes {
			return &http.MaxBytesError{Limit: s.MaxBodyBytes}
		}
		if err := s.crossOrigin.Check(r); err != nil {
			return NewProblem(http.StatusForbidden, "This request came from a page of another origin.")
		}
		return next(c)
	}
}

// end is deferred: it is the recovery as well. A response that cannot be whole any more is cut off by panicking with
// http.ErrAbortHandler, which makes net/http close the connection: a client must not take half an answer for all of it.
func (s *stack) end(c echo.Context, x *exchange) {
	var trace []byte
	cut := !x.returned
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		trace = debug.Stack()
		x.err = fmt.Errorf("panic: %v", v)
		if cut = x.w.started(); !cut {
			// Written past Echo's response: what the panic has left behind there is unknown.
			dropSuccessHeaders(x.w.Header())
			x.w.Header().Del(echo.HeaderContentEncoding)
			WriteProblem(&x.w, c.Request(), internalProblem())
		}
	}
	x.w.finish()
	if x.cancel != nil {
		defer x.cancel()
	}
	if s.InFlight != nil {
		s.InFlight(-1)
	}
	if form := c.Request().MultipartForm; form != nil {
		_ = form.RemoveAll() // net/http would, but only for the request that it made itself
	}
	s.report(c, x, cut, trace)
	if cut {
		panic(http.ErrAbortHandler)
	}
	x.linger(c.Request()) // after the log line, for it is no part of the answer
}

// report writes the log line and the metric.
func (s *stack) report(c echo.Context, x *exchange, cut bool, trace []byte) {
	r, elapsed := c.Request(), time.Since(x.start)
	status := x.w.status
	switch {
	case x.status != 0:
		status = x.status
	case cut && errors.Is(x.Err(), context.Canceled):
		status = statusClientClosedRequest
	case cut:
		status = http.StatusInternalServerError
	}
	route := c.Path()
	if route == "" {
		route = "unmatched"
	}
	if s.Observe != nil {
		s.Observe(route, methodLabel(r.Method), status, elapsed)
	}

	level := slog.LevelInfo
	quiet := slices.Contains(s.Quiet, r.URL.Path)
	switch {
	case quiet && (status < http.StatusInternalServerError || status == http.StatusServiceUnavailable):
		level = slog.LevelDebug // not ready is a probe's answer, given as often as somebody asks
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	if !s.log.Enabled(x, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("method", cutString(r.Method, maxMethodInLog)),
		slog.String("path", cutString(r.URL.Path, maxPathInLog)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", x.w.bytes),
		slog.Duration("duration", elapsed),
		slog.String("client", s.proxies.client(r)),
		slog.String("request_id", x.id),
	)
	if cut {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if x.err != nil && (cut || status >= statusClientClosedRequest) {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	if trace != nil {
		attrs = append(attrs, slog.String("stack", string(trace)))
	}
	s.log.LogAttrs(x, level, "request", attrs...)
}

// methodLabel keeps what a client may invent out of the metrics.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "OTHER"
}

// cutString keeps the first n bytes of s at most. slog escapes what a cut character leaves.
func cutString(s string, n int) string { return s[:min(n, len(s))] }
