package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// httpProxy compares hits of cacheproxy with those of nginx, both in front of one origin, which is asked for nothing meanwhile.
func httpProxy(ctx context.Context, b *bench) (results []result, err error) {
	w, err := b.wrk(ctx)
	if err != nil {
		return nil, err
	}
	origin, err := startSite(ctx, httpOrigin)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, origin.stop()) }()
	var (
		proxies    []*proxy
		contenders []httpContender
	)
	for _, start := range []func(context.Context, *bench, string) (*proxy, error){startNginx, startCacheproxy} {
		p, err := start(ctx, b, origin.Address)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		proxies = append(proxies, p)
		contenders = append(contenders, httpContender{p.name, p.address, p.proc.shell.Process.Pid, origin.responsesMade})
	}
	contenders = append(contenders, origin.contender()) // what net/http can do at all
	for _, size := range httpSizes() {
		what := "a hit through a proxy, " + kibibytes(size)
		b.logf("%s", what)
		scores, err := b.raceHTTP(ctx, w, size, contenders)
		if err != nil {
			return nil, fmt.Errorf("%w%s", err, said(proxies))
		}
		results = append(results, scores[1].results(what, scores[0], httpShare)...)
		results = append(results, result{what: "the origin itself, " + kibibytes(size), base: scores[0].requests, measured: scores[2].requests, unit: perSecond})
	}
	return results, nil
}

// A proxy is one in front of the origin, in a process of its own.
type proxy struct {
	name    string
	address string
	dir     string // all that it has on disk
	proc    *leashed
}

// proxyLog is the file in its directory.
const proxyLog = "said"

// newProxy returns one that is to be started at a free port.
func newProxy(ctx context.Context, name string) (*proxy, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(memoryDir(), "bench-"+name+"-")
	if err != nil {
		return nil, err
	}
	return &proxy{name: name, address: "127.0.0.1:" + port, dir: dir}, nil
}

// memoryDir is a directory whose files are in memory, or else the one for temporary files.
func memoryDir() string {
	const shared = "/dev/shm"
	if s, err := os.Stat(shared); err == nil && s.IsDir() {
		return shared
	}
	return ""
}

// start runs the command until it listens. What it has to say goes to a log in its directory.
func (p *proxy) start(ctx context.Context, command ...string) error {
	log, err := os.Create(filepath.Join(p.dir, proxyLog))
	if err != nil {
		return err
	}
	defer log.Close()
	if p.proc, err = startLeashed(leashTerm, log, log, command...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	if err := awaitListener(ctx, p.address); err != nil {
		return fmt.Errorf("%w%s", err, said([]*proxy{p}))
	}
	return nil
}

// said is what the proxies have put into their logs, a line for each of theirs.
func said(all []*proxy) string {
	var text strings.Builder
	for _, p := range all {
		log, _ := os.ReadFile(filepath.Join(p.dir, proxyLog))
		for line := range strings.Lines(string(log)) {
			fmt.Fprintf(&text, "\n%s: %s", p.name, strings.TrimSpace(line))
		}
	}
	return text.String()
}

func (p *proxy) stop() error {
	if p.proc != nil {
		p.proc.stop()
	}
	return os.RemoveAll(p.dir)
}

// startCacheproxy builds that program, and starts it.
func startCacheproxy(ctx context.Context, _ *bench, origin string) (*proxy, error) {
	p, err := newProxy(ctx, "cacheproxy")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(p.dir, "cacheproxy")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cacheproxy").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build it: %w\n%s", err, out)
	} else {
		err = p.start(ctx, program, "-listen", p.address, "-origin", "http://"+origin)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start cacheproxy: %w", err), p.stop())
	}
	return p, nil
}
