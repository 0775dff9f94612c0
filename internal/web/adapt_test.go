package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// adapted serves handler at /items/:id behind mw, where an outer middleware has set "user".
func adapted(t *testing.T, mw func(http.Handler) http.Handler, handler echo.HandlerFunc) *service {
	t.Helper()
	return serve(t, Options{}, func(e *echo.Echo) {
		e.GET("/items/:id", handler, func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				c.Set("user", "ann")
				outer, res := c.Request(), c.Response()
				err := next(c)
				if c.Request() != outer || c.Response() != res {
					t.Error("the context came back with another request or response")
				}
				return err
			}
		}, Adapt(mw))
	})
}

func describe(c echo.Context) error {
	user, _ := c.Get("user").(string)
	return c.String(http.StatusCreated, c.Path()+" "+c.Param("id")+" "+user)
}

func TestAdaptedMiddlewareSeesTheResponseOfAnError(t *testing.T) {
	var status int
	var body string
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			status, body = rec.Code, rec.Body.String()
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}, func(echo.Context) error { return NewProblem(http.StatusConflict, "taken") })
	a := s.do(t, "GET", "/items/7", "")
	if status != 409 || !strings.Contains(body, "taken") || a.StatusCode != http.StatusConflict || a.body != body {
		t.Errorf("the middleware saw %d %q, the client %d %q", status, body, a.StatusCode, a.body)
	}
	if line := s.log.one(t); line["status"] != 409.0 || line["bytes"] != float64(len(body)) {
		t.Errorf("log line %v", line)
	}
}

func TestAdaptedMiddlewareIsMadeOnceAndMayAnswerItself(t *testing.T) {
	var made atomic.Int32
	s := adapted(t, func(next http.Handler) http.Handler {
		made.Add(1)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/items/0" {
				WriteProblem(w, r, NewProblem(http.StatusTooManyRequests, ""))
				return
			}
			next.ServeHTTP(w, r)
		})
	}, describe)
	for range 3 {
		s.do(t, "GET", "/items/7", "")
	}
	if a := s.do(t, "GET", "/items/0", "", "X-Request-ID", "me"); a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, `"request_id":"me"`) {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	if made.Load() != 1 {
		t.Errorf("made %d times, want once", made.Load())
	}
}

func TestTheInnerHandlerGetsTheRequestAndTheWriterOfTheMiddleware(t *testing.T) {
	type key struct{}
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(upper{w}, r.WithContext(context.WithValue(r.Context(), key{}, "added")))
		})
	}, func(c echo.Context) error {
		return c.String(200, c.Get("user").(string)+" "+c.Request().Context().Value(key{}).(string))
	})
	if a := s.do(t, "GET", "/items/7", ""); a.body != "ANN ADDED" {
		t.Errorf("got %q", a.body)
	}
}

// upper shouts.
type upper struct{ http.ResponseWriter }

func (u upper) Write(b []byte) (int, error) {
	return io.WriteString(u.ResponseWriter, strings.ToUpper(string(b)))
}
func (u upper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func TestAdaptersNest(t *testing.T) {
	label := func(name string) echo.MiddlewareFunc {
		return Adapt(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("X-Order", name)
				next.ServeHTTP(w, r)
			})
		})
	}
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.Pre(label("pre"))
		e.Use(label("all"))
		e.GET("/items/:id", describe, label("route"))
	})
	a := s.do(t, "GET", "/items/7", "")
	if got := strings.Join(a.Header.Values("X-Order"), " "); got != "pre all route" || a.body != "/items/:id 7 " {
		t.Errorf("passed %q, answered %q", got, a.body)
	}
	if line := s.log.one(t); line["route"] != "/items/:id" {
		t.Errorf("log line %v", line)
	}
}

