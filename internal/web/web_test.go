package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/internal/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logBuffer collects JSON log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []map[string]any
	for line := range strings.Lines(l.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, m)
	}
	return lines
}

// one waits until there is a log line, for it is written after the response, and fails if there are more.
func (l *logBuffer) one(t *testing.T) map[string]any {
	t.Helper()
	wait.Until(t, func() bool { return len(l.lines(t)) > 0 })
	lines := l.lines(t)
	if len(lines) != 1 {
		t.Fatalf("%d log lines, want 1: %v", len(lines), lines)
	}
	return lines[0]
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}

// service is an Echo of New behind NewServer on a real socket.
type service struct {
	*httptest.Server
	log *logBuffer
	e   *echo.Echo
}

func serve(t *testing.T, o Options, routes func(e *echo.Echo)) *service {
	t.Helper()
	s := &service{log: &logBuffer{}}
	o.Logger = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.e = New(o)
	routes(s.e)
	s.Server = httptest.NewUnstartedServer(nil)
	s.Config = NewServer(s.e, ServerOptions{Logger: o.Logger, RequestTimeout: o.RequestTimeout})
	s.Start()
	t.Cleanup(s.Close)
	return s
}

type answer struct {
	*http.Response
	body string
	err  error // of reading the body
}

func (s *service) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := s.Client().Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res, string(b), err}
}

// dial opens a connection, which the test closes at its end.
func (s *service) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // a server that keeps it open fails the test, not the run
	return conn.(*net.TCPConn)
}

// raw sends bytes as they are and gives all that comes back until the server closes.
func (s *service) raw(t *testing.T, request string) string {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(conn)
	return string(b)
}

func TestAGetRouteAnswersHead(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		mw := func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				c.Response().Header().Set("X-Route", "seen")
				return next(c)
			}
		}
		e.GET("/items/:id", func(c echo.Context) error { return c.String(http.StatusOK, "item "+c.Param("id")) }, mw)
		e.HEAD("/own", func(c echo.Context) error { return c.NoContent(http.StatusAccepted) })
		e.GET("/own", func(c echo.Context) error { return c.String(http.StatusOK, "get") })
		e.GET("/broken", func(echo.Context) error { return NewProblem(http.StatusConflict, "no") })
	})
	a := s.do(t, http.MethodHead, "/items/7", "")
	if a.StatusCode != http.StatusOK || a.body != "" || a.ContentLength != int64(len("item 7")) {
		t.Errorf("HEAD: status %d, body %q, length %d; want 200, none, that of GET", a.StatusCode, a.body, a.ContentLength)
	}
	if a.Header.Get("X-Route") != "seen" {
		t.Error("HEAD did not pass the middleware of the route")
	}
	if line := s.log.one(t); line["route"] != "/items/:id" || line["method"] != "HEAD" {
		t.Errorf("log line %v, want the template and HEAD", line)
	}
	if a := s.do(t, http.MethodHead, "/own", ""); a.StatusCode != http.StatusAccepted {
		t.Errorf("a HEAD route of one's own: status %d, want its 202", a.StatusCode)
	}
	a = s.do(t, http.MethodHead, "/broken", "")
	if a.StatusCode != http.StatusConflict || a.body != "" || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("HEAD of a problem: %d %q %q", a.StatusCode, a.body, a.Header.Get("Content-Type"))
	}
	// On the wire, where a client could not hide a body.
	if got := s.raw(t, "HEAD /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("HEAD of a problem has a body: %q", got)
	}
}

func TestOptionsTellsTheMethods(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) { e.GET("/items", func(c echo.Context) error { return c.NoContent(200) }) })
	a := s.do(t, http.MethodOptions, "/items", "")
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		if !strings.Contains(a.Header.Get("Allow"), method) {
			t.Errorf("Allow is %q, want %s in it", a.Header.Get("Allow"), method)
		}
	}
	if a.StatusCode != http.StatusNoContent {
		t.Errorf("status %d, want 204", a.StatusCode)
	}
}

func TestWhileDrainingEveryResponseClosesItsConnection(t *testing.T) {
	var draining atomic.Bool
	started, proceed := make(chan bool), make(chan bool)
	s := serve(t, Options{Draining: draining.Load}, func(e *echo.Echo) {
		e.GET("/text", func(c echo.Context) error { return c.String(200, "x") })
		e.GET("/silent", func(echo.Context) error { return nil })
		e.GET("/flush", func(c echo.Context) error { c.Response().Flush(); return nil })
		e.GET("/under-way", func(c echo.Context) error {
			started <- true
			<-proceed
			return c.String(200, "x")
		})
	})
	if a := s.do(t, "GET", "/text", ""); a.Close {
		t.Error("a connection is closed though nothing drains")
	}
	done := make(chan answer)
	go func() { done <- s.do(t, "GET", "/under-way", "") }()
	<-started
	draining.Store(true)
	proceed <- true
	if a := <-done; !a.Close {
		t.Error("a request under way when draining began keeps its connection")
	}
	for _, path := range []string{"/text", "/silent", "/flush", "/nowhere"} {
		if a := s.do(t, "GET", path, ""); !a.Close {
			t.Errorf("%s keeps its connection", path)
		}
	}
}

