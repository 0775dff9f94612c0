//go:build unix

// Package servertest runs services as processes of their own, for tests that need real signals, exit codes and sockets.
package servertest

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// Build builds cmd/server and returns the path of the binary, which goes with the test.
func Build(t testing.TB) string {
	t.Helper()
	return build(t, moduleRoot(t))
}

// BuildChanged is Build with another main.go: what change makes of the one that is there.
func BuildChanged(t testing.TB, change func(program string) string) string {
	t.Helper()
	root, dir := moduleRoot(t), t.TempDir()
	original, changed, overlay := filepath.Join(root, "cmd", "server", "main.go"), filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	program, err := os.ReadFile(original)
	if err == nil {
		err = os.WriteFile(changed, []byte(change(string(program))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	files, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err == nil {
		err = os.WriteFile(overlay, files, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return build(t, root, "-overlay", overlay)
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("find the module: %v", err)
	}
	return filepath.Dir(strings.TrimSpace(string(root)))
}

func build(t testing.TB, root string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	command := exec.CommandContext(t.Context(), "go", slices.Concat([]string{"build", "-o", path}, flags, []string{"./cmd/server"})...)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build cmd/server: %v\n%s", err, out)
	}
	return path
}

// FreePort returns a port of the loopback interface on which nobody listens.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Process is a service that runs.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  output
	url  string
	done chan struct{}
}

// Start runs the program at path with the arguments and an environment that holds what env says ("APP_X=y"), a free APP_PORT
// where env has none, and nothing of the test's own but PATH and HOME; in an empty directory. It is killed when the test ends.
func Start(t testing.TB, path string, env []string, args ...string) *Process {
	t.Helper()
	return StartIn(t, t.TempDir(), path, env, args...)
}

// StartIn is Start in the directory dir.
func StartIn(t testing.TB, dir, path string, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, done: make(chan struct{})}
	port := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "APP_PORT="); ok {
			port = v
		}
	}
	if port == "" {
		port = FreePort(t)
		env = append([]string{"APP_PORT=" + port}, env...)
	}
	p.url = "http://127.0.0.1:" + port
	p.cmd = exec.Command(path, args...) //nolint:gosec,noctx // the test's own program; Cleanup ends it
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("the output of the process on %s:\n%s", p.url, p.out.String())
		}
	})
	return p
}

// Live waits until the process answers its liveness probe.
func (p *Process) Live() *Process {
	p.t.Helper()
	p.until("/live", http.StatusOK)
	return p
}

// Ready waits until the process answers its readiness probe with 200.
func (p *Process) Ready() *Process {
	p.t.Helper()
	p.until("/ready", http.StatusOK)
	return p
}

func (p *Process) until(path string, status int) {
	p.t.Helper()
	wait.Until(p.t, func() bool {
		select {
		case <-p.done:
			p.t.Fatalf("the process ended before it answered %s:\n%s", path, p.out.String())
		default:
		}
		return p.Status(path) == status
	})
}

// Status is the status of a GET on a connection of its own, 0 where there is no answer.
func (p *Process) Status(path string) int {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get(p.url + path) //nolint:noctx // the server bounds it
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// URL is where the process listens, without a slash at the end.
func (p *Process) URL() string { return p.url }

// Signal sends a signal.
func (p *Process) Signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("signal %v: %v", sig, err)
	}
}

// Wait waits until the process has ended and returns its exit code, -1 where a signal ended it.
func (p *Process) Wait() int {
	p.t.Helper()
	wait.Until(p.t, func() bool {
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	return p.cmd.ProcessState.ExitCode()
}

// Output is what the process has written so far, to standard output and error.
func (p *Process) Output() string { return p.out.String() }

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
