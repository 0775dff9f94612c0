package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
)

func TestARequestIsOneLogLine(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.GET("/items/:id", func(c echo.Context) error { return c.String(http.StatusCreated, "hello") })
	})
	a := s.do(t, "GET", "/items/7?token=hunter2", "", "X-Request-ID", "abc", "User-Agent", "x")
	if a.StatusCode != http.StatusCreated {
		t.Fatal(a.StatusCode)
	}
	line := s.log.one(t)
	for name, want := range map[string]any{
		"msg": "request", "level": "INFO", "method": "GET", "path": "/items/7", "route": "/items/:id",
		"status": 201.0, "bytes": 5.0, "client": "127.0.0.1", "request_id": "abc",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if d, ok := line["duration"].(float64); !ok || d <= 0 {
		t.Errorf("duration is %v, want more than 0", line["duration"])
	}
	if strings.Contains(fmt.Sprint(line), "hunter2") {
		t.Errorf("the query is in the log: %v", line)
	}
}

func TestQuietPathsAreLoggedAtDebugUnlessTheyFail(t *testing.T) {
	status := http.StatusOK
	s := serve(t, Options{Quiet: []string{"/live"}}, func(e *echo.Echo) {
		e.GET("/live", func(c echo.Context) error { return c.NoContent(status) })
		e.GET("/live/too", func(c echo.Context) error { return c.NoContent(200) })
	})
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{{"/live", 200, "DEBUG"}, {"/live", 503, "DEBUG"}, {"/live", 500, "ERROR"}, {"/live/too", 200, "INFO"}} {
		s.log.reset()
		status = tt.status
		s.do(t, "GET", tt.path, "")
		if got := s.log.one(t)["level"]; got != tt.want {
			t.Errorf("%s with %d is logged at %v, want %s", tt.path, tt.status, got, tt.want)
		}
	}
}

func TestALongRequestLineIsShortInTheLog(t *testing.T) {
	s := serve(t, Options{}, func(*echo.Echo) {})
	s.raw(t, strings.Repeat("M", 5000)+" /"+strings.Repeat("p", 20000)+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	line := s.log.one(t)
	if len(line["path"].(string)) != 1024 || len(line["method"].(string)) != 32 {
		t.Errorf("%d bytes of path and %d of method in the log", len(line["path"].(string)), len(line["method"].(string)))
	}
}

func TestAResponseThatCannotBeWholeIsCutOff(t *testing.T) {
	partly := func(c echo.Context) {
		_, _ = io.WriteString(c.Response(), "first half, ")
		c.Response().Flush()
	}
	var gone context.CancelFunc
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.GET("/panic", func(c echo.Context) error { partly(c); panic("half way") })
		e.GET("/error", func(c echo.Context) error { partly(c); return errors.New("half way") })
		e.GET("/flushed", func(c echo.Context) error { c.Response().Flush(); return errors.New("half way") })
		e.GET("/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
		e.GET("/goexit", func(c echo.Context) error { partly(c); runtime.Goexit(); return nil })
		e.GET("/adapted", func(c echo.Context) error { partly(c); return errors.New("half way") },
			Adapt(func(next http.Handler) http.Handler { return next }))
		e.GET("/gone", func(c echo.Context) error {
			partly(c)
			gone()
			<-c.Request().Context().Done()
			return c.Request().Context().Err()
		})
	})
	tests := []struct {
		name, path string
		status     float64
		err        string
	}{
		{"a panic after the start", "/panic", 500, "panic: half way"},
		{"an error after the start", "/error", 500, "half way"},
		{"an error after a flush without a byte", "/flushed", 500, "half way"},
		{"an error after the start inside adapted middleware", "/adapted", 500, "half way"},
		{"http.ErrAbortHandler", "/abort", 500, ""},
		{"a handler whose goroutine exits", "/goexit", 500, ""},
		{"a client that left a stream", "/gone", 499, "context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.log.reset()
			var ctx context.Context
			ctx, gone = context.WithCancel(t.Context())
			defer gone()
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+tt.path, nil)
			res, err := s.Client().Do(r)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if err == nil {
				t.Error("the client took a truncated response for a whole one")
			}
			line := s.log.one(t) // also proves that net/http has nothing to add
			if line["status"] != tt.status || line["aborted"] != true {
				t.Errorf("log line %v, want status %v and aborted", line, tt.status)
			}
			if got, _ := line["error"].(string); got != tt.err {
				t.Errorf("the log says %q, want %q", got, tt.err)
			}
		})
	}
}

func TestAPanicLeavesItsStackInTheLogOnce(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) { e.GET("/", func(echo.Context) error { panic("oh") }) })
	s.do(t, "GET", "/", "")
	line := s.log.one(t)
	if trace, _ := line["stack"].(string); !strings.Contains(trace, "TestAPanicLeavesItsStackInTheLogOnce") {
		t.Errorf("the stack does not show the handler:\n%s", trace)
	}
	if line["error"] != "panic: oh" {
		t.Errorf("error is %v", line["error"])
	}
}

