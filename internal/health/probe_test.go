package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/internal/health"
)

func TestReady(t *testing.T) {
	fine := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("connection refused") }
	draining := func() error { return errors.New("draining") }
	tests := []struct {
		name    string
		options health.Options
		checks  []health.Check
		status  int
		body    string
		cache   string // the header of that name
	}{
		{"without checks the service is ready", health.Options{}, nil, 200, `{"status":"ready"}`, ""},
		{"with a fine check it is ready", health.Options{}, []health.Check{{Name: "cache", Run: fine}}, 200, `{"status":"ready"}`, ""},
		{"with a fine state it is ready", health.Options{State: func() error { return nil }, Details: true}, nil, 200, `{"status":"ready"}`, ""},
		{"details list the checks", health.Options{Details: true}, []health.Check{{Name: "cache", Run: fine}}, 200,
			`{"status":"ready","checks":{"cache":"ok"}}`, ""},
		{"a failing check takes it out without saying which", health.Options{}, []health.Check{{Name: "cache", Run: down}}, 503,
			`{"status":"not ready","detail":"not ready: a check is failing"}`, ""},
		{"details say which check fails and why", health.Options{Details: true}, []health.Check{{Name: "cache", Run: down}, {Name: "orders", Run: fine}}, 503,
			`{"status":"not ready","detail":"not ready: failing checks: cache","checks":{"cache":"failed: connection refused","orders":"ok"}}`, ""},
		{"a degraded check that fails leaves it in", health.Options{}, []health.Check{{Name: "cache", Run: down, Degrade: true}}, 200,
			`{"status":"degraded"}`, "degraded"},
		{"details explain degraded", health.Options{Details: true}, []health.Check{{Name: "cache", Run: down, Degrade: true}}, 200,
			`{"status":"degraded","checks":{"cache":"failed: connection refused"}}`, "degraded"},
		{"a required check outweighs a degraded one", health.Options{}, []health.Check{{Name: "cache", Run: down, Degrade: true}, {Name: "orders", Run: down}}, 503,
			`{"status":"not ready","detail":"not ready: a check is failing"}`, "degraded"},
		{"the state outweighs every check", health.Options{State: draining}, []health.Check{{Name: "cache", Run: down}}, 503,
			`{"status":"not ready","detail":"not ready: draining"}`, ""},
		{"the state is no check", health.Options{State: draining, Details: true}, []health.Check{{Name: "cache", Run: fine}}, 503,
			`{"status":"not ready","detail":"not ready: draining","checks":{"cache":"ok"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := get(start(t, tt.options, tt.checks...).Ready())
				wantAnswer(t, w, tt.status, tt.body+"\n")
				if got := w.Header().Get("Cache"); got != tt.cache {
					t.Errorf("Cache: %q, want %q", got, tt.cache)
				}
			})
		})
	}
}

func TestReadyBeforeTheFirstRun(t *testing.T) {
	h := health.New(health.Options{Details: true})
	if err := h.Add(health.Check{Name: "cache", Run: func(context.Context) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, get(h.Ready()), 503,
		`{"status":"not ready","detail":"not ready: failing checks: cache","checks":{"cache":"failed: not checked yet"}}`+"\n")
}

func TestStateIsReadAtEachProbe(t *testing.T) {
	err := errors.New("starting")
	h := health.New(health.Options{State: func() error { return err }})
	if code := get(h.Ready()).Code; code != 503 {
		t.Errorf("starting: %d", code)
	}
	err = nil
	if code := get(h.Ready()).Code; code != 200 {
		t.Errorf("started: %d", code)
	}
}

func TestLive(t *testing.T) {
	t.Run("depends on no check and no state", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, health.Options{State: func() error { return errors.New("draining") }},
				health.Check{Name: "cache", Run: func(context.Context) error { return errors.New("down") }})
			wantAnswer(t, get(h.Live()), 200, `{"status":"live"}`+"\n")
		})
	})
	t.Run("answers before Start", func(t *testing.T) {
		wantAnswer(t, get(health.New(health.Options{}).Live()), 200, `{"status":"live"}`+"\n")
	})
}

func TestProbes(t *testing.T) {
	h := health.New(health.Options{})
	down := health.New(health.Options{State: func() error { return errors.New("draining") }})
	probes := []struct {
		name    string
		handler http.Handler
		status  int
	}{{"live", h.Live(), 200}, {"ready", h.Ready(), 200}, {"not ready", down.Ready(), 503}}
	for _, p := range probes {
		t.Run(p.name+": HEAD has the status and fields of GET and no body", func(t *testing.T) {
			g, w := do(p.handler, http.MethodGet, "/"), do(p.handler, http.MethodHead, "/")
			wantAnswer(t, w, p.status, "")
			if diff := cmp.Diff(g.Header(), w.Header()); diff != "" {
				t.Errorf("the fields differ (-GET +HEAD):\n%s", diff)
			}
		})
		t.Run(p.name+": the fields are these and no others", func(t *testing.T) {
			g := get(p.handler)
			want := http.Header{
				"Cache-Control":  {"no-store"},
				"Content-Type":   {"application/json"},
				"Content-Length": {fmt.Sprint(g.Body.Len())},
			}
			if diff := cmp.Diff(want, g.Header()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
		t.Run(p.name+": the query changes nothing", func(t *testing.T) {
			if g, q := get(p.handler), do(p.handler, http.MethodGet, "/?full=1"); g.Body.String() != q.Body.String() {
				t.Errorf("got %s, without the query %s", q.Body, g.Body)
			}
		})
		for _, method := range []string{http.MethodPost, http.MethodOptions, "PURGE"} {
			t.Run(p.name+": "+method+" is not allowed", func(t *testing.T) {
				w := do(p.handler, method, "/")
				wantAnswer(t, w, http.StatusMethodNotAllowed, `{"status":"method not allowed"}`+"\n")
				if got := w.Header().Get("Allow"); got != "GET, HEAD" {
					t.Errorf("Allow: %q", got)
				}
			})
		}
	}
}

func TestFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type call struct {
			path, detail string
			checks       map[string]string
		}
		var got []call
		o := health.Options{Fail: func(w http.ResponseWriter, r *http.Request, detail string, checks map[string]string) {
			got = append(got, call{r.URL.Path, detail, checks})
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("ours"))
		}}
		c := health.Check{Name: "cache", Run: func(context.Context) error { return errors.New("refused") }}

		wantAnswer(t, do(start(t, o, c).Ready(), "GET", "/ready"), 503, "ours")
		o.Details = true
		wantAnswer(t, do(start(t, o, c).Ready(), "HEAD", "/ready"), 503, "")

		want := []call{
			{"/ready", "not ready: a check is failing", nil},
			{"/ready", "not ready: failing checks: cache", map[string]string{"cache": "failed: refused"}},
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(call{})); diff != "" {
			t.Errorf("Fail was called with (-want +got):\n%s", diff)
		}
	})
}
