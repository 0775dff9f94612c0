//go:build unix

package tierstore_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestTheFirstReadAfterAStopIsNotOld(t *testing.T) {
	t.Parallel()
	arrives, lost := startReader(t), startReader(t)
	for _, r := range []*reader{arrives, lost} {
		r.keepsNear(t, "old")
		if err := r.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := r.other.Set(t.Context(), "cache:key", "new", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	stopped := time.Now()
	lost.proxy.BlackHole()
	wait.Until(t, func() bool { return time.Since(stopped) > 4*time.Second })
	for _, tc := range []struct {
		name string
		*reader
		want string
	}{
		{"what the server told meanwhile has arrived", arrives, "new true"},
		{"it is lost", lost, " false"},
	} {
		fmt.Fprintln(tc.in) // so that the Get is the first that it does
		if err := tc.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if tc.lines.Scan(); tc.lines.Text() != tc.want {
			t.Errorf("%s: it reads %q; want %q", tc.name, tc.lines.Text(), tc.want)
		}
		_ = tc.in.Close() // which ends it
		if err := tc.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// reader is a process that reads an entry for every line that it is given.
type reader struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	proxy *redistest.Proxy // before its server
	other *redis.Client    // another process
}

// startReader starts one that has read "old", through a proxy.
func startReader(t *testing.T) *reader {
	t.Helper()
	server := redistest.Start(t)
	r := &reader{Cmd: exec.CommandContext(t.Context(), os.Args[0]), proxy: redistest.StartProxy(t, server.Addr()), other: redistest.Client(t, server.URL())}
	if err := r.other.Set(t.Context(), "cache:key", "old", 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.Env = append(os.Environ(), "TIERSTORE_TEST_URL="+r.proxy.URL())
	out, err := r.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.in, err = r.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	r.lines = bufio.NewScanner(out)
	return r
}

// keepsNear returns when it reads value and sends nothing for it.
func (r *reader) keepsNear(t *testing.T, value string) {
	t.Helper()
	wait.Until(t, func() bool {
		before := reads(t, r.other)
		fmt.Fprintln(r.in)
		if r.lines.Scan(); r.lines.Text() != value+" true" {
			t.Fatalf("it reads %q; want %q", r.lines.Text(), value)
		}
		return reads(t, r.other) == before
	})
}
