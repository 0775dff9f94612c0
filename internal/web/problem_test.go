package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
)

// secret stands for everything internal: it must never reach a client.
const secret = "postgres://admin:hunter2@10.0.0.7"

func TestEveryFailureIsAProblemWithTheRequestIDAndNothingInternal(t *testing.T) {
	type item struct {
		ID    int    `param:"id"`
		Price int64  `json:"price"`
		Name  string `json:"name"`
	}
	s := serve(t, Options{MaxBodyBytes: 100}, func(e *echo.Echo) {
		e.GET("/items", func(c echo.Context) error { return c.NoContent(200) })
		e.POST("/decode", func(c echo.Context) error { return DecodeJSON(c, new(item)) })
		e.POST("/bind/:id", func(c echo.Context) error { return c.Bind(new(item)) })
		e.GET("/bind-value", func(c echo.Context) error {
			var n int
			return echo.QueryParamsBinder(c).Int("limit", &n).BindError()
		})
		fail := map[string]func() error{
			"problem": func() error {
				return fmt.Errorf("create: %w", NewProblem(http.StatusConflict, "There is one already."))
			},
			"invalid":       func() error { return Invalid("price", "must not be negative") },
			"http-404":      func() error { return echo.NewHTTPError(404, "There is no item 7.") },
			"http-401":      func() error { return echo.ErrUnauthorized },
			"http-internal": func() error { return echo.NewHTTPError(400, secret).SetInternal(errors.New(secret)) },
			"http-object":   func() error { return echo.NewHTTPError(400, map[string]string{"a": secret}) },
			"http-500":      func() error { return echo.NewHTTPError(500, secret) },
			"http-502":      func() error { return echo.NewHTTPError(502, secret) },
			"http-304":      func() error { return echo.NewHTTPError(304, secret) },
			"error":         func() error { return errors.New(secret) },
			"cache":         func() error { return fmt.Errorf("%s: %w", secret, cache.ErrUnavailable) },
			"panic":         func() error { panic(secret) },
			"panic-error":   func() error { panic(errors.New(secret)) },
			"nil-map":       func() error { assign(nil); return nil },
		}
		for name, f := range fail {
			e.GET("/"+name, func(c echo.Context) error {
				c.Response().Header().Set("Cache-Control", "public, max-age=3600")
				c.Response().Header().Set("Retry-After", "7")
				return f()
			})
		}
	})
	const internalDetail = "An unexpected error occurred."
	const badForm = "A value of the request has the wrong form."
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		title, detail, field     string
	}{
		{name: "no route", path: "/nowhere", status: 404, title: "Not Found"},
		{name: "another method", method: "DELETE", path: "/items", status: 405, title: "Method Not Allowed"},
		{name: "a request of another origin's page", method: "POST", path: "/decode", header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403, title: "Forbidden", detail: "This request came from a page of another origin."},
		{name: "a body whose length is over the limit", method: "POST", path: "/items-none", body: strings.Repeat("x", 101), status: 413, title: "Request Entity Too Large", detail: "The body is too long."},
		{name: "a body that is not JSON", method: "POST", path: "/decode", body: "{nope", header: jsonType(), status: 400, title: "Bad Request", detail: "The body is not one valid JSON value: see byte 2."},
		{name: "a body of another type", method: "POST", path: "/decode", body: "<a/>", header: []string{"Content-Type", "text/xml"}, status: 415, title: "Unsupported Media Type", detail: "The body must be of type application/json."},
		{name: "a field of another type", method: "POST", path: "/decode", body: `{"price":"x"}`, header: jsonType(), status: 422, title: "Unprocessable Entity", detail: "price must be a whole number of at most 64 bits.", field: "price"},
		{name: "Bind of a body that is not JSON", method: "POST", path: "/bind/1", body: "{nope", header: jsonType(), status: 400, title: "Bad Request", detail: "The body is not one valid JSON value: see byte 2."},
		{name: "Bind of an unknown field", method: "POST", path: "/bind/1", body: `{"colour":1}`, header: jsonType(), status: 422, title: "Unprocessable Entity", detail: "colour is not known.", field: "colour"},
		{name: "Bind of another type of body", method: "POST", path: "/bind/1", body: "x", header: []string{"Content-Type", "text/plain"}, status: 415, title: "Unsupported Media Type"},
		{name: "Bind of a wrong path parameter", method: "POST", path: "/bind/abc", status: 400, title: "Bad Request", detail: badForm},
		{name: "a value that a binder refuses", path: "/bind-value?limit=abc", status: 400, title: "Bad Request", detail: badForm, field: "limit"},
		{name: "a problem, also wrapped", path: "/problem", status: 409, title: "Conflict", detail: "There is one already."},
		{name: "an invalid field", path: "/invalid", status: 422, title: "Unprocessable Entity", detail: "price must not be negative.", field: "price"},
		{name: "Echo's error with a message", path: "/http-404", status: 404, title: "Not Found", detail: "There is no item 7."},
		{name: "Echo's error without one", path: "/http-401", status: 401, title: "Unauthorized"},
		{name: "Echo's error with the text of an internal one", path: "/http-internal", status: 400, title: "Bad Request", detail: badForm},
		{name: "Echo's error with an object", path: "/http-object", status: 400, title: "Bad Request"},
		{name: "Echo's 500", path: "/http-500", status: 500, title: "Internal Server Error", detail: internalDetail},
		{name: "Echo's 502", path: "/http-502", status: 502, title: "Bad Gateway"},
		{name: "Echo's error that is no error status", path: "/http-304", status: 500, title: "Internal Server Error", detail: internalDetail},
		{name: "any other error", path: "/error", status: 500, title: "Internal Server Error", detail: internalDetail},
		{name: "a cache that cannot be reached", path: "/cache", status: 503, title: "Service Unavailable", detail: "A service that this one depends on is not available."},
		{name: "a panic", path: "/panic", status: 500, title: "Internal Server Error", detail: internalDetail},
		{name: "a panic with an error", path: "/panic-error", status: 500, title: "Internal Server Error", detail: internalDetail},
		{name: "a panic of the runtime", path: "/nil-map", status: 500, title: "Internal Server Error", detail: internalDetail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.log.reset()
			if tt.method == "" {
				tt.method = "GET"
			}
			a := s.do(t, tt.method, tt.path, tt.body, append(tt.header, "X-Request-ID", "my-id.1")...)
			if a.err != nil {
				t.Fatal(a.err)
			}
			if a.StatusCode != tt.status {
				t.Errorf("status %d, want %d", a.StatusCode, tt.status)
			}
			want := map[string]any{"type": "about:blank", "title": tt.title, "status": float64(tt.status), "request_id": "my-id.1"}
			if tt.detail != "" {
				want["detail"] = tt.detail
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil {
				t.Fatalf("body %q: %v", a.body, err)
			}
			if list, ok := got["errors"].([]any); ok && tt.field != "" {
				if field := list[0].(map[string]any)["field"]; field != tt.field {
					t.Errorf("names field %v, want %q", field, tt.field)
				}
				delete(got, "errors")
			} else if tt.field != "" {
				t.Errorf("names no field, want %q", tt.field)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/problem+json", "X-Content-Type-Options": "nosniff", "X-Request-Id": "my-id.1", "Cache-Control": "",
			} {
				if got := a.Header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if strings.Contains(a.body, "hunter2") || strings.Contains(fmt.Sprint(a.Header), "hunter2") {
				t.Errorf("the client was shown %q", a.body)
			}
			if tt.status == http.StatusMethodNotAllowed && !strings.Contains(a.Header.Get("Allow"), "GET") {
				t.Errorf("Allow is %q, want GET in it", a.Header.Get("Allow"))
			}
			if tt.path == "/invalid" && a.Header.Get("Retry-After") != "7" {
				t.Error("a header that is no promise about the success got lost")
			}
			line := s.log.one(t)
			if line["status"] != float64(tt.status) || line["request_id"] != "my-id.1" {
				t.Errorf("log line %v", line)
			}
			if level := line["level"]; (level == "ERROR") != (tt.status >= 500) {
				t.Errorf("level %v for %d", level, tt.status)
			}
		})
	}
}

