package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestRequestIDIsTheCallersOnlyWhereItIsSafe(t *testing.T) {
	var seen string
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.GET("/", func(c echo.Context) error {
			seen = RequestID(context.WithoutCancel(c.Request().Context()))
			c.Response().Header().Set("X-Request-ID", "someone-elses") // as a cache that replays headers would
			return c.NoContent(http.StatusOK)
		})
	})
	tests := []struct {
		name string
		ids  []string
		kept bool
	}{
		{"one of the allowed characters is kept", []string{"aZ09._-"}, true},
		{"64 characters are kept", []string{strings.Repeat("x", 64)}, true},
		{"65 are not", []string{strings.Repeat("x", 65)}, false},
		{"none is made up", nil, false},
		{"an empty one is replaced", []string{""}, false},
		{"a space is not allowed", []string{"a b"}, false},
		{"a quote is not allowed", []string{`a"b`}, false},
		{"a tab is not allowed", []string{"a\tb"}, false},
		{"a letter outside ASCII is not allowed", []string{"aé"}, false},
		{"two headers are ambiguous", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.log.reset()
			var header []string
			for _, id := range tt.ids {
				header = append(header, "X-Request-ID", id)
			}
			a := s.do(t, "GET", "/", "", header...)
			got := a.Header.Values("X-Request-ID")
			if len(got) != 1 {
				t.Fatalf("header values %q, want one", got)
			}
			if kept := len(tt.ids) > 0 && got[0] == tt.ids[0]; kept != tt.kept {
				t.Errorf("answered with %q, kept: %v, want %v", got[0], kept, tt.kept)
			}
			if !validID(got[0]) {
				t.Errorf("%q is itself not valid", got[0])
			}
			if logged := s.log.one(t)["request_id"]; seen != got[0] || logged != got[0] {
				t.Errorf("context has %q, log %q, header %q; want the same", seen, logged, got[0])
			}
		})
	}
}

func TestRequestIDIsEmptyOutsideARequest(t *testing.T) {
	if id := RequestID(t.Context()); id != "" {
		t.Errorf("got %q", id)
	}
}