func TestRequestsAreObservedByTemplateAndKnownMethod(t *testing.T) {
	type seen struct {
		route, method string
		status        int
	}
	var mu sync.Mutex
	var all []seen
	var inFlight, most int
	s := serve(t, Options{
		MaxBodyBytes: 4,
		Observe: func(route, method string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, seen{route, method, status})
		},
		InFlight: func(delta int) {
			mu.Lock()
			defer mu.Unlock()
			inFlight += delta
			most = max(most, inFlight)
		},
	}, func(e *echo.Echo) {
		e.GET("/items/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
		e.POST("/items/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
		e.GET("/panic", func(echo.Context) error { panic("x") })
	})
	tests := []struct {
		name, method, path, body, site string
		want                           seen
	}{
		{"a route is its template", "GET", "/items/secret", "", "", seen{"/items/:id", "GET", 204}},
		{"a path without a route is unmatched", "GET", "/no/such/path", "", "", seen{"unmatched", "GET", 404}},
		{"a wrong method has the template", "DELETE", "/items/7", "", "", seen{"/items/:id", "DELETE", 405}},
		{"an invented method is OTHER", "BREW", "/items/7", "", "", seen{"/items/:id", "OTHER", 405}},
		{"a panic is a 500", "GET", "/panic", "", "", seen{"/panic", "GET", 500}},
		{"a body that is announced too long has the template", "POST", "/items/7", "12345", "", seen{"/items/:id", "POST", 413}},
		{"a page of another origin has the template", "POST", "/items/7", "", "cross-site", seen{"/items/:id", "POST", 403}},
		{"another origin's request for no route is unmatched", "POST", "/no/such/path", "", "cross-site", seen{"unmatched", "POST", 403}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all = nil
			s.do(t, tt.method, tt.path, tt.body, "Sec-Fetch-Site", tt.site)
			wait.Until(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(all) == 1 && inFlight == 0 })
			if all[0] != tt.want {
				t.Errorf("observed %v, want %v", all[0], tt.want)
			}
		})
	}
	if most != 1 {
		t.Errorf("at most %d in flight, want 1", most)
	}
}

func TestStrangeRequestLinesAreAnswered(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.GET("/items/:id", func(c echo.Context) error { return c.String(200, c.Param("id")) })
	})
	for _, line := range []string{
		"CONNECT example.com:443 HTTP/1.1", "GET http://example.com/x HTTP/1.1", "GET //items//7 HTTP/1.1",
		"GET /items/%00%ff HTTP/1.1", "GET /items/%2e%2e%2f HTTP/1.1", "BREW * HTTP/1.1",
	} {
		got := s.raw(t, line+"\r\nHost: example.com\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 ") || strings.HasPrefix(got, "HTTP/1.1 5") || !strings.Contains(got, "X-Request-Id: ") {
			t.Errorf("%s: %q, want an answer below 500 with a request id", line, got)
		}
	}
}

func TestControlOfTheConnectionReachesThroughTheStack(t *testing.T) {
	s := serve(t, Options{MaxBodyBytes: 10}, func(e *echo.Echo) {
		through := Adapt(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(passing{w}, r) })
		})
		e.GET("/stream", func(c echo.Context) error {
			rc := http.NewResponseController(c.Response())
			if err := rc.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				return err
			}
			if err := rc.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				return err
			}
			if err := rc.EnableFullDuplex(); err != nil {
				return err
			}
			if _, err := io.WriteString(c.Response(), "first\n"); err != nil {
				return err
			}
			if err := rc.Flush(); err != nil {
				return err
			}
			<-c.Request().Context().Done() // the client leaves when it has the first line
			return nil
		}, through)
		e.GET("/hijack", func(c echo.Context) error {
			conn, rw, err := http.NewResponseController(c.Response()).Hijack()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\nraw")
			_ = rw.Flush()
			return io.ErrUnexpectedEOF // must not be written into the connection
		}, through)
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/stream", nil)
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "first\n" {
		t.Errorf("got %q, %v, want the line before the handler ends", line, err)
	}
	cancel()
	res.Body.Close()
	if line := s.log.one(t); line["status"] != 200.0 || line["bytes"] != 6.0 {
		t.Errorf("log line %v, want status 200, 6 bytes", line)
	}
	s.log.reset()
	if got := s.raw(t, "GET /hijack HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\nraw") {
		t.Errorf("hijacked connection got %q", got)
	}
	if line := s.log.one(t); line["status"] != 500.0 || line["error"] != "unexpected EOF" {
		t.Errorf("log line %v, want the error as a 500", line)
	}
}

// passing is a writer of net/http middleware that can be looked through.
type passing struct{ http.ResponseWriter }

func (p passing) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func TestWhatEchoLogsGoesToOurLog(t *testing.T) {
	var out logBuffer
	e := New(Options{Logger: slog.New(slog.NewJSONHandler(&out, nil))})
	e.Logger.Warn("something odd")
	if line := out.one(t); line["msg"] != "echo: something odd" || line["level"] != "WARN" {
		t.Errorf("log line %v", line)
	}
	out.reset()
	e.StdLogger.Print("from the server")
	if line := out.one(t); line["msg"] != "from the server" {
		t.Errorf("log line %v", line)
	}
}

func TestTheZeroOptionsServe(t *testing.T) {
	e := New(Options{})
	e.GET("/", func(c echo.Context) error { return c.String(200, "hello") })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Body.String() != "hello" || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("got %q, %v", w.Body, w.Header())
	}
}
