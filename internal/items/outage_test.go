//go:build unix

package items_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/servertest"
	"github.com/larder-go/larder/internal/wait"
)

func TestTwoProcessesShareTheirEntriesInRedis(t *testing.T) {
	path := servertest.Build(t)
	url := redistest.Start(t).URL()
	env := []string{"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + url}
	a, b := servertest.Start(t, path, env).Ready(), servertest.Start(t, path, env).Ready()
	first, second := cachedTime(t, a), cachedTime(t, b)
	if first.Source != "live" || second.Source != "cache" || first.Time != second.Time {
		t.Errorf("the first process says %+v, the second %+v; want the first's time from the cache", first, second)
	}
}

func TestTwoProcessesOnOnePathSeeEachOthersWrites(t *testing.T) {
	path := servertest.Build(t)
	env := []string{"APP_ITEMS_PATH=" + t.TempDir()} // memory: each has a cache of its own
	a, b := servertest.Start(t, path, env).Ready(), servertest.Start(t, path, env).Ready()
	id := create(t, a, 100)
	for price := int64(101); price < 120; price++ {
		if got := get(t, b, id); got.Price != price-1 {
			t.Errorf("the other process has the price %d; want %d", got.Price, price-1)
		}
		put(t, a, id, price)
	}
}

func TestItemsSurviveARestartOfTheProcess(t *testing.T) {
	path := servertest.Build(t)
	env := []string{"APP_ITEMS_PATH=" + t.TempDir(), "APP_DRAIN_DELAY=0s"}
	a := servertest.Start(t, path, env).Ready()
	id := create(t, a, 100)
	a.Signal(syscall.SIGTERM)
	if code := a.Wait(); code != 0 {
		t.Fatalf("exit code %d; want 0", code)
	}
	if got := get(t, servertest.Start(t, path, env).Ready(), id); got.Price != 100 {
		t.Errorf("after a restart the price is %d; want 100", got.Price)
	}
}

func TestRedisGoesAwayAndComesBack(t *testing.T) {
	if os.Getenv("APP_TEST_IN_COPY") != "" {
		t.Log("not run in a copy of the tree: it has been run in the tree itself")
		return
	}
	path := servertest.Build(t)
	for _, tc := range []struct {
		name     string
		away     func(*redistest.Server)
		back     func(*redistest.Server)
		absentAt string
	}{
		{"frozen and thawed", (*redistest.Server).Freeze, (*redistest.Server).Thaw, ""},
		{"killed and started again", (*redistest.Server).Kill, (*redistest.Server).Restart, ""},
		{"absent when the service starts", (*redistest.Server).Kill, (*redistest.Server).Restart, "start"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := redistest.Start(t)
			env := []string{"APP_CACHE_BACKEND=redis", "APP_CACHE_STORAGE_URL=" + server.URL(), "APP_HEALTH_INTERVAL=1s", "APP_CACHE_HEALTH_TIMEOUT=1s"}
			if tc.absentAt == "start" {
				tc.away(server)
			}
			p := servertest.Start(t, path, env).Live()
			if tc.absentAt == "" {
				p.Ready()
			}
			id := create(t, p, 100)
			get(t, p, id) // the entry is in the cache
			if tc.absentAt == "" {
				tc.away(server)
			}
			var readers sync.WaitGroup
			for range 8 {
				readers.Go(func() {
					for range 3 {
						if got := get(t, p, id); got.Price != 100 {
							t.Errorf("the price while Redis is away is %d; want 100", got.Price)
						}
					}
				})
			}
			readers.Wait()
			put(t, p, id, 200)
			wait.Until(t, func() bool { return p.Status("/ready") == http.StatusServiceUnavailable })
			if p.Status("/live") != http.StatusOK {
				t.Error("liveness depends on Redis")
			}
			lines := strings.Count(p.Output(), "the cache does not answer")
			if requests := 8 * 3; lines == 0 || lines > requests/2 {
				t.Errorf("%d lines about the cache after %d requests; want one an interval", lines, requests)
			}
			tc.back(server)
			if got := get(t, p, id); got.Price != 200 {
				t.Errorf("the price after Redis came back is %d; want the 200 that was put meanwhile", got.Price)
			}
			wait.Until(t, func() bool { return p.Status("/ready") == http.StatusOK })
			if got := get(t, p, id); got.Price != 200 {
				t.Errorf("the price is %d; want 200", got.Price)
			}
			wait.Until(t, func() bool { cachedTime(t, p); return cachedTime(t, p).Source == "cache" })
		})
	}
}

