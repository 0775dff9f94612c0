//go:build unix

package redistest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

// Server is a Redis server process of the test's own: empty, without persistence, on loopback only.
//
// Its methods are for the goroutine that runs the test, as those of testing.T that end a test are; Addr, URL, Freeze
// and Thaw may also be called from others. It needs no Stop: the end of the test stops it, frozen or not, and so does
// the death of the test process.
type Server struct {
	t    testing.TB
	path string   // of the executable
	args []string // the test's own
	dir  string
	port int

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
	s := &Server{t: t, path: executable(t), args: args, dir: t.TempDir()}
	t.Cleanup(s.Stop)
	for range 10 {
		s.port = freePort(t)
		if s.start() {
			return s
		}
	}
	t.Fatal("start a Redis for the test: ten free ports in a row were taken by others before the server could listen")
	return nil
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

// start runs the server at s.port and waits until it answers. It is false if the port was taken.
func (s *Server) start() bool {
	s.t.Helper()
	logPath := filepath.Join(s.dir, "server.log")
	args := append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}, s.args...)
	run, err := startProcess(s.path, args, logPath)
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
		return exited || strings.Contains(readLog(logPath), "Ready to accept connections") && answers(s.Addr())
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

// answers tells whether a server at addr answers PING. A refusal for want of a password is an answer too.
func answers(addr string) bool {
	const timeout = time.Second
	conn, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(timeout)) != nil {
		return false
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	reply := make([]byte, 64)
	n, _ := conn.Read(reply)
	return strings.HasPrefix(string(reply[:n]), "+PONG") || strings.HasPrefix(string(reply[:n]), "-NOAUTH")
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

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port for the test's Redis: %v", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
