package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

func TestAServerHasAllTimeoutsButTheOneThatEndsStreams(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), ServerOptions{RequestTimeout: 30 * time.Second})
	if s.ReadHeaderTimeout != 10*time.Second || s.ReadTimeout != 40*time.Second || s.IdleTimeout != 120*time.Second || s.MaxHeaderBytes != 64<<10 {
		t.Errorf("header %s, read %s, idle %s, header bytes %d", s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
	if s.WriteTimeout != 0 {
		t.Errorf("WriteTimeout %s, want none", s.WriteTimeout)
	}
	if s := NewServer(http.NotFoundHandler(), ServerOptions{}); s.ReadTimeout != 0 {
		t.Errorf("ReadTimeout %s without a RequestTimeout, want none", s.ReadTimeout)
	}
}

func TestAQuestionAboutTheWholeServerIsARequestLikeAnyOther(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) { e.GET("/items/:id", func(c echo.Context) error { return c.NoContent(200) }) })
	got := s.raw(t, "OPTIONS * HTTP/1.1\r\nHost: a\r\nX-Request-ID: mine\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 204 ") || !strings.Contains(got, "X-Request-Id: mine\r\n") {
		t.Errorf("got %q, want a 204 with the request's id", got)
	}
	if line := s.log.one(t); line["path"] != "*" || line["route"] != "unmatched" || line["request_id"] != "mine" {
		t.Errorf("log line %v", line)
	}
}

func TestTheBaseContextReachesHandlers(t *testing.T) {
	type key struct{}
	e := New(Options{RequestTimeout: time.Minute})
	e.GET("/", func(c echo.Context) error {
		return c.String(http.StatusOK, c.Request().Context().Value(key{}).(string))
	})
	s := NewServer(e, ServerOptions{BaseContext: func(net.Listener) context.Context {
		return context.WithValue(context.Background(), key{}, "from the base")
	}})
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(b) != "from the base" {
		t.Errorf("got %q", b)
	}
	_ = s.Close()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v; want ErrServerClosed", err)
	}
}

func TestWhatNetHTTPSaysIsLoggedAsAWarning(t *testing.T) {
	var out logBuffer
	s := NewServer(nil, ServerOptions{Logger: slog.New(slog.NewJSONHandler(&out, nil))})
	s.ErrorLog.Print("http: superfluous call")
	if line := out.one(t); line["level"] != "WARN" || line["msg"] != "http: superfluous call" {
		t.Errorf("log line %v", line)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	s := serve(t, Options{}, func(*echo.Echo) {})
	got := s.raw(t, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: "+strings.Repeat("x", 70<<10)+"\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("got %.60q, want a 431", got)
	}
}
