// Package web is everything in this service that must know Echo's server side: the stack that every request passes,
// problem responses (RFC 9457), strict JSON bodies, the adapter for net/http middleware and the http.Server itself.
//
// [New] gives an Echo that is ready for routes. Whatever happens to a request that reaches it, it leaves with a request id
// in its header, one log line, and, where it failed, a body of type application/problem+json that carries the same id and
// nothing internal.
//
// What net/http itself refuses never reaches it: a malformed request line or header (400), an Expect that is not
// 100-continue (417), headers that are too long (431), an unknown Transfer-Encoding (501), another major version of HTTP (505).
// Those answers have a line of plain text or no body, no request id and no log line; headers that do not arrive in
// time have no answer at all.
package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/gommon/log"
)

// Options is what [New] has to be told. The zero value is valid: no limits, no proxies, no log.
type Options struct {
	// Logger gets one line a request. nil discards them.
	Logger *slog.Logger

	// RequestTimeout is the deadline of each request's context, counted from when its headers have been read, and of its
	// body: a handler that reads from one that has not arrived by then (and 100 ms more) gets an error that becomes a 408. One
	// that expects long uploads moves that limit with http.ResponseController.SetReadDeadline. Nothing else ends by it: a
	// handler that streams and does not look at its context goes on. 0: none.
	RequestTimeout time.Duration

	// MaxBodyBytes is the longest request body that is accepted; a longer one gets a 413. After any refusal but a
	// 408, up to 64 MiB of a body that is still being sent are thrown away for up to 5 seconds, so that the client gets to see it;
	// the refusal of a short body that does not arrive is sent after 5 seconds at the latest. 0: no limit.
	MaxBodyBytes int64

	// TrustedProxies are the networks whose word in X-Forwarded-For and X-Forwarded-Proto is believed.
	// Without any, the client is whoever opened the connection.
	TrustedProxies []netip.Prefix

	// Draining is asked before each response is started. While it says true the response carries Connection: close,
	// so that clients move to another instance. It is called by many goroutines at once. nil: never.
	Draining func() bool

	// Observe is told about every finished request. route is the template of the route ("/api/v1/items/:id") or
	// "unmatched", method is one of the nine of RFC 9110 and 5789 or "OTHER": both are safe as metric labels. status is
	// the one in the log: 499 where the client left before an answer, 500 where a response was cut short. nil is fine.
	Observe func(route, method string, status int, elapsed time.Duration)

	// InFlight is told +1 when a request begins and -1 when it ends. nil is fine.
	InFlight func(delta int)

	// Quiet are exact paths whose requests are logged at debug unless they fail with a 5xx other than 503, which is how a
	// probe says no: probes and metrics.
	Quiet []string
}

// stack is what all requests of one Echo share. It is not changed after New.
type stack struct {
	Options
	log         *slog.Logger
	proxies     proxies
	crossOrigin *http.CrossOriginProtection
}

// New makes an Echo with the whole stack in place; the caller adds the routes. In this order, from the outside:
// request id, log line, metrics, recovery, error responses, deadline, limit while a body is read, Echo's pre-middleware,
// routing, refusal of bodies that are announced too long and of cross-origin requests.
//
// Decisions that differ from Echo's own: a route for GET also answers HEAD (a HEAD route that was added before wins);
// Context.Bind decodes JSON as strictly as [DecodeJSON]; Context.RealIP and Context.Scheme believe TrustedProxies only;
// what Echo logs itself goes to Logger as warnings. The stack is a pre-middleware, so middleware added later is inside it.
// It hands on a copy of the request: a pre-middleware that assigns to Request().Method does not reach the router.
func New(o Options) *echo.Echo {
	s := &stack{Options: o, log: o.Logger, proxies: o.TrustedProxies, crossOrigin: http.NewCrossOriginProtection()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(lineLogger{s.log})
	e.Logger.SetHeader("")
	e.Logger.SetLevel(log.WARN)
	e.StdLogger = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	e.HTTPErrorHandler = s.handleError
	e.JSONSerializer = serializer{}
	e.IPExtractor = s.proxies.client
	e.SchemeExtractor = s.proxies.scheme
	e.OnAddRouteHandler = func(host string, r echo.Route, h echo.HandlerFunc, mw []echo.MiddlewareFunc) {
		if r.Method == http.MethodGet {
			addHead(e, host, r.Path, h, mw)
		}
	}
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			s.serve(c, next)
			return nil
		}
	})
	e.Use(s.admit)
	return e
}

// addHead makes a GET route answer HEAD too, as RFC 9110 section 9.1 asks of every server. The handler runs as for
// GET and net/http drops the body. As a route of its own it also appears in the Allow header of a 405.
func addHead(e *echo.Echo, host, path string, h echo.HandlerFunc, mw []echo.MiddlewareFunc) {
	router, ok := e.Routers()[host]
	if !ok {
		router = e.Router()
	}
	explicit := func(r *echo.Route) bool { return r.Method == http.MethodHead && r.Path == path }
	if slices.ContainsFunc(router.Routes(), explicit) {
		return
	}
	for _, m := range slices.Backward(mw) {
		h = m(h)
	}
	router.Add(http.MethodHead, path, h)
}

// lineLogger takes the lines that Echo's logger writes.
type lineLogger struct{ log *slog.Logger }

func (l lineLogger) Write(line []byte) (int, error) {
	l.log.Warn("echo: " + strings.TrimSpace(string(line)))
	return len(line), nil
}
