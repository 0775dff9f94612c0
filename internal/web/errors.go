package web

import (
	"context"
	"errors"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
)

// handleError answers err, which came out of a handler or a middleware. It is Echo's HTTPErrorHandler.
//
// An error after the response was started cannot be answered: it panics with http.ErrAbortHandler, so that the
// connection is cut. An error after this has answered one is ignored: middleware of Echo's world reports an error with
// Context.Error and returns it as well.
func (s *stack) handleError(err error, c echo.Context) {
	r, res := c.Request(), c.Response()
	x := exchangeOf(r.Context())
	if x == nil {
		x = &exchange{} // a context that did not come through the stack, in a test say
	}
	if x.answered {
		return
	}
	p, logged := problemOf(err, r.Context())
	x.err, x.status = err, logged
	if res.Committed || x.w.started() {
		if x.status == 0 {
			x.status = http.StatusInternalServerError
			if _, ok := errors.AsType[*brokenBody](err); ok {
				x.status = p.status() // the client's doing, though it has got the start of another answer
			}
		}
		if x.w.hijacked {
			return // the connection is not ours to cut
		}
		panic(http.ErrAbortHandler)
	}
	x.answered = true
	dropSuccessHeaders(res.Header())
	x.hurry(r)
	WriteProblem(res, r, p)
}

// dropSuccessHeaders takes away what the handler had said about the answer that did not come: an error must not be
// kept by caches as long as that would have been, nor under its validators.
func dropSuccessHeaders(h http.Header) {
	h.Del(echo.HeaderCacheControl)
	h.Del("Etag")
	h.Del("Expires")
	h.Del(echo.HeaderLastModified)
}

func internalProblem() *Problem {
	return NewProblem(http.StatusInternalServerError, "An unexpected error occurred.")
}

// problemOf says what the client gets to know of err. logged is the status for the log where it is another, else 0.
// ctx is the request's.
func problemOf(err error, ctx context.Context) (p *Problem, logged int) {
	if b, ok := errors.AsType[*brokenBody](err); ok {
		return b.problem, b.logged
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p, 0
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok || errors.Is(err, multipart.ErrMessageTooLarge) {
		return NewProblem(http.StatusRequestEntityTooLarge, "The body is too long."), 0
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		switch {
		case expired(ctx):
			return NewProblem(http.StatusServiceUnavailable, "The request took too long."), 0
		case ctx.Err() != nil:
			// Nobody reads this, unless it was the service that gave up because it has to stop.
			return NewProblem(http.StatusServiceUnavailable, "The request was cancelled."), statusClientClosedRequest
		}
	}
	if errors.Is(err, cache.ErrUnavailable) {
		return NewProblem(http.StatusServiceUnavailable, "A service that this one depends on is not available."), 0
	}
	if b, ok := errors.AsType[*echo.BindingError](err); ok {
		return &Problem{
			Status: http.StatusBadRequest,
			Detail: "A value of the request has the wrong form.",
			Errors: []FieldError{{Field: b.Field, Detail: "has the wrong form"}},
		}, 0
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok && he.Code >= 400 && he.Code < 500 {
		return NewProblem(he.Code, publicMessage(he)), 0
	} else if ok && he.Code > 500 && he.Code <= 599 {
		return NewProblem(he.Code, ""), 0
	}
	return internalProblem(), 0
}

// expired reports whether ctx ended by its deadline. The clock is asked too, because code that gives the deadline to
// the operating system may come back before the context's own timer has fired.
func expired(ctx context.Context) bool {
	if err := ctx.Err(); err != nil {
		return errors.Is(err, context.DeadlineExceeded)
	}
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// publicMessage is what he says to the client, empty if that is no more than the phrase of its status. Echo's binder
// puts the text of parsers into its messages; that is not for the public.
func publicMessage(he *echo.HTTPError) string {
	message, _ := he.Message.(string)
	if message == http.StatusText(he.Code) {
		return ""
	}
	if he.Internal != nil && strings.Contains(message, he.Internal.Error()) {
		return "A value of the request has the wrong form."
	}
	return message
}

// reportDetached logs what went wrong in a handler that ran apart from its request, where no log line would tell.
func (s *stack) reportDetached(x *exchange, route string) {
	if x.err == nil {
		return
	}
	p, _ := problemOf(x.err, x)
	if p.status() < http.StatusInternalServerError {
		return
	}
	s.log.LogAttrs(x, slog.LevelError, "request in the background",
		slog.String("route", route),
		slog.Int("status", p.status()),
		slog.String("request_id", x.id),
		slog.String("error", x.err.Error()),
	)
}
