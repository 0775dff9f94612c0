//go:build unix

package redistest

import (
	"os"
	"path/filepath"
	"testing"
)

// Unix is a Server that listens on a Unix socket too.
type Unix struct {
	*Server
	socket string
}

// StartUnix is Start for a server that listens on a Unix socket too. --unixsocket belongs to StartUnix.
func StartUnix(t testing.TB, args ...string) *Unix {
	t.Helper()
	// Not t.TempDir, which has the test's name in it: a socket's path may have about a hundred bytes.
	dir, err := os.MkdirTemp("", "redis") //nolint:usetesting // see above
	if err != nil {
		t.Fatalf("make a directory for the socket of the test's Redis: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a socket that is left behind in the system's own place harms nobody
	socket := filepath.Join(dir, "s.sock")
	return &Unix{Server: Start(t, append([]string{"--unixsocket", socket}, args...)...), socket: socket}
}

// URL returns the URL of the socket, unix:///path, without a database or a password.
func (s *Unix) URL() string { return "unix://" + s.socket }
