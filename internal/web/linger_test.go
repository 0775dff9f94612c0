package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
)

// refusing has a limit of 1 MiB and answers most bodies without having read them.
func refusing(e *echo.Echo) {
	e.POST("/ignore", func(echo.Context) error { return nil })
	e.POST("/read", func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		return err
	})
	e.POST("/close", func(c echo.Context) error {
		defer c.Request().Body.Close()
		_, err := io.Copy(io.Discard, c.Request().Body)
		return err
	})
	e.POST("/panic", func(echo.Context) error { panic("unread") })
	e.POST("/json", func(c echo.Context) error { return DecodeJSON(c, new(struct{})) })
	e.POST("/own", func(c echo.Context) error { return c.String(http.StatusConflict, "no") })
}

func TestAClientThatSendsAllBeforeItReadsSeesTheRefusal(t *testing.T) {
	const limit = 1 << 20
	long, most := strings.Repeat("x", 16*limit), strings.Repeat("x", limit)
	length := func(body string) string {
		return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	chunked := func(body string) string {
		return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	tests := []struct {
		name, path, rest string
		status           int
	}{
		{"a length past the limit", "/ignore", length(long), 413},
		{"a length past the limit, and no second request", "/ignore", "Connection: close\r\n" + length(long), 413},
		{"one byte past the limit", "/ignore", length(most + "x"), 413},
		{"chunks past the limit", "/read", chunked(long), 413},
		{"chunks past the limit, and no second request", "/read", "Connection: close\r\n" + chunked(long), 413},
		{"chunks past the limit that the handler has closed", "/close", chunked(long), 413},
		{"an asked-for body past the limit", "/read", "Expect: 100-continue\r\n" + chunked(long), 413},
		{"a path that is not there", "/nowhere", length(most), 404},
		{"a path that is not there, in endless chunks", "/nowhere", chunked(long), 404},
		{"a page of another origin", "/read", "Sec-Fetch-Site: cross-site\r\n" + length(most), 403},
		{"a type that is not taken", "/json", "Connection: close\r\n" + length(most), 415},
		{"a panic", "/panic", length(most), 500},
		{"an answer of the handler's own", "/own", length(most), 409},
	}
	s := serve(t, Options{MaxBodyBytes: limit, RequestTimeout: time.Minute}, refusing)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.log.reset()
			conn := s.dial(t)
			if _, err := io.WriteString(conn, "POST "+tt.path+" HTTP/1.1\r\nHost: a\r\n"+tt.rest); err != nil {
				t.Fatalf("the connection broke while the body was sent: %v", err)
			}
			b, err := io.ReadAll(conn)
			got := strings.TrimPrefix(string(b), "HTTP/1.1 100 Continue\r\n\r\n")
			if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || err != nil {
				t.Errorf("got %q, %v, want a %d", b, err, tt.status)
			}
			if line := s.log.one(t); line["status"] != float64(tt.status) {
				t.Errorf("log line %v", line)
			}
		})
	}
}

func TestARefusalIsWholeAndLoggedBeforeTheBodyHasCome(t *testing.T) {
	s := serve(t, Options{MaxBodyBytes: 1 << 20}, refusing)
	conn := s.dial(t)
	_, _ = io.WriteString(conn, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
	answer := bufio.NewReader(conn)
	res, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close || !strings.Contains(string(b), "The body is too long.") {
		t.Errorf("got %v %q, %v, want a problem of 413 that closes", res, b, err)
	}
	s.log.one(t)
	if _, err := conn.Write(make([]byte, 5000000)); err != nil {
		t.Errorf("the rest of the body: %v", err)
	}
	if _, err := answer.ReadByte(); err != io.EOF {
		t.Errorf("after the body: %v, want the end of the connection", err)
	}
}

func TestARefusalDoesNotWaitForAShortBodyThatDoesNotArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := piped(t, Options{RequestTimeout: time.Minute}, refusing)
		start := time.Now()
		_, _ = io.WriteString(conn, "POST /nope HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n0123456789")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusNotFound {
			t.Fatalf("got %v, %v, want a 404", res, err)
		}
		res.Body.Close()
		if took := time.Since(start); took > lingerTime {
			t.Errorf("answered after %s, want %s at the latest", took, lingerTime)
		}
	})
}

func TestABodyThatIsRefusedUnaskedIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := piped(t, Options{MaxBodyBytes: 1 << 20, RequestTimeout: time.Minute}, refusing)
		start := time.Now()
		_, _ = io.WriteString(conn, "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
		b, _ := io.ReadAll(conn)
		if !strings.HasPrefix(string(b), "HTTP/1.1 413 ") || strings.Contains(string(b), "100 Continue") {
			t.Errorf("got %q, want nothing but a 413", b)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the connection was held for %s for a body that does not come", took)
		}
	})
}

func TestLingeringEnds(t *testing.T) {
	const head = "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	within := func(name string, limit time.Duration, request string, sent func(io.Writer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, log := piped(t, Options{MaxBodyBytes: 4, RequestTimeout: time.Minute}, refusing)
				start := time.Now()
				var client sync.WaitGroup
				defer client.Wait()
				client.Go(func() {
					_, _ = io.WriteString(conn, request)
					sent(conn)
				})
				b, _ := io.ReadAll(conn)
				if !strings.HasPrefix(string(b), "HTTP/1.1 413 ") {
					t.Errorf("got %q, want a 413", b)
				}
				if took := time.Since(start); took > limit {
					t.Errorf("the connection was held for %s, want %s at most", took, limit)
				}
				if line := log.one(t); line["duration"] != 0.0 {
					t.Errorf("duration %v, want that of the answer", line["duration"])
				}
			})
		})
	}
	// net/http waits half a second itself before it closes.
	within("after 5 seconds where the client is silent", 5500*time.Millisecond, head+"5\r\nabcde\r\n", func(io.Writer) {})
	within("after 5 seconds where the client is slow", 5500*time.Millisecond, head+"5\r\nabcde\r\n", func(w io.Writer) {
		for {
			if _, err := io.WriteString(w, "1\r\nx\r\n"); err != nil {
				return
			}
			<-time.After(time.Second)
		}
	})
	within("after 64 MiB where the client does not end", time.Second, head+"5\r\nabcde\r\n", func(w io.Writer) {
		chunk := "100000\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
		for {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	within("at the end of the body", time.Second, head+"5\r\nabcde\r\n", func(w io.Writer) { _, _ = io.WriteString(w, "0\r\n\r\n") })
}

func TestASuccessDoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, _ := piped(t, Options{RequestTimeout: time.Minute}, refusing)
		start := time.Now()
		_, _ = io.WriteString(conn, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
		if b, _ := io.ReadAll(conn); !strings.HasPrefix(string(b), "HTTP/1.1 200 ") || time.Since(start) > time.Second {
			t.Errorf("got %q after %s, want a 200 at once", b, time.Since(start))
		}
	})
}

func TestHTTP2NeedsNoLingering(t *testing.T) {
	// A refused stream is reset on its own; the answer would only end later.
	s := httptest.NewUnstartedServer(New(Options{RequestTimeout: time.Minute}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	body, silent := io.Pipe()
	defer silent.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/nowhere", body)
	start := time.Now()
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	if took := time.Since(start); res.ProtoMajor != 2 || res.StatusCode != http.StatusNotFound || err != nil || took >= lingerTime {
		t.Errorf("%s %s, %v, after %s; want a 404 of HTTP/2 at once", res.Proto, res.Status, err, took)
	}
}

func TestAConnectionThatWasHandedOverIsLeftAlone(t *testing.T) {
	conns := make(chan net.Conn, 1)
	s := serve(t, Options{RequestTimeout: time.Minute}, func(e *echo.Echo) {
		e.POST("/", func(c echo.Context) error {
			c.Response().WriteHeader(http.StatusConflict)
			conn, _, err := http.NewResponseController(c.Response()).Hijack()
			if err == nil {
				conns <- conn
			}
			return err
		})
	})
	client := s.dial(t)
	_, _ = io.WriteString(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
	conn := <-conns
	defer conn.Close()
	s.log.one(t)
	_, _ = io.WriteString(client, "ping")
	_ = client.CloseWrite()
	if b, err := io.ReadAll(conn); string(b) != "ping" || err != nil {
		t.Errorf("its new owner read %q, %v, want what the client sent", b, err)
	}
}
