//go:build unix

package redistest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// process is a running server and its watchdog, a shell that kills the server when this process dies: a test that
// panics or is killed runs no cleanup, and a server left behind, perhaps frozen, would stay for ever.
type process struct {
	server   *exec.Cmd
	ended    chan struct{} // closed when the server has ended
	watchdog *exec.Cmd
	leash    io.Closer // the watchdog's standard input, which ends with this process
}

// startProcess starts the server with its output in a new file at logPath.
func startProcess(path string, args []string, logPath string) (*process, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has a descriptor of its own
	p := &process{server: exec.Command(path, args...), ended: make(chan struct{})}
	p.server.Stdout, p.server.Stderr = log, log
	if err := p.server.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.server.Wait() // killed, as a rule; an early end is told by the log
	}()

	p.watchdog = exec.Command("sh", "-c", `read -r _; kill -KILL "$1"`, "sh", strconv.Itoa(p.server.Process.Pid))
	p.watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // else Ctrl-C ends it before it can do its work
	if p.leash, err = p.watchdog.StdinPipe(); err == nil {
		err = p.watchdog.Start()
	}
	if err != nil {
		p.killServer()
		return nil, fmt.Errorf("watch the server: %w", err)
	}
	return p, nil
}

func (p *process) exited() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill ends the watchdog first: afterwards the server's process id may belong to another process.
func (p *process) kill() {
	_ = p.watchdog.Process.Kill()
	_ = p.watchdog.Wait()
	_ = p.leash.Close()
	p.killServer()
}

func (p *process) killServer() {
	_ = p.server.Process.Kill() // fails only where it has ended by itself
	<-p.ended
}