func TestWorkInTheBackgroundHasAContextOfItsOwn(t *testing.T) {
	proceed, result := make(chan bool), make(chan string, 1)
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/items/7" {
				next.ServeHTTP(w, r)
				return
			}
			detached := r.Clone(context.WithoutCancel(r.Context()))
			go func() {
				<-proceed
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, detached)
				result <- RequestID(detached.Context()) + " " + rec.Body.String()
			}()
			_, _ = io.WriteString(w, "stale")
		})
	}, describe)
	if a := s.do(t, "GET", "/items/7", "", "X-Request-ID", "first"); a.body != "stale" {
		t.Fatalf("got %q", a.body)
	}
	// The context of that request is in use again while the work goes on.
	for i := range 20 {
		if i == 10 {
			close(proceed)
		}
		if a := s.do(t, "GET", "/items/8", ""); a.body != "/items/:id 8 ann" {
			t.Fatalf("another request got %q", a.body)
		}
	}
	if got := <-result; got != "first /items/:id 7 " {
		t.Errorf("the work got %q, want the first request's id, route and parameter and no value of Context.Set", got)
	}
}

func TestACallAfterTheRequestHasAContextOfItsOwn(t *testing.T) {
	var again func() string
	e := New(Options{})
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { c.Set("user", "ann"); return next(c) }
	})
	e.GET("/items/:id", describe, Adapt(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			again = func() string { // with the request's own context
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, r)
				return rec.Body.String()
			}
			next.ServeHTTP(w, r)
		})
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/items/7", nil).WithContext(ctx))
	if w.Body.String() != "/items/:id 7 ann" {
		t.Errorf("the request got %q", w.Body)
	}
	if got := again(); got != "/items/:id 7 " {
		t.Errorf("the call after it got %q, want no value of a context that Echo has taken back", got)
	}
}

func TestAnErrorInTheBackgroundIsLogged(t *testing.T) {
	done := make(chan int, 1)
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r.Clone(context.WithoutCancel(r.Context())))
			done <- rec.Code
			_, _ = io.WriteString(w, "stale")
		})
	}, func(echo.Context) error { return errors.New("refresh failed") })
	if a := s.do(t, "GET", "/items/7", ""); a.body != "stale" || <-done != 500 {
		t.Fatalf("got %q", a.body)
	}
	s.Close()
	lines := s.log.lines(t)
	if len(lines) != 2 || lines[0]["msg"] != "request in the background" || lines[0]["error"] != "refresh failed" || lines[0]["route"] != "/items/:id" {
		t.Errorf("log %v, want a line for the work and one for the request", lines)
	}
	if lines[1]["status"] != 200.0 || lines[1]["error"] != nil {
		t.Errorf("the error in the background became the request's: %v", lines[1])
	}
}

func TestMiddlewareThatGivesUpOnItsHandlerIsSafe(t *testing.T) {
	started, proceed := make(chan bool), make(chan bool)
	s := adapted(t, func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Millisecond, "too slow") },
		func(c echo.Context) error {
			started <- true
			<-c.Request().Context().Done()
			<-proceed
			return c.String(200, c.Param("id"))
		})
	answered := make(chan answer)
	go func() { answered <- s.do(t, "GET", "/items/7", "") }()
	<-started
	if a := <-answered; a.StatusCode != http.StatusServiceUnavailable || a.body != "too slow" {
		t.Errorf("got %d %q", a.StatusCode, a.body)
	}
	close(proceed)
}

func TestAdaptWaitsForAHandlerThatUsesTheRequestsContext(t *testing.T) {
	var finished atomic.Bool
	started := make(chan bool)
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			go next.ServeHTTP(httptest.NewRecorder(), r) // neither detached nor waited for
			<-started
		})
	}, func(c echo.Context) error {
		started <- true
		for range 1000 {
			c.Set("user", "bob")
		}
		finished.Store(true)
		return nil
	})
	s.do(t, "GET", "/items/7", "")
	if !finished.Load() {
		t.Error("the request ended before its handler")
	}
}

func TestMiddlewareThatCallsItsHandlerAgainIsServed(t *testing.T) {
	var calls int
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			next.ServeHTTP(w, r)
		})
	}, func(c echo.Context) error { calls++; return describe(c) })
	if a := s.do(t, "GET", "/items/7", ""); a.body != "/items/:id 7 ann" || calls != 2 {
		t.Errorf("got %q after %d calls", a.body, calls)
	}
}

func TestMiddlewareThatDropsTheContextIsToldSo(t *testing.T) {
	s := adapted(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.Background()))
		})
	}, describe)
	if a := s.do(t, "GET", "/items/7", ""); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", a.StatusCode)
	}
	if line := s.log.one(t); !strings.Contains(line["error"].(string), "not derived from the request's") {
		t.Errorf("log line %v", line)
	}
}
