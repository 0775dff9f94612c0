package app_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/servertest"
	"github.com/larder-go/larder/internal/wait"
)

func start(t *testing.T, name string, env ...string) *servertest.Process {
	t.Helper()
	return servertest.Start(t, os.Args[0], append([]string{"APP_TEST_PROGRAM=" + name, "APP_DRAIN_DELAY=0s"}, env...))
}

func TestASignalStopsTheProcessWithCode0(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := start(t, "plain").Ready()
			p.Signal(sig)
			if code := p.Wait(); code != 0 {
				t.Errorf("exit code %d; want 0\n%s", code, p.Output())
			}
		})
	}
}

func TestARequestThatIsBeingServedIsFinished(t *testing.T) {
	p := start(t, "plain").Ready()
	type answer struct {
		body string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		res, err := http.Get(p.URL() + "/until-stopped")
		if err != nil {
			answers <- answer{"", err}
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		answers <- answer{string(body), err}
	}()
	wait.Until(t, func() bool { return strings.Contains(metrics(t, p), "http_requests_in_flight 2") }) // it and the question
	p.Signal(syscall.SIGTERM)
	if a := <-answers; a.err != nil || a.body != "finished" {
		t.Errorf("the request got %q, %v; want it finished", a.body, a.err)
	}
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
}

func metrics(t *testing.T, p *servertest.Process) string {
	t.Helper()
	return get(t, p, "/metrics")
}

func get(t *testing.T, p *servertest.Process, path string) string {
	t.Helper()
	res, err := http.Get(p.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestProcessesShareTheNamedCacheThatIsOnRedisAlone(t *testing.T) {
	url := redistest.Start(t).URL()
	env := on(url, "APP_STORES=sessions=redis", "APP_STORES_STRICT=true")
	one, other := start(t, "plain", env...).Ready(), start(t, "plain", env...).Ready()
	for _, visit := range []struct {
		p    *servertest.Process
		name string
		want string
	}{
		{one, "sessions", "true"}, {other, "sessions", "false"}, {one, "sessions", "false"},
		{one, "default", "true"}, {other, "default", "true"}, {one, "default", "false"},
		{one, "rate_limit", "true"}, {other, "rate_limit", "true"},
	} {
		if got := get(t, visit.p, "/first/"+visit.name); got != visit.want {
			t.Errorf("the visit to %s at %s is the first: %s; want %s", visit.name, visit.p.URL(), got, visit.want)
		}
	}
	if code := one.Status("/first/unknown"); code != http.StatusInternalServerError {
		t.Errorf("a name that nobody knows gives %d; want 500", code)
	}
	for _, p := range []*servertest.Process{one, other} {
		p.Signal(syscall.SIGTERM)
		if code := p.Wait(); code != 0 {
			t.Errorf("exit code %d; want 0\n%s", code, p.Output())
		}
	}
}

func TestAStartIsRefusedWhereTheRedisOfANameIsDown(t *testing.T) {
	down := redistest.Start(t)
	down.Kill()
	p := start(t, "plain", on(down.URL(), "APP_STORES=sessions=redis", "APP_CACHE_FAIL_START=true")...)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	if out := p.Output(); !strings.Contains(out, `start \"cache\": cache \"sessions\": cache: ping: store unavailable`) {
		t.Errorf("the output does not name the cache:\n%s", out)
	}
}

func TestWhileDrainingRequestsAreServedAndReadinessSaysNo(t *testing.T) {
	p := start(t, "plain", "APP_DRAIN_DELAY=2s").Ready()
	p.Signal(syscall.SIGTERM)
	wait.Until(t, func() bool { return p.Status("/ready") == http.StatusServiceUnavailable })
	res, err := http.Get(p.URL() + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !res.Close {
		t.Errorf("a request while draining: %d, Connection: close is %t; want 200 and true", res.StatusCode, res.Close)
	}
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
}

func TestAHandlerThatStreamsForEverEndsWithTheBudget(t *testing.T) {
	p := start(t, "plain", "APP_SHUTDOWN_TIMEOUT=500ms", "APP_REQUEST_TIMEOUT=1h").Ready()
	res, err := http.Get(p.URL() + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, res.Body) }()
	begun := time.Now()
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1: not everything stopped by itself", code)
	}
	if d := time.Since(begun); d < 300*time.Millisecond {
		t.Errorf("the stream had %v; want the budget of 500ms", d)
	}
	if out := p.Output(); !strings.Contains(out, `stop \"server\"`) {
		t.Errorf("the output does not name the server:\n%s", out)
	}
}

func TestASecondSignalExitsAtOnce(t *testing.T) {
	p := start(t, "plain", "APP_DRAIN_DELAY=15s").Ready()
	p.Signal(syscall.SIGTERM)
	wait.Until(t, func() bool { return p.Status("/ready") == http.StatusServiceUnavailable })
	begun := time.Now()
	p.Signal(syscall.SIGINT)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestWhatFailsToStopIsNamedAndTheOthersStop(t *testing.T) {
	for _, tc := range []struct {
		program string
		want    []string
	}{
		{"a hook hangs", []string{`stop \"stubborn\"`, "first stopped", "last stopped"}},
		{"a hook panics", []string{`stop \"nervous\"`, "oh no", "first stopped", "last stopped"}},
		{"the store fails to close", []string{`stop \"cache\"`, "the lid is stuck", "first stopped"}},
	} {
		t.Run(tc.program, func(t *testing.T) {
			p := start(t, tc.program).Ready()
			p.Signal(syscall.SIGTERM)
			if code := p.Wait(); code != 1 {
				t.Errorf("exit code %d; want 1", code)
			}
			for _, want := range tc.want {
				if out := p.Output(); !strings.Contains(out, want) {
					t.Errorf("the output does not have %s:\n%s", want, out)
				}
			}
		})
	}
}

func TestAFailedStartUndoesWhatHadStarted(t *testing.T) {
	p := start(t, "a hook fails to start")
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	for _, want := range []string{`start \"broken\"`, "no fuel", "first stopped"} {
		if out := p.Output(); !strings.Contains(out, want) {
			t.Errorf("the output does not have %s:\n%s", want, out)
		}
	}
}

func TestASignalEndsABuildThatHangs(t *testing.T) {
	p := start(t, "the backend hangs while it opens", "APP_CACHE_BACKEND=slow")
	wait.Until(t, func() bool { return strings.Contains(p.Output(), "opening") })
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	if out := p.Output(); !strings.Contains(out, `backend "slow": context canceled`) {
		t.Errorf("the output does not say what was given up:\n%s", out)
	}
}

func TestAPortInUseIsNamedWithItsVariable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := start(t, "plain", "APP_PORT="+port)
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	if out := p.Output(); !strings.Contains(out, "APP_PORT="+port) || !strings.Contains(out, "another process listens") {
		t.Errorf("the output does not name the variable:\n%s", out)
	}
}

func TestWrongSettingsAreReportedTogether(t *testing.T) {
	p := start(t, "plain", "APP_CACHE_BACKEND=memcached", "APP_CACHE_MAX_ENTRIES=0", "APP_PORT=99999", "APP_CACHE_DEFAULT_TTL=soon")
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	out := p.Output()
	for _, want := range []string{
		"4 problems", "APP_CACHE_BACKEND=memcached: unknown backend; allowed: file, memory, none, redis, tiered, valkey",
		"APP_CACHE_MAX_ENTRIES=0: ", "APP_PORT=99999: ", "APP_CACHE_DEFAULT_TTL=soon: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not have %q:\n%s", want, out)
		}
	}
	if n := strings.Count(out, "; allowed: "); n != 4 {
		t.Errorf("%d lines say what is allowed; want 4:\n%s", n, out)
	}
}

