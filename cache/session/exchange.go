package session

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// exchange is a request with its session: the context that the handler's request has, and the writer that the handler writes to.
type exchange struct {
	context.Context //nolint:containedctx // it is one

	w       http.ResponseWriter
	session *Session
	own     Session // that of the outermost
	before  int     // how often the session was used outside of this
	begun   bool    // the session is stored, or was not, and the header may go
	public  bool    // it has gone, and does not say that the response is this visitor's alone; under session.mu
	refused error   // why the client gets nothing of what the handler writes
}

// Handler returns next behind the sessions: [From], [Get], [Set] and [Update] find the request's by its context.
//
// What next changes is stored when the response begins: at the first WriteHeader but for 1xx, Write, Flush or Hijack, or when next returns. Where the session could not be read or
// stored, the client gets a 503, and where another request has changed or ended it meanwhile a 409, both as problems (RFC 9457), in place of whatever next writes. Nothing
// is stored where next panics before. A response to a request whose session was read or changed has Cache-Control: no-store and Vary: Cookie.
//
// Used again inside of itself, it gives the same session. What is between them, such as a cache of responses, then sees what the session means for the response, for it is
// stored when the response of the innermost begins: where the session was used in there, no-store, Vary and the cookie, or the problem.
//
// A connection that is hijacked gets no header from here, and so no cookie.
func (s *Sessions) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Context: r.Context(), w: w}
		r = r.WithContext(x)
		if outer := s.exchangeOf(x.Context); outer != nil {
			x.session, x.before = outer.session, outer.session.timesUsed()
		} else {
			x.session = &x.own
			x.own.sessions, x.own.r = s, r
		}
		defer x.session.close()
		next.ServeHTTP(x, r)
		x.begin()
	})
}

// Value returns the exchange for the key of all sessions, and for its own, and else what the request's context has.
func (x *exchange) Value(key any) any {
	if key == (contextKey{}) || key == any(x.session.sessions) {
		return x
	}
	return x.Context.Value(key)
}

// exchangeOf returns the innermost exchange of s, which need not be the innermost of all: there may be others' sessions inside of it. It is nil where there is none.
func (s *Sessions) exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(s).(*exchange)
	return x
}

// begin stores the session before the first byte goes, once. It reports whether the response is the handler's.
func (x *exchange) begin() bool {
	if x.begun {
		return x.refused == nil
	}
	x.begun = true
	h := x.w.Header()
	first, err := x.session.commit(x)
	if x.refused = err; err == nil {
		return true
	}
	r, s := x.session.r, x.session.sessions
	withoutRepresentation(h)
	defer func() { _ = http.NewResponseController(x.w).Flush() }() // the handler may go on for long, and must not keep it from the client
	if errors.Is(x.refused, ErrConflict) {
		writeProblem(x.w, r, http.StatusConflict, "Another request has changed or ended the session meanwhile. Nothing was stored; try again.")
		return false
	}
	if first && r.Context().Err() == nil { // else the client has gone, and the store need not have failed
		s.log().ErrorContext(r.Context(), "a request was answered by 503, because its session could not be read or stored", "error", x.refused)
	}
	writeProblem(x.w, r, http.StatusServiceUnavailable, "The session could not be read or stored.")
	return false
}

func (x *exchange) Header() http.Header { return x.w.Header() }

// Unwrap lets http.ResponseController find what this writer does not do itself.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

func (x *exchange) WriteHeader(status int) {
	informs := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if informs && x.refused == nil || !informs && x.begin() {
		x.w.WriteHeader(status)
	}
}

// Write takes what it is given where the client gets a problem instead. An error would have a reverse proxy abort the response, and with HTTP/2 the problem with it.
func (x *exchange) Write(p []byte) (int, error) {
	if !x.begin() {
		return len(p), nil
	}
	return x.w.Write(p)
}

// ReadFrom lets io.Copy leave the copying to the client's writer, which can do it in the kernel.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	if !x.begin() {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(x.w, src)
}

// FlushError begins the response and sends what has been written. It gives an error where the client gets a problem instead: a handler that streams ends then.
func (x *exchange) FlushError() error {
	if !x.begin() {
		return x.refused
	}
	return http.NewResponseController(x.w).Flush()
}

// Flush is FlushError for those who ask for an http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// Hijack stores the session and gives the connection away.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !x.begin() {
		return nil, nil, x.refused
	}
	return http.NewResponseController(x.w).Hijack()
}