func jsonType() []string { return []string{"Content-Type", "application/json"} }

func TestAProblemKeepsItsMembersInItsOwnHands(t *testing.T) {
	p := &Problem{
		Type: "https://example.com/out-of-stock", Title: "Out of stock", Status: 409, Instance: "/orders/7",
		Errors: []FieldError{{"lines[0]", "is sold out"}},
		Extra:  map[string]any{"b": 1, "a": []string{"x"}, "status": 200, "request_id": "forged", "odd": func() {}},
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Length", "1")
	WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), p)
	const want = `{"type":"https://example.com/out-of-stock","title":"Out of stock","status":409,"instance":"/orders/7","errors":[{"field":"lines[0]","detail":"is sold out"}],"a":["x"],"b":1}` + "\n"
	if w.Body.String() != want {
		t.Errorf("got  %swant %s", w.Body, want)
	}
	if w.Code != 409 || w.Header().Get("Content-Length") != strconv.Itoa(len(want)) {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	if got := p.Error(); got != "409 Out of stock" {
		t.Errorf("Error() is %q", got)
	}
}

func TestAStatusThatIsNoErrorIsSentAs500(t *testing.T) {
	for _, status := range []int{0, -1, 200, 304, 399, 600, 100000} {
		w := httptest.NewRecorder()
		WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), NewProblem(status, ""))
		if w.Code != 500 || !strings.Contains(w.Body.String(), `"status":500`) {
			t.Errorf("%d is sent as %d: %s", status, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), NewProblem(499, ""))
	if w.Code != 499 || !strings.Contains(w.Body.String(), `"title":"Error"`) {
		t.Errorf("a status without a phrase: %d %s", w.Code, w.Body)
	}
}

func assign(m map[string]int) { m["a"]++ }