func TestAnEnvFileIsReadAndTheEnvironmentWins(t *testing.T) {
	dir := t.TempDir()
	file := "APP_PORT=1\nAPP_NAME=from-the-file\nAPP_ENV=a$HOME\nAPP_ITEMS_PATH='single$x'\nAPP_CACHE_KEY_PREFIX=\"double$x:\"\n"
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	p := servertest.StartIn(t, dir, os.Args[0], []string{"APP_TEST_PROGRAM=plain", "APP_DRAIN_DELAY=0s"}, "config")
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
	out := p.Output()
	for _, want := range []string{"from-the-file", "a$HOME", "single$x", "double$x"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not there as .env has it:\n%s", want, out)
		}
	}
	if _, port, _ := strings.Cut(p.URL(), "127.0.0.1:"); !strings.Contains(out, port) {
		t.Errorf("APP_PORT is not from the environment:\n%s", out)
	}
}

func TestAMalformedEnvFileIsReportedWithoutItsContents(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("APP_REDIS_PASSWORD hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := servertest.StartIn(t, dir, os.Args[0], []string{"APP_TEST_PROGRAM=plain", "APP_LOG_FORMAT=xml"})
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	out := p.Output()
	if !strings.Contains(out, ".env: it is malformed") || strings.Contains(out, "hunter2") {
		t.Errorf("the output is %q; want the file named, and nothing of its contents", out)
	}
	if !strings.Contains(out, "APP_LOG_FORMAT=xml") {
		t.Errorf("the output is %q; want the problem of the environment too", out)
	}
	for _, command := range []string{"-h", "config"} {
		p := servertest.StartIn(t, dir, os.Args[0], []string{"APP_TEST_PROGRAM=plain"}, command)
		code, want := p.Wait(), 0
		if command == "config" {
			want = 1
		}
		if !strings.Contains(p.Output(), "APP_CACHE_BACKEND") || code != want {
			t.Errorf("%s: exit code %d and %q; want %d and the variables", command, code, p.Output(), want)
		}
	}
}

func TestConfigSaysWhatKeepsTheServiceFromStarting(t *testing.T) {
	env := []string{"APP_TEST_PROGRAM=plain", "APP_LOG_FORMAT=xml", "APP_CACHE_BACKEDN=redis", "APP_CACHE_BACKEND=nothing", "APP_STORES=sessions=nowhere"}
	p := servertest.Start(t, os.Args[0], env, "config")
	if code := p.Wait(); code != 1 {
		t.Errorf("exit code %d; want 1", code)
	}
	for _, want := range []string{
		"APP_LOG_LEVEL", "4 problems; nothing would be started", "APP_LOG_FORMAT=xml", "APP_CACHE_BACKEND=nothing: unknown backend", "did you mean APP_CACHE_BACKEND?",
		"APP_STORES=sessions=nowhere: ",
	} {
		if out := p.Output(); !strings.Contains(out, want) {
			t.Errorf("the output does not have %q:\n%s", want, out)
		}
	}
}

func TestCommandLines(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-h"}, 0, "APP_CACHE_BACKEND"},
		{[]string{"--help"}, 0, "usage:"},
		{[]string{"config"}, 0, "APP_CACHE_BACKEND"},
		{[]string{"serve"}, 2, `unknown command "serve"; allowed: none (serve), config, sessions, -h`},
		{[]string{"config", "now"}, 2, "unknown command"},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			// Settings that would not serve: none of these needs more than to print them.
			p := servertest.Start(t, os.Args[0], []string{"APP_TEST_PROGRAM=plain", "APP_PORT=1", "APP_REDIS_PASSWORD=hunter2"}, tc.args...)
			if code := p.Wait(); code != tc.code {
				t.Errorf("exit code %d; want %d", code, tc.code)
			}
			if out := p.Output(); !strings.Contains(out, tc.want) || strings.Contains(out, "hunter2") {
				t.Errorf("the output does not have %q, or has a secret:\n%s", tc.want, out)
			}
		})
	}
}
