package httpcache_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// networked serves s over the network.
func networked(t *testing.T, s *service) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	return server
}

// fetch gets a path as a client of its own.
func fetch(ctx context.Context, server *httptest.Server, path string) (body string, h http.Header, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, http.NoBody)
	if err != nil {
		return "", nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return "", nil, err
	}
	b, err := io.ReadAll(res.Body)
	return string(b), res.Header, errors.Join(err, res.Body.Close())
}

func TestAConnectionThatIsClosedStopsNobodyAndStoresNothing(t *testing.T) {
	gate := make(chan struct{})
	var s *service
	s = serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		n := s.calls.Load()
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = io.WriteString(w, page(n))
		if n == 1 {
			<-r.Context().Done()
			<-gate
		}
		_, _ = io.WriteString(w, "end")
	})
	server := networked(t, s)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, rawGet("/x", "Host: "+server.Listener.Addr().String())); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q, %v", line, err)
	}
	type result struct {
		body string
		err  error
	}
	others := make(chan result)
	for range 3 {
		go func() {
			body, _, err := fetch(context.Background(), server, "/x")
			others <- result{body, err}
		}()
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	close(gate)
	for range 3 {
		if got := <-others; got.err != nil || got.body != page(2)+"end" {
			t.Errorf("a follower has %.10q of %d bytes, %v", got.body, len(got.body), got.err)
		}
	}
	wait.Until(t, func() bool {
		body, h, err := fetch(t.Context(), server, "/x")
		if err != nil || body != page(2)+"end" {
			t.Fatalf("%.10q of %d bytes, %v", body, len(body), err)
		}
		return strings.Contains(h.Get("Cache-Status"), "hit")
	})
	s.wantCalls(t, 2)
}

func TestAResponseThatIsCutShortIsSoForTheClientAndIsNotStored(t *testing.T) {
	for name, cut := range map[string]func(w http.ResponseWriter){
		"by an abort": func(w http.ResponseWriter) { _, _ = io.WriteString(w, page(0)); panic(http.ErrAbortHandler) },
		"by its Content-Length": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "9999")
			_, _ = io.WriteString(w, page(0))
		},
		"before anything was sent": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"though it is small":       func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9999"); _, _ = io.WriteString(w, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			var s *service
			s = serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=3600")
				if s.calls.Load() == 1 {
					cut(w)
					return
				}
				_, _ = io.WriteString(w, "whole")
			})
			server := networked(t, s)
			if body, _, err := fetch(t.Context(), server, "/x"); err == nil {
				t.Errorf("the client takes %d bytes for a whole response", len(body))
			}
			if body, _, err := fetch(t.Context(), server, "/x"); body != "whole" || err != nil {
				t.Errorf("the next has %.10q, %v", body, err)
			}
		})
	}
}
