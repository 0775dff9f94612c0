package web

import (
	"bufio"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// writeStall is how long one write may wait for a client that does not read. http.Server.WriteTimeout would be
	// a limit on the whole response and so end every stream.
	writeStall = 30 * time.Second
	// writeRearm is how old the write deadline may be before a write sets it anew: a deadline costs a system-wide timer.
	writeRearm = time.Second
)

// writer is the last writer before net/http's own. It knows what really went out, which Echo's response does not: that
// one misses a Flush before the first byte, and whatever is written past it. Used by one goroutine at a time, as any
// http.ResponseWriter.
type writer struct {
	http.ResponseWriter
	id       string
	draining func() bool

	status      int // 0 until the response is started
	bytes       int64
	hijacked    bool
	armed       time.Time // when the write deadline was last set; zero: never
	ownDeadline bool      // the handler or the protocol sees to deadlines
}

// started reports whether it is too late for another response.
func (w *writer) started() bool { return w.status != 0 || w.hijacked }

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if w.hijacked {
		return
	}
	// 101 is the one informational response that nothing follows.
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
		w.stamp()
	}
	w.arm()
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	} else {
		w.arm()
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush is for code that asks for an http.Flusher; http.ResponseController uses FlushError.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError sends what is buffered, the headers at least.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	} else {
		w.arm()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over. From then on the stack writes nothing.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.hijacked = true
		if w.status == 0 {
			w.status = http.StatusSwitchingProtocols
		}
	}
	return conn, rw, err
}

// SetWriteDeadline leaves the write deadline to the handler from now on.
func (w *writer) SetWriteDeadline(deadline time.Time) error {
	w.ownDeadline = true
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(deadline)
}

// finish completes the response of a handler that wrote nothing, which net/http makes a 200, and gives what is still
// buffered its time.
func (w *writer) finish() {
	if w.hijacked {
		return
	}
	if w.status == 0 {
		w.status = http.StatusOK
		w.stamp()
	}
	w.arm()
}

// stamp sets the headers that every response has. It is done last, so that nothing in between, such as a cache that
// replays headers, can put in another request's id.
func (w *writer) stamp() {
	h := w.Header()
	h[echo.HeaderXRequestID] = []string{w.id}
	if w.draining != nil && w.draining() {
		h[echo.HeaderConnection] = []string{"close"}
	}
}

// arm gives the next write its time. net/http takes the deadline away between requests.
func (w *writer) arm() {
	if w.ownDeadline {
		return
	}
	now := time.Now()
	if now.Sub(w.armed) < writeRearm {
		return
	}
	w.armed = now
	err := http.NewResponseController(w.ResponseWriter).SetWriteDeadline(now.Add(writeStall))
	w.ownDeadline = err != nil // a recorder has none; it need not be asked again
}