func TestWhatLooksLikeDownIsCalledWhatItIs(t *testing.T) {
	path := servertest.Build(t)
	for _, tc := range []struct {
		name string
		args []string
		env  func(host, port string) []string
		want []string
	}{
		{"a wrong password", []string{"--requirepass", "right"},
			func(host, port string) []string {
				return []string{"APP_REDIS_HOST=" + host, "APP_REDIS_PORT=" + port, "APP_REDIS_PASSWORD=hunter2"}
			},
			[]string{"wrong user or password", "APP_REDIS_PASSWORD"}},
		{"a wrong password in a URL", []string{"--requirepass", "right"},
			func(host, port string) []string {
				return []string{"APP_CACHE_STORAGE_URL=redis://:hunter2@" + host + ":" + port}
			},
			[]string{"wrong user or password", "APP_CACHE_STORAGE_URL"}},
		{"database 99", nil,
			func(host, port string) []string {
				return []string{"APP_REDIS_HOST=" + host, "APP_REDIS_PORT=" + port, "APP_CACHE_REDIS_DB=99"}
			},
			[]string{"no such database", "APP_CACHE_REDIS_DB"}},
		{"a read-only replica", []string{"--replicaof", "127.0.0.1 1"},
			func(host, port string) []string { return []string{"APP_REDIS_HOST=" + host, "APP_REDIS_PORT=" + port} },
			[]string{"read-only replica", "APP_REDIS_HOST"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			host, port, _ := strings.Cut(redistest.Start(t, tc.args...).Addr(), ":")
			p := servertest.Start(t, path, append(tc.env(host, port), "APP_CACHE_BACKEND=redis")).Live()
			for range 20 {
				if got := cachedTime(t, p); got.Source != "live" {
					t.Errorf("cached-time is from %q; want live", got.Source)
				}
			}
			wait.Until(t, func() bool { return strings.Contains(p.Output(), "set up wrongly") })
			for _, want := range tc.want {
				if !strings.Contains(p.Output(), want) {
					t.Errorf("the log does not have %q", want)
				}
			}
			if n := strings.Count(p.Output(), "set up wrongly"); n != 1 {
				t.Errorf("named %d times; want once", n)
			}
			if strings.Contains(p.Output(), "hunter2") {
				t.Error("the log shows the password")
			}
		})
	}
}

func TestACacheThatIsDownStopsTheStartWhereThatWasAskedFor(t *testing.T) {
	path := servertest.Build(t)
	p := servertest.Start(t, path, []string{"APP_CACHE_BACKEND=redis", "APP_REDIS_PORT=" + servertest.FreePort(t), "APP_CACHE_FAIL_START=true"})
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	if out := p.Output(); !strings.Contains(out, `start \"cache\"`) || !strings.Contains(out, "connection refused") {
		t.Errorf("the output does not say what failed:\n%s", out)
	}
}

type timeAnswer struct{ Source, Time string }

func cachedTime(t *testing.T, p *servertest.Process) (a timeAnswer) {
	t.Helper()
	do(t, p, http.MethodGet, "/api/v1/cached-time", "", http.StatusOK, &a)
	return a
}

type itemAnswer struct {
	ID    string
	Price int64
}

func create(t *testing.T, p *servertest.Process, price int64) string {
	t.Helper()
	var a itemAnswer
	do(t, p, http.MethodPost, "/api/v1/items", fmt.Sprintf(`{"name":"jam","price":%d}`, price), http.StatusCreated, &a)
	return a.ID
}

func put(t *testing.T, p *servertest.Process, id string, price int64) {
	t.Helper()
	do(t, p, http.MethodPut, "/api/v1/items/"+id, fmt.Sprintf(`{"name":"jam","price":%d}`, price), http.StatusOK, nil)
}

func get(t *testing.T, p *servertest.Process, id string) (a itemAnswer) {
	t.Helper()
	do(t, p, http.MethodGet, "/api/v1/items/"+id, "", http.StatusOK, &a)
	return a
}

// do makes a request that must not hang; it runs on any goroutine.
func do(t *testing.T, p *servertest.Process, method, target, body string, status int, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.URL()+target, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, target, err)
		return
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Errorf("%s %s: %s, %v\n%s", method, target, res.Status, err, b)
		return
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Errorf("%s %s: %v in %s", method, target, err, b)
		}
	}
}
