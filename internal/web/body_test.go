package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
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

// readers are the ways to read a body; each wants the type that it is the key of.
func readers(e *echo.Echo) (contentTypes map[string]string) {
	type named struct {
		Name string `json:"name" form:"name" xml:"name"`
	}
	e.POST("/read", func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return fmt.Errorf("import: %w", err)
		}
		return nil
	})
	e.POST("/decode", func(c echo.Context) error { return DecodeJSON(c, new(named)) })
	e.POST("/bind", func(c echo.Context) error { return c.Bind(new(named)) })
	e.POST("/form", func(c echo.Context) error { return c.Bind(new(named)) })
	e.POST("/multi", func(c echo.Context) error { return c.Bind(new(named)) })
	e.POST("/xml", func(c echo.Context) error { return c.Bind(new(named)) })
	return map[string]string{
		"/read": "text/plain", "/decode": "application/json", "/bind": "application/json",
		"/form": "application/x-www-form-urlencoded", "/multi": "multipart/form-data; boundary=b", "/xml": "application/xml",
	}
}

func TestABodyThatBreaksOffIsTheClientsErrorHoweverItIsRead(t *testing.T) {
	var contentTypes map[string]string
	s := serve(t, Options{MaxBodyBytes: 1 << 20, RequestTimeout: time.Minute}, func(e *echo.Echo) { contentTypes = readers(e) })
	for path, contentType := range contentTypes {
		start := map[string]string{
			"/read": "abc", "/decode": `{"na`, "/bind": `{"na`, "/form": "name=a", "/xml": "<named><na",
			"/multi": "--b\r\nContent-Disposition: form-data; name=name\r\n\r\nabc",
		}[path]
		head := "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + contentType + "\r\n"
		for what, request := range map[string]string{
			"with a length":    head + "Content-Length: 100\r\n\r\n" + start,
			"in chunks":        head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(start), start),
			"within a chunk":   head + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + start,
			"without a chunk":  head + "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
			"within a trailer": head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nA", len(start), start),
		} {
			t.Run(path+" "+what, func(t *testing.T) {
				s.log.reset()
				conn := s.dial(t)
				_, _ = io.WriteString(conn, request)
				_ = conn.CloseWrite() // it still reads
				b, _ := io.ReadAll(conn)
				if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "The body could not be read to its end.") {
					t.Errorf("got %q, want a 400", got)
				}
				if line := s.log.one(t); line["status"] != 400.0 || line["level"] != "INFO" {
					t.Errorf("log line %v, want a 400 at INFO", line)
				}
			})
		}
	}
}

func TestAClientThatLeavesWithinItsBodyIs499InTheLog(t *testing.T) {
	var contentTypes map[string]string
	reading := make(chan bool)
	s := serve(t, Options{RequestTimeout: time.Minute}, func(e *echo.Echo) {
		contentTypes = readers(e)
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error { reading <- true; return next(c) }
		})
	})
	for path, contentType := range contentTypes {
		s.log.reset()
		conn := s.dial(t)
		_, _ = io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nContent-Type: "+contentType+"\r\n\r\n")
		<-reading
		_ = conn.SetLinger(0) // the connection is reset
		conn.Close()
		line := s.log.one(t)
		if line["status"] != 499.0 || line["level"] != "INFO" {
			t.Errorf("%s: log line %v, want a 499 at INFO", path, line)
		}
		if text, _ := line["error"].(string); !strings.Contains(text, "read the request's body: ") {
			t.Errorf("%s: the log says %q", path, text)
		}
	}
}

func TestABodyThatBreaksOffWithinTheResponseIsNoErrorOfTheService(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error {
			rc := http.NewResponseController(c.Response())
			if err := rc.EnableFullDuplex(); err != nil {
				return err
			}
			c.Response().WriteHeader(http.StatusOK)
			c.Response().Flush()
			_, err := io.Copy(c.Response(), c.Request().Body)
			return err
		})
	})
	conn := s.dial(t)
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
	_ = conn.CloseWrite()
	if b, _ := io.ReadAll(conn); strings.HasSuffix(string(b), "0\r\n\r\n") {
		t.Errorf("the answer to half a body is whole: %q", b)
	}
	if line := s.log.one(t); line["status"] != 400.0 || line["level"] != "INFO" || line["aborted"] != true {
		t.Errorf("log line %v, want an aborted 400 at INFO", line)
	}
}

