package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/internal/web"
)

// A handler returns a problem as its error. The client gets it as application/problem+json.
func ExampleNewProblem() {
	e := web.New(web.Options{})
	e.GET("/items/:id", func(c echo.Context) error {
		return web.NewProblem(http.StatusNotFound, "There is no item "+c.Param("id")+".")
	})

	r := httptest.NewRequest(http.MethodGet, "/items/7", nil)
	r.Header.Set("X-Request-ID", "docs-1")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	fmt.Print(w.Body)
	// Output:
	// 404 application/problem+json
	// {"type":"about:blank","title":"Not Found","status":404,"detail":"There is no item 7.","request_id":"docs-1"}
}

func ExampleInvalid() {
	fmt.Println(web.Invalid("price", "must not be negative"))
	// Output: 422 Unprocessable Entity: price must not be negative.
}

func ExampleDecodeJSON() {
	e := web.New(web.Options{MaxBodyBytes: 1 << 20})
	e.POST("/items", func(c echo.Context) error {
		var item struct {
			Name  string `json:"name"`
			Price int64  `json:"price"`
		}
		if err := web.DecodeJSON(c, &item); err != nil {
			return err
		}
		return c.String(http.StatusCreated, item.Name)
	})

	r := httptest.NewRequest(http.MethodPost, "/items", strings.NewReader(`{"name":"tea","Price":3}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-ID", "docs-2")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	fmt.Print(w.Body)
	// Output: {"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"Price is not known.","request_id":"docs-2","errors":[{"field":"Price","detail":"is not known"}]}
}

// Middleware for net/http sees the response of a handler that returned an error.
func ExampleAdapt() {
	logged := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			fmt.Println("the handler answered", rec.Code)
			w.WriteHeader(rec.Code)
		})
	}
	e := web.New(web.Options{})
	e.GET("/", func(echo.Context) error { return web.NewProblem(http.StatusTeapot, "") }, web.Adapt(logged))
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	// Output: the handler answered 418
}

// Code that knows net/http only writes the same problems.
func ExampleWriteProblem() {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "5")
		web.WriteProblem(w, r, &web.Problem{Status: http.StatusServiceUnavailable, Extra: map[string]any{"checks": []string{"cache"}}})
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
	fmt.Print(w.Body)
	// Output: {"type":"about:blank","title":"Service Unavailable","status":503,"checks":["cache"]}
}
