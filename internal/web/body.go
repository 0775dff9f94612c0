package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// bodyGrace is how much longer than its context a request's body is waited for. net/http cancels the context when a
// read fails; by then it must have ended by its own deadline, or the client would seem to have left.
const bodyGrace = 100 * time.Millisecond

// body is a request's body. It makes what the client did to it a problem for the client, never an error of the service,
// and tells a client that is too slow from every other deadline that a handler may meet. Reads do not overlap, as with
// any reader; all else may be called at any time.
type body struct {
	raw     io.Reader // net/http's own; nil where the request has none
	limited io.Reader // raw, up to the limit
	expects bool      // the client sends it only when it is asked to, which the first Read does

	begun, over, closed atomic.Bool
}

// Read gives a [*http.MaxBytesError] as it is, and a [*brokenBody] for all that is wrong with the connection or the bytes.
func (b *body) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	b.begun.Store(true)
	n, err := b.limited.Read(p)
	if err == nil {
		return n, nil
	}
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return n, err // the rest is still on its way
	}
	b.over.Store(true)
	if !errors.Is(err, io.EOF) && !errors.Is(err, http.ErrBodyReadAfterClose) {
		err = broken(err)
	}
	return n, err
}

// Close ends the reading, but leaves raw open for linger; net/http closes it after each request.
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// coming reports whether the client may be sending bytes that nobody has read.
func (b *body) coming() bool {
	return b.raw != nil && !b.over.Load() && (!b.expects || b.begun.Load())
}

// brokenBody is why a body could not be read to its end. It matches its problem and its cause.
type brokenBody struct {
	problem *Problem
	logged  int // the status for the log where it is another, else 0
	err     error
}

func (b *brokenBody) Error() string { return "read the request's body: " + b.err.Error() }

func (b *brokenBody) Unwrap() []error { return []error{b.problem, b.err} }

// broken says what err, which came from a connection, means. A client that has only closed its sending half looks
// like one that has left; both get an answer. One whose connection failed cannot get it.
func broken(err error) *brokenBody {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &brokenBody{NewProblem(http.StatusRequestTimeout, "The body did not arrive in time."), 0, err}
	}
	p := NewProblem(http.StatusBadRequest, "The body could not be read to its end.")
	if _, failed := errors.AsType[*net.OpError](err); failed {
		return &brokenBody{p, statusClientClosedRequest, err}
	}
	return &brokenBody{p, 0, err}
}