func TestABodyIsAwaitedUntilTheRequestsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended error
		conn, log := piped(t, Options{RequestTimeout: time.Second}, func(e *echo.Echo) {
			e.POST("/", func(c echo.Context) error {
				err := DecodeJSON(c, new(struct{}))
				ended = c.Request().Context().Err()
				return err
			})
		})
		start := time.Now()
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"na")
		b, _ := io.ReadAll(conn)
		if took := time.Since(start); took != 1100*time.Millisecond {
			t.Errorf("answered after %s, want 1.1s", took)
		}
		if got := string(b); !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, "The body did not arrive in time.") {
			t.Errorf("got %q, want a 408", got)
		}
		if ended != context.DeadlineExceeded {
			t.Errorf("the context ended with %v, want its deadline", ended)
		}
		if line := log.one(t); line["status"] != 408.0 || line["level"] != "INFO" {
			t.Errorf("log line %v, want a 408 at INFO", line)
		}
	})
}

func TestAHandlerMayWaitLongerForItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := piped(t, Options{RequestTimeout: time.Second}, func(e *echo.Echo) {
			e.POST("/", func(c echo.Context) error {
				if err := http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
					return err
				}
				_, err := io.Copy(c.Response(), c.Request().Body)
				return err
			})
		})
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\na")
		<-time.After(time.Minute)
		_, _ = io.WriteString(conn, "bc")
		if b, _ := io.ReadAll(conn); !strings.HasSuffix(string(b), "\r\n\r\nabc") {
			t.Errorf("got %q, want the whole body", b)
		}
	})
}

func TestTheDeadlineOfABodyHurtsNothingAfterIt(t *testing.T) {
	for what, read := range map[string]bool{"a body that is read": true, "a body that is not": false} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var began, ended []error
				conn, _ := piped(t, Options{RequestTimeout: time.Second}, func(e *echo.Echo) {
					e.Any("/", func(c echo.Context) error {
						began = append(began, c.Request().Context().Err())
						if read {
							if err := DecodeJSON(c, new(struct{})); err != nil {
								return err
							}
						}
						for range 60 { // a stream that does not look at its context
							<-time.After(time.Second)
							_, _ = io.WriteString(c.Response(), "tick ")
							c.Response().Flush()
						}
						ended = append(ended, c.Request().Context().Err())
						return nil
					})
				})
				answers := bufio.NewReader(conn)
				for range 3 {
					_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
					<-time.After(time.Second) // within the time of this request, whatever the ones before have used
					_, _ = io.WriteString(conn, "}")
					res, err := http.ReadResponse(answers, nil)
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(res.Body)
					res.Body.Close()
					if string(b) != strings.Repeat("tick ", 60) || res.Close {
						t.Fatalf("got %q, %v, closing %t; want all of the stream and the connection", b, err, res.Close)
					}
				}
				for i := range began {
					if began[i] != nil || ended[i] != context.DeadlineExceeded {
						t.Errorf("request %d: its context began as %v and ended as %v", i, began[i], ended[i])
					}
				}
			})
		})
	}
}

func TestAClosedBodyIsNotRead(t *testing.T) {
	s := serve(t, Options{}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error {
			_ = c.Request().Body.Close()
			_, err := c.Request().Body.Read(make([]byte, 1))
			return c.String(200, fmt.Sprint(errors.Is(err, http.ErrBodyReadAfterClose)))
		})
	})
	if a := s.do(t, "POST", "/", "abc"); a.body != "true" {
		t.Errorf("is the error ErrBodyReadAfterClose: %s", a.body)
	}
}

func TestTheCauseOfABrokenBodyIsKept(t *testing.T) {
	if err := error(broken(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "read the request's body: unexpected EOF" {
		t.Errorf("got %v", err)
	}
}

func TestOtherDeadlinesAreNotTakenForTheBodys(t *testing.T) {
	// A database's socket fails with the same error as a body's.
	p, _ := problemOf(&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, t.Context())
	if p.Status != 500 {
		t.Errorf("status %d, want 500", p.Status)
	}
	_, err := (&body{limited: strings.NewReader("")}).Read(make([]byte, 1))
	if !errors.Is(err, io.EOF) {
		t.Errorf("the end of a body reads as %v", err)
	}
}
