package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// nowhere is a response that costs nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header              { return n.header }
func (nowhere) Write(b []byte) (int, error)        { return len(b), nil }
func (nowhere) WriteHeader(int)                    {}
func (nowhere) SetWriteDeadline(_ time.Time) error { return nil }

func benchmark(b *testing.B, e *echo.Echo, mw ...echo.MiddlewareFunc) {
	e.GET("/items/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, mw...)
	r := httptest.NewRequest(http.MethodGet, "/items/7", nil)
	w := nowhere{make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		e.ServeHTTP(w, r)
	}
}

func BenchmarkEchoAlone(b *testing.B) { benchmark(b, echo.New()) }

func BenchmarkStack(b *testing.B) { benchmark(b, New(Options{})) }

func BenchmarkStackWithDeadlineAndLog(b *testing.B) {
	benchmark(b, New(Options{
		Logger:         slog.New(slog.NewJSONHandler(discard{}, nil)),
		RequestTimeout: 30 * time.Second,
		MaxBodyBytes:   1 << 20,
		Observe:        func(string, string, int, time.Duration) {},
	}))
}

func BenchmarkStackWithOneAdapter(b *testing.B) {
	benchmark(b, New(Options{}), Adapt(func(next http.Handler) http.Handler { return next }))
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"name":"a cup of tea","price":250,"lines":[{"price":1},{"price":2}],"labels":{"a":"b"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var o order
		if err := decode(body, &o); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeManyNames would be quadratic if names were compared with each other.
func BenchmarkDecodeManyNames(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"":0`)
	for i := range 100_000 {
		body.WriteString(`,"` + strings.Repeat("x", 1+i%50) + string(rune('a'+i%26)) + time.Duration(i).String() + `":1`)
	}
	body.WriteString("}")
	data := []byte(body.String())
	for b.Loop() {
		var v any
		if err := decode(data, &v); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
