package web

import (
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
)

// oneConn is a listener with one connection.
type oneConn struct{ conns chan net.Conn }

func (l oneConn) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l oneConn) Close() error { close(l.conns); return nil }

func (oneConn) Addr() net.Addr { return &net.UnixAddr{} }

// piped is serve on a connection whose deadlines keep the time of a bubble, where no socket may be. It has no
// buffer: a write returns when the other side has read.
func piped(t *testing.T, o Options, routes func(e *echo.Echo)) (net.Conn, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	e := New(o)
	routes(e)
	server := NewServer(e, ServerOptions{Logger: o.Logger, RequestTimeout: o.RequestTimeout})
	client, conn := net.Pipe()
	l := oneConn{make(chan net.Conn, 1)}
	l.conns <- conn
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		client.Close()
		_ = server.Close()
		if err := <-done; err != http.ErrServerClosed {
			t.Errorf("Serve: %v, want ErrServerClosed", err)
		}
	})
	return client, log
}
