package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestItKeepsWhatTheOriginAllows(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.URL.Path, "/below/kept") {
			w.Header().Set("Cache-Control", "max-age=60")
		} else {
			w.Header().Set("Cache-Control", "no-store")
		}
		fmt.Fprintf(w, "%s of %s for %s", r.URL.RequestURI(), r.Host, r.Header.Get("X-Forwarded-For"))
	}))
	defer origin.Close()
	address, stop := start(t, "-origin", origin.URL+"/below")
	for _, c := range []struct {
		path string
		want int64 // times that the origin is asked
	}{
		{"/kept?a;b=%zz", 1}, // which net/url cannot parse
		{"/kept?a", 1},
		{"/other", 3},
	} {
		asked.Store(0)
		for range 3 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+c.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "shop.example"
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
			if got, want := body(t, r), "/below"+c.path+" of shop.example for 127.0.0.1"; got != want {
				t.Errorf("%s: the body is %q, want %q", c.path, got, want)
			}
		}
		if n := asked.Load(); n != c.want {
			t.Errorf("%s: the origin was asked %d times, want %d", c.path, n, c.want)
		}
	}
	if code, problems := stop(); code != 0 || problems != "" {
		t.Errorf("exit code %d, and it said %q", code, problems)
	}
}

func TestNoOtherEncodingIsAskedForThanTheClients(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.Header["Accept-Encoding"])
	}))
	defer origin.Close()
	o, err := parseOrigin(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	newProxy(o, log.Default()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if got := w.Body.String(); got != "[]" {
		t.Errorf("the origin was asked for %s, want no Accept-Encoding", got)
	}
}

func TestAnOriginThatIsDownIsABadGateway(t *testing.T) {
	origin := httptest.NewServer(http.NotFoundHandler())
	origin.Close()
	var problems bytes.Buffer
	o, err := parseOrigin(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	h := newProxy(o, log.New(&problems, "", 0))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a%0Ab", http.NoBody))
	if w.Code != http.StatusBadGateway || !strings.HasPrefix(problems.String(), `GET "/a\nb": `) {
		t.Errorf("status %d, and it said %q; want 502 and the request and why", w.Code, &problems)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	problems.Reset()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody))
	if problems.Len() > 0 {
		t.Errorf("of a client that has left it said %q, want nothing", &problems)
	}
}

func TestAWrongCommandLineIsSaid(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no origin", nil, 2, "-origin is missing"},
		{"an origin without a scheme", []string{"-origin", "localhost:3000"}, 2, "-origin is no URL"},
		{"another scheme", []string{"-origin", "ftp://localhost"}, 2, "-origin is no URL"},
		{"no host", []string{"-origin", "http://:3000"}, 2, "-origin is no URL"},
		{"a password, which is not repeated", []string{"-origin", "http://u:secret@localhost"}, 2, "without a user"},
		{"an unknown flag", []string{"-x"}, 2, "-x"},
		{"an argument", []string{"-origin", "http://localhost", "x"}, 2, `"x"`},
		{"help", []string{"-h"}, 0, "-origin URL"},
		{"an address that is none", []string{"-origin", "http://localhost", "-listen", "127.0.0.1:http-or-so"}, 1, "http-or-so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, problems bytes.Buffer
			if code := run(t.Context(), c.args, &out, &problems); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if s := problems.String(); !strings.Contains(s, c.want) || strings.Contains(s, "secret") || out.Len() > 0 {
				t.Errorf("it said %q and printed %q; want %q said and nothing printed", s, &out, c.want)
			}
		})
	}
}

// start runs the program and returns where it listens, and what ends it.
func start(t *testing.T, args ...string) (address string, stop func() (code int, problems string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	line, out := io.Pipe()
	var problems bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, append(args, "-listen", "127.0.0.1:0"), out, &problems)
		_ = out.Close()
		ended <- code
	}()
	stop = sync.OnceValues(func() (int, string) {
		cancel()
		return <-ended, problems.String()
	})
	t.Cleanup(func() { _, _ = stop() })
	text, err := bufio.NewReader(line).ReadString('\n')
	if err != nil {
		_, said := stop()
		t.Fatalf("it does not listen: %s", said)
	}
	address, _, _ = strings.Cut(strings.TrimPrefix(text, "listening on "), " ")
	return address, stop
}

func body(t *testing.T, r *http.Request) string {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", r.URL, response.Status, err)
	}
	return string(text)
}
