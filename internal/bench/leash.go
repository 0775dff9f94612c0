package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"time"
)

// A leashed process is somebody else's program, which has no standard input that it would watch. It is the child of a shell that ends it when a pipe does, as
// it does when this process dies, however that is.
type leashed struct {
	shell *exec.Cmd
	leash io.Closer
}

// The signals that end a leashed process.
const (
	leashKill = "KILL"
	leashTerm = "TERM" // for one that has processes of its own to end
)

// startLeashed returns a process that has begun. What it prints goes to out and problems, where these are not nil.
func startLeashed(signal string, out, problems io.Writer, command ...string) (*leashed, error) {
	// An interrupt from the keyboard reaches the shell too, which must outlive this process to end the other one.
	script := `trap "" INT; "$@" </dev/null & read -r _; kill -` + signal + ` $!; wait`
	l := &leashed{shell: exec.Command("sh", append([]string{"-c", script, "sh"}, command...)...)}
	l.shell.Stdout, l.shell.Stderr = out, problems
	var err error
	if l.leash, err = l.shell.StdinPipe(); err != nil {
		return nil, err
	}
	if err := l.shell.Start(); err != nil {
		return nil, err
	}
	return l, nil
}

// stop ends the process, and returns when it has ended.
func (l *leashed) stop() {
	_ = l.leash.Close()
	_ = l.shell.Wait() // the shell's exit code is that of the process which it ended
}

// awaitListener returns when somebody listens at the address.
func awaitListener(ctx context.Context, address string) error {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
