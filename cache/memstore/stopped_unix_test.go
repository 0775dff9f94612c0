//go:build unix

package memstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

func TestTheFirstGetAfterAStopPastTheExpiryMisses(t *testing.T) {
	for _, tc := range []struct {
		ttl  time.Duration
		want string
	}{
		{300 * time.Millisecond, "false <nil>"},
		{time.Hour, "true <nil>"},
	} {
		t.Run(tc.ttl.String(), func(t *testing.T) {
			p := exec.CommandContext(t.Context(), os.Args[0])
			p.Env = append(os.Environ(), "MEMSTORE_TEST_TTL="+tc.ttl.String())
			in, err := p.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			if lines.Scan(); lines.Text() != "true <nil>" {
				t.Fatalf("before: %q; want a hit", lines.Text())
			}
			stopped := time.Now()
			if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			wait.Until(t, func() bool { return time.Since(stopped) > 400*time.Millisecond })
			fmt.Fprintln(in) // so that the Get is the first that it does
			if err := p.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if lines.Scan(); lines.Text() != tc.want {
				t.Errorf("after: %q; want %q", lines.Text(), tc.want)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
