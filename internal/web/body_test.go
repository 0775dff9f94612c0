package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

func TestTheLimitOfTheBodyHoldsHoweverItIsRead(t *testing.T) {
	type named struct {
		Name string `json:"name" form:"name"`
	}
	s := serve(t, Options{MaxBodyBytes: 32}, func(e *echo.Echo) {
		e.POST("/read", func(c echo.Context) error {
			b, err := io.ReadAll(c.Request().Body)
			if err != nil {
				return err
			}
			return c.String(200, string(b))
		})
		e.POST("/bind", func(c echo.Context) error { return c.Bind(new(named)) })
		e.POST("/decode", func(c echo.Context) error { return DecodeJSON(c, new(named)) })
		e.POST("/ignore", func(echo.Context) error { return nil })
	})
	long := `{"name":"` + strings.Repeat("x", 60) + `"}`
	form := "name=" + strings.Repeat("x", 60)
	multi := "--b\r\nContent-Disposition: form-data; name=name\r\n\r\n" + strings.Repeat("x", 60) + "\r\n--b--\r\n"
	tests := []struct {
		name, path, contentType, body string
		chunked                       bool
		status                        int
	}{
		{"exactly the limit passes", "/read", "text/plain", strings.Repeat("x", 32), false, 200},
		{"exactly the limit passes in chunks", "/read", "text/plain", strings.Repeat("x", 32), true, 200},
		{"one more is refused by its length, unread", "/ignore", "text/plain", strings.Repeat("x", 33), false, 413},
		{"one more is refused in chunks", "/read", "text/plain", strings.Repeat("x", 33), true, 413},
		{"DecodeJSON", "/decode", "application/json", long, true, 413},
		{"Bind of JSON", "/bind", "application/json", long, true, 413},
		{"Bind of a form", "/bind", "application/x-www-form-urlencoded", form, true, 413},
		{"Bind of a multipart form", "/bind", "multipart/form-data; boundary=b", multi, true, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var body io.Reader = strings.NewReader(tt.body)
			if tt.chunked {
				body = io.MultiReader(body) // hides the length
			}
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+tt.path, body)
			r.Header.Set("Content-Type", tt.contentType)
			res, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status {
				t.Errorf("status %d %s, want %d", res.StatusCode, b, tt.status)
			}
			if tt.status == 200 && string(b) != tt.body {
				t.Errorf("the handler read %q", b)
			}
		})
	}
}

func TestABodyThatIsTooLongClosesItsConnection(t *testing.T) {
	s := serve(t, Options{MaxBodyBytes: 4}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error { _, err := io.ReadAll(c.Request().Body); return err })
	})
	got := s.raw(t, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 413 ") || !strings.Contains(got, "Connection: close") {
		t.Errorf("got %q, want a 413 that closes", got)
	}
}

func TestABodyThatIsTooSlowIsA408(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error {
			// What http.Server.ReadTimeout does, without waiting for it.
			if err := http.NewResponseController(c.Response()).SetReadDeadline(time.Now()); err != nil {
				return err
			}
			return DecodeJSON(c, new(struct{}))
		})
	})
	got := s.raw(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "The body did not arrive in time.") {
		t.Errorf("got %q, want a 408", got)
	}
}

func TestABodyThatBreaksOffIsA400(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error { return DecodeJSON(c, new(struct{})) })
	})
	got := s.raw(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "The body could not be read to its end.") {
		t.Errorf("got %q, want a 400", got)
	}
}

func TestOtherDeadlinesAreNotTakenForTheBodys(t *testing.T) {
	// A database's socket fails with the same error as a body's.
	p, _ := problemOf(&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, t.Context())
	if p.Status != 500 {
		t.Errorf("status %d, want 500", p.Status)
	}
	_, err := body{io.NopCloser(io.MultiReader())}.Read(nil)
	if !errors.Is(err, io.EOF) {
		t.Errorf("the end of a body reads as %v", err)
	}
}
