//go:build unix

package redistest

import (
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// Server is a Redis server process of the test's own: empty, without persistence, on loopback only.
//
// Its methods are for the goroutine that runs the test, as those of testing.T that end a test are; Addr, URL, Freeze
// and Thaw may also be called from others. It needs no Stop: the end of the test stops it, frozen or not, and so does
// the death of the test process.
type Server struct {
	t        testing.TB
	path     string   // of the executable
	args     []string // the test's own
	line     []string // the whole command line, but for the path
	dir      string
	port     int
	bus      int         // the port of a cluster node for the other nodes
	ready    string      // what the server logs before its first answer
	tls      *tls.Config // of the port's clients, nil where it speaks plain text
	password string      // "" where none is asked for

	mu  sync.Mutex
	run *process // nil while the server is stopped
}

// Start starts the redis-server or valkey-server that is found in PATH and returns when it answers. It fails t where
// there is none, or where the server does not start.
//
// The args are further arguments in the form of redis-server's command line, as in Start(t, "--requirepass", "x").
// --port, --logfile and --loglevel belong to Start.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := newServer(t, args)
	s.launch(1, func(ports []int) []string { return s.dataLine("--port", strconv.Itoa(ports[0])) })
	return s
}

// newServer returns a server with the test's own args, which launch starts.
func newServer(t testing.TB, args []string) *Server {
	t.Helper()
	s := &Server{
		t: t, path: executable(t), args: args, dir: t.TempDir(),
		ready: "Ready to accept connections", password: argument(args, "--requirepass"),
	}
	t.Cleanup(s.Stop)
	return s
}

// Addr returns the server's host and port. It is the same for the whole test.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL returns the server's URL, redis://127.0.0.1:port, without a database or a password.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Freeze suspends the server (SIGSTOP): the kernel still accepts connections for it, but nothing is answered. It does
// nothing to a server that was stopped.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen server continue (SIGCONT), with whatever was sent to it meanwhile. It does nothing to a server
// that is not frozen.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// Kill kills the server (SIGKILL), frozen or not, and returns when the process is gone. Its data is lost, its port
// refuses connections until Restart. It does nothing to a server that was stopped.
func (s *Server) Kill() { s.Stop() }

// Restart kills the server if it runs, and starts an empty one with the same arguments at the same address. It fails
// the test if the port was taken by another process meanwhile.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if !s.start() {
		s.t.Fatalf("restart the test's Redis: its address %s was taken by another process", s.Addr())
	}
}

// Stop is Kill, since there is nothing that the server should save. It may be called more than once.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.kill()
		s.run = nil
	}
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return
	}
	if err := s.run.server.Process.Signal(sig); err != nil {
		s.t.Errorf("send %s to the test's Redis: %v", sig, err)
	}
}

// launch starts s for the first time, on so many free ports, the first of which is for clients. The line makes the
// command line, and may write a file that it names; it is asked again where one of the ports was taken meanwhile.
func (s *Server) launch(ports int, line func(ports []int) []string) {
	s.t.Helper()
	for range 10 {
		free := freePorts(s.t, ports)
		s.port, s.line = free[0], line(free)
		if s.start() {
			return
		}
	}
	s.t.Fatal("start a Redis for the test: ten free ports in a row were taken by others before the server could listen")
}

// dataLine is the command line of a server that holds data: what all of them have, then more, then the test's own.
func (s *Server) dataLine(more ...string) []string {
	common := []string{"--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}
	return slices.Concat(common, more, s.args)
}

// start runs the server at s.port and waits until it answers. It is false if the port was taken.
func (s *Server) start() bool {
	s.t.Helper()
	logPath := filepath.Join(s.dir, "server.log")
	run, err := startProcess(s.path, s.line, logPath)
	if err != nil {
		s.t.Fatalf("start a Redis for the test: %v", err)
	}
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()

	// An answer alone proves nothing: where this server could not have the port, another test's Redis answers there.
	// The log line alone is written before the first answer.
	exited := false
	wait.Until(s.t, func() bool {
		exited = run.exited()
		return exited || strings.Contains(readLog(logPath), s.ready) && s.answers()
	})
	if !exited {
		return true
	}
	s.Stop()
	log := readLog(logPath)
	if !strings.Contains(log, "Address already in use") {
		s.t.Fatalf("start a Redis for the test: %s ended at once and said:\n%s", s.path, log)
	}
	return false
}

func readLog(path string) string {
	log, _ := os.ReadFile(path) // an unreadable log is an empty one: the wait then fails with its limit
	return string(log)
}

func executable(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs a Redis: put redis-server or valkey-server into PATH (apt-get install redis-server, " +
		"brew install redis), or, for the tests that do not break theirs, set APP_TEST_REDIS_URL=redis://host:port/db")
	return ""
}

// freePorts returns n different ports of loopback that nothing listens on.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("find a free port for the test's Redis: %v", err)
		}
		defer func() { _ = l.Close() }() // not before the last is found, else one might be found twice
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}
