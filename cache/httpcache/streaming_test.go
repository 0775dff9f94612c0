package httpcache_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/internal/wait"
)

// listen serves what is behind the cache on a real connection.
func (s *service) listen() *httptest.Server {
	s.t.Helper()
	server := httptest.NewServer(s.handler)
	s.t.Cleanup(server.Close)
	return server
}

func respond(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func getting(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTheClientReadsWhileTheHandlerStillWrites has a handler that goes on when the client has read what it has written: it would hang if that were held back.
func TestTheClientReadsWhileTheHandlerStillWrites(t *testing.T) {
	const piece = 8 << 10
	for name, write := range map[string]func(w http.ResponseWriter, p []byte) error{
		"by pieces beyond what net/http holds back": func(w http.ResponseWriter, p []byte) error {
			_, err := w.Write(p)
			return err
		},
		"by io.Copy": func(w http.ResponseWriter, p []byte) error {
			_, err := io.Copy(w, strings.NewReader(string(p)))
			return err
		},
		"by little and Flush": func(w http.ResponseWriter, p []byte) error {
			if _, err := w.Write(p[:10]); err != nil {
				return err
			}
			return http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			read := make(chan struct{})
			s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				for range 3 {
					if err := write(w, make([]byte, piece)); err != nil {
						t.Error(err)
					}
					select {
					case <-read:
					case <-t.Context().Done():
						return
					}
				}
			})
			res := respond(t, getting(t, s.listen().URL))
			for range 3 {
				if _, err := io.ReadFull(res.Body, make([]byte, 10)); err != nil {
					t.Fatal(err)
				}
				read <- struct{}{}
				if !strings.Contains(name, "Flush") {
					if _, err := io.ReadFull(res.Body, make([]byte, piece-10)); err != nil && err != io.EOF {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// TestARecordingTakesNoMoreMemoryThanABodyMayHave passes on a body of which a thousandth may be stored.
func TestARecordingTakesNoMoreMemoryThanABodyMayHave(t *testing.T) {
	const most, pieces, piece = 1 << 16, 1 << 10, 1 << 16
	body := make([]byte, piece)
	s := serve(t, &httpcache.Options{MaxBodyBytes: most}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		for range pieces {
			_, _ = w.Write(body)
		}
	})
	var before, after runtime.MemStats
	w := &sink{header: make(http.Header)}
	runtime.ReadMemStats(&before)
	s.handler.ServeHTTP(w, request(http.MethodGet, "/x"))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*most {
		t.Errorf("a body of %d bytes, of which %d may be stored, took %d bytes", pieces*piece, most, took)
	}
}

func TestInformationalResponsesPassAtOnceAndAreNotStored(t *testing.T) {
	gate := make(chan struct{}, 1)
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 2 {
			w.Header().Set("Link", fmt.Sprintf("</%d.css>; rel=preload", i))
			w.WriteHeader(http.StatusEarlyHints)
			<-gate
		}
		w.Header().Del("Link")
		saying("page", "Cache-Control", "max-age=60")(w, nil)
	})
	server := s.listen()
	hints := func() (seen []string, res *http.Response) {
		var mu sync.Mutex
		r := getting(t, server.URL)
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(code, " ", h.Get("Link")))
			gate <- struct{}{} // only now the handler goes on
			return nil
		}}))
		res = respond(t, r)
		mu.Lock()
		defer mu.Unlock()
		return seen, res
	}
	if seen, res := hints(); strings.Join(seen, ", ") != "103 </0.css>; rel=preload, 103 </1.css>; rel=preload" || res.Header.Get("Link") != "" {
		t.Errorf("on the way: %q; the response: %v", seen, res.Header)
	}
	var seen []string
	var last *http.Response
	wait.Until(t, func() bool {
		seen, last = hints()
		return strings.Contains(last.Header.Get("Cache-Status"), "; hit")
	})
	if len(seen) != 0 || last.Header.Get("Link") != "" {
		t.Errorf("with a hit: %q, %v", seen, last.Header)
	}
}

// TestAResponseControllerWorks uses what a handler can do with its connection, on a request that may be stored and on one that may not.
func TestAResponseControllerWorks(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			for name, err := range map[string]error{
				"SetReadDeadline": c.SetReadDeadline(time.Now().Add(time.Hour)), "SetWriteDeadline": c.SetWriteDeadline(time.Now().Add(time.Hour)),
				"EnableFullDuplex": c.EnableFullDuplex(), "Flush": c.Flush(),
			} {
				if err != nil {
					t.Errorf("%s: %s: %v", r.Method, name, err)
				}
			}
			if _, ok := w.(http.Flusher); !ok {
				t.Errorf("%s: the writer is no http.Flusher", r.Method)
			}
		})
		r := getting(t, s.listen().URL)
		r.Method = method
		if res := respond(t, r); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", method, res.Status)
		}
	}
}

func TestAConnectionCanBeTakenOver(t *testing.T) {
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
		_ = rw.Flush()
		if _, err := w.Write(nil); err != http.ErrHijacked {
			t.Errorf("a write afterwards gives %v", err)
		}
	})
	server := s.listen()
	for range 2 {
		res := respond(t, getting(t, server.URL))
		body, err := bufio.NewReader(res.Body).ReadString(0)
		if err != io.EOF || body != "taken" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if n := s.calls.Load(); n != 2 {
		t.Errorf("the handler was called %d times, want 2", n)
	}
}
