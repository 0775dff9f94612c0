package redistest_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/larder-go/larder/internal/redistest"
)

func TestAUnixSocketIsAnsweredUntilItsServerIsKilledAndGoesWithTheTest(t *testing.T) {
	var path string
	t.Run("a test with a name that is so long that a socket in its own directory would have too long a path", func(t *testing.T) {
		s := redistest.StartUnix(t)
		path = strings.TrimPrefix(s.URL(), "unix://")
		set(t, redistest.Client(t, s.URL()), "k", "v")
		if n := redistest.Client(t, s.Server.URL()).Exists(t.Context(), "k").Val(); n != 1 {
			t.Error("the socket and the port are not those of one server")
		}
		s.Kill()
		if err := ping(t, s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("PING of a killed server gives %v, want a refused connection", err)
		}
		s.Restart()
		if err := ping(t, s.URL()); err != nil {
			t.Errorf("PING after Restart gives %v", err)
		}
	})
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there after the test's end: %v", err)
	}
}
