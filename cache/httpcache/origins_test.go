package httpcache_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

// proxied puts a reverse proxy behind the cache, in front of an origin.
func proxied(t *testing.T, origin http.HandlerFunc) (s *service, server *httptest.Server) {
	t.Helper()
	behind := httptest.NewServer(origin)
	t.Cleanup(behind.Close)
	u, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, ErrorLog: log.New(io.Discard, "", 0)}
	s = serve(t, nil, nil)
	s.handler = s.cache.Handler(proxy)
	server = httptest.NewUnstartedServer(s.handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return s, server
}

// read returns a body and how it ended.
func read(t *testing.T, url string) (body string, status string, err error) {
	t.Helper()
	res, err := http.DefaultClient.Do(getting(t, url))
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), res.Header.Get("Cache-Status"), err
}

func TestAReverseProxysResponsesAreStored(t *testing.T) {
	for name, body := range map[string]string{"with a length": "hello", "in chunks": strings.Repeat("hello", 10_000)} {
		t.Run(name, func(t *testing.T) {
			_, server := proxied(t, saying(body, "Cache-Control", "max-age=60"))
			wait.Until(t, func() bool {
				got, status, err := read(t, server.URL)
				if got != body || err != nil {
					t.Fatalf("%d bytes, %v", len(got), err)
				}
				return strings.Contains(status, "; hit")
			})
		})
	}
}

// TestAnUpstreamThatBreaksOffIsSeenAndNotStored is about a body that ends before it is whole, by its length or by its last chunk.
func TestAnUpstreamThatBreaksOffIsSeenAndNotStored(t *testing.T) {
	for name, head := range map[string]string{
		"before its length":     "Content-Length: 100\r\n\r\nhalf",
		"before its last chunk": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			calls := make(chan struct{}, 2)
			_, server := proxied(t, func(w http.ResponseWriter, _ *http.Request) {
				calls <- struct{}{}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"+head)
				_ = conn.Close()
			})
			for range 2 {
				if _, _, err := read(t, server.URL); err == nil {
					t.Error("the client takes half a body for a whole one")
				}
			}
			if len(calls) != 2 {
				t.Errorf("the origin was asked %d times, want 2", len(calls))
			}
		})
	}
}

// TestEventsArriveOneByOne waits for each before the next is sent.
func TestEventsArriveOneByOne(t *testing.T) {
	read := make(chan struct{})
	_, server := proxied(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "max-age=60")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-read:
			case <-r.Context().Done():
				return
			}
		}
	})
	res := respond(t, getting(t, server.URL))
	for range 3 {
		if _, err := io.ReadFull(res.Body, make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
		read <- struct{}{}
	}
	if status := res.Header.Get("Cache-Status"); strings.Contains(status, "stored") {
		t.Errorf("Cache-Status: %s", status)
	}
}

// TestAnUpgradePasses speaks through a connection that the origin has switched to another protocol.
func TestAnUpgradePasses(t *testing.T) {
	_, server := proxied(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(line)
		_ = rw.Flush()
	})
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	from := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line, err = from.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := from.ReadString('\n'); line != "hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestAFileServersFilesAreStored(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "a.txt"), then, then); err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil, http.StripPrefix("/files", http.FileServer(http.Dir(dir))).ServeHTTP)
	wait.Until(t, func() bool { return s.get("/files/a.txt").isHit() })
	calls := s.calls.Load()
	if a := s.get("/files/a.txt", "Range", "bytes=2-4"); a.StatusCode != http.StatusPartialContent || a.body != "234" {
		t.Errorf("a range: %d %q", a.StatusCode, a.body)
	}
	if a := s.get("/files/a.txt", "If-Modified-Since", then.UTC().Format(http.TimeFormat)); a.StatusCode != http.StatusNotModified {
		t.Errorf("If-Modified-Since: %d", a.StatusCode)
	}
	if a := s.do(http.MethodHead, "/files/a.txt"); a.ContentLength != 10 || a.body != "" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("HEAD: %d bytes, %q", a.ContentLength, a.Header.Get("Content-Type"))
	}
	if n := s.calls.Load() - calls; n != 0 {
		t.Errorf("the file server was asked %d times more", n)
	}
}

// TestATimeoutHandlersAnswerIsNotTheHandlers has a timeout inside of the cache: what it says in the handler's place is not stored.
func TestATimeoutHandlersAnswerIsNotTheHandlers(t *testing.T) {
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		saying("late", "Cache-Control", "max-age=60")(w, r)
	})
	s := serve(t, nil, http.TimeoutHandler(slow, time.Millisecond, "too slow").ServeHTTP)
	for range 2 {
		if a := s.get("/x"); a.StatusCode != http.StatusServiceUnavailable || a.body != "too slow" || strings.Contains(a.status(), "stored") {
			t.Errorf("%d %q %s", a.StatusCode, a.body, a.status())
		}
	}
	quick := serve(t, nil, http.TimeoutHandler(saying("page", "Cache-Control", "max-age=60"), time.Hour, "").ServeHTTP)
	wait.Until(t, func() bool { return quick.get("/x").isHit() })
}

func TestHTTP2IsServedFromTheStore(t *testing.T) {
	s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if !r.ProtoAtLeast(2, 0) {
			t.Errorf("the protocol is %s", r.Proto)
		}
		saying(strings.Repeat("x", 100_000), "Cache-Control", "max-age=60")(w, r)
	})
	server := httptest.NewUnstartedServer(s.handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	wait.Until(t, func() bool {
		res, err := server.Client().Do(getting(t, server.URL))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if len(body) != 100_000 || err != nil {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		return strings.Contains(res.Header.Get("Cache-Status"), "; hit")
	})
}