func TestAnErrorThatEchoMiddlewareReportsTwiceIsAnsweredOnce(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				err := next(c)
				if err != nil {
					c.Error(err)
				}
				return err
			}
		})
		e.GET("/", func(echo.Context) error { return NewProblem(409, "once") })
	})
	if a := s.do(t, "GET", "/", ""); a.err != nil || a.StatusCode != http.StatusConflict || strings.Count(a.body, "once") != 1 {
		t.Errorf("got %v %q", a.err, a.body)
	}
	if line := s.log.one(t); line["aborted"] != nil {
		t.Errorf("the whole response was cut: %v", line)
	}
}

// inProcess sends one request in a bubble, where time stands still until everything waits.
func inProcess(o Options, r *http.Request, h echo.HandlerFunc) (w *httptest.ResponseRecorder, log *logBuffer) {
	log = &logBuffer{}
	o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	e := New(o)
	e.Any("/*", h)
	w = httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w, log
}

func TestARequestHasADeadline(t *testing.T) {
	timesOut := func(what string, h echo.HandlerFunc) {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				w, log := inProcess(Options{RequestTimeout: 30 * time.Second}, httptest.NewRequest(http.MethodGet, "/", nil), h)
				if took := time.Since(start); took != 30*time.Second {
					t.Errorf("took %s, want 30s", took)
				}
				if w.Code != 503 || !strings.Contains(w.Body.String(), "The request took too long.") {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				if line := log.one(t); line["status"] != 503.0 || line["level"] != "ERROR" {
					t.Errorf("log line %v", line)
				}
			})
		})
	}
	timesOut("an error that wraps the deadline's is a 503", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return fmt.Errorf("query: %w", c.Request().Context().Err())
	})
	timesOut("so is one of work that was cancelled by it", func(c echo.Context) error {
		<-c.Request().Context().Done()
		return context.Canceled
	})
}

// late is a context whose timer has not fired yet though its time has come.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now(), true }

func TestAnOperationThatComesBackOnTheDeadlineTookTooLong(t *testing.T) {
	if p, _ := problemOf(context.DeadlineExceeded, late{t.Context()}); p.Status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", p.Status)
	}
}

func TestAnotherDeadlineThanTheRequestsIsAnInternalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log := inProcess(Options{RequestTimeout: time.Minute}, httptest.NewRequest(http.MethodGet, "/", nil), func(c echo.Context) error {
			ctx, cancel := context.WithTimeout(c.Request().Context(), time.Second)
			defer cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		if w.Code != 500 {
			t.Errorf("status %d, want 500", w.Code)
		}
		if line := log.one(t); line["duration"] != float64(time.Second) {
			t.Errorf("duration %v, want 1s", line["duration"])
		}
	})
}

func TestTheDeadlineEndsNoHandlerThatDoesNotLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := inProcess(Options{RequestTimeout: time.Second}, httptest.NewRequest(http.MethodGet, "/", nil), func(c echo.Context) error {
			for range 3 {
				<-time.After(time.Second)
				_, _ = io.WriteString(c.Response(), "tick ")
			}
			return nil
		})
		if w.Code != 200 || w.Body.String() != "tick tick tick " {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
	})
}

func TestAClientThatLeftIs499InTheLogOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w, log := inProcess(Options{}, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx), func(c echo.Context) error {
		cancel()
		return fmt.Errorf("query: %w", c.Request().Context().Err())
	})
	if w.Code != 503 {
		t.Errorf("sent %d; 499 is nothing to send", w.Code)
	}
	if line := log.one(t); line["status"] != 499.0 || line["level"] != "INFO" || line["error"] != "query: context canceled" {
		t.Errorf("log line %v", line)
	}
}

func TestACancelThatIsNotTheClientsIsAnInternalError(t *testing.T) {
	w, _ := inProcess(Options{}, httptest.NewRequest(http.MethodGet, "/", nil), func(echo.Context) error { return context.Canceled })
	if w.Code != 500 {
		t.Errorf("status %d, want 500", w.Code)
	}
}

func TestFilesOfAFormAreRemovedAtTheEnd(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const form = "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\ndata\r\n--b--\r\n"
	var name string
	through := Adapt(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.Clone(r.Context())) })
	})
	for what, mw := range map[string][]echo.MiddlewareFunc{"directly": nil, "through adapted middleware": {through}} {
		s := serve(t, Options{}, func(e *echo.Echo) {
			e.POST("/", func(c echo.Context) error {
				if err := c.Request().ParseMultipartForm(0); err != nil { // nothing in memory
					return err
				}
				f, err := c.Request().MultipartForm.File["f"][0].Open()
				if err != nil {
					return err
				}
				defer f.Close()
				if named, ok := f.(interface{ Name() string }); ok {
					name = named.Name()
				}
				return nil
			}, mw...)
		})
		name = ""
		if a := s.do(t, "POST", "/", form, "Content-Type", "multipart/form-data; boundary=b"); a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v", what, a.StatusCode, s.log.one(t))
		}
		s.log.one(t)
		if name == "" {
			t.Fatalf("%s: the form's file was not on disk", what)
		}
		if exists(name) {
			t.Errorf("%s: %s is still there", what, name)
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
