package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const wrkPrints = `Running 1s test @ http://127.0.0.1:8080/1024
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.62ms    1.71ms  20.44ms   87.10%
    Req/Sec    24.95k     2.61k   29.62k    70.00%
  54521 requests in 1.10s, 61.93MB read
Requests/sec:  49561.73
Transfer/sec:     56.30MB
`

func TestWhatWrkPrintsIsRead(t *testing.T) {
	l, err := parseLoad(wrkPrints)
	if err != nil || l != (load{54521, 49561.73}) {
		t.Errorf("parseLoad: %+v, %v", l, err)
	}
}

func TestALoadWithFailuresIsNone(t *testing.T) {
	line := "  54521 requests in 1.10s, 61.93MB read\n"
	for _, c := range []struct {
		name, text, want string
	}{
		{"connections that broke", strings.Replace(wrkPrints, line, line+"  Socket errors: connect 0, read 3, write 0, timeout 0\n", 1), "read 3"},
		{"errors of the server", strings.Replace(wrkPrints, line, line+"  Non-2xx or 3xx responses: 17\n", 1), "17"},
		{"no request", strings.NewReplacer("54521 requests", "0 requests", "49561.73", "0.00").Replace(wrkPrints), "nothing was answered"},
		{"no count", strings.Replace(wrkPrints, line, "", 1), "how many"},
		{"no rate", strings.Replace(wrkPrints, "Requests/sec", "Requests", 1), "requests a second"},
		{"nothing", "", "how many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if l, err := parseLoad(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("parseLoad: %+v, %v; want an error with %q", l, err, c.want)
			}
		})
	}
}

func TestWrkCountsWhatAServerAnswers(t *testing.T) {
	w, err := findWrk()
	if err != nil {
		t.Fatal(err)
	}
	if v := w.version(t.Context()); !strings.HasPrefix(v, "wrk ") {
		t.Errorf("its version is %q", v)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer server.Close()
	if l, err := w.load(t.Context(), 1, time.Millisecond, server.URL); err != nil || l.requests < 1 || l.perSecond <= 0 {
		t.Errorf("a load of a millisecond: %+v, %v", l, err)
	}
	if _, err := w.load(t.Context(), 1, time.Millisecond, server.URL+"/tea"); err == nil || !strings.Contains(err.Error(), "Non-2xx") {
		t.Errorf("a load that the server refuses: %v, want what wrk says of it", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.load(ctx, 1, time.Minute, server.URL); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a load of a minute with a deadline: %v", err)
	}
}
