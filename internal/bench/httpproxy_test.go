package main

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

func TestProxiesAnswerFromTheirCachesAndGoWithTheirFiles(t *testing.T) {
	origin, err := startSite(t.Context(), httpOrigin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = origin.stop() }()
	b := &bench{progress: t.Output()}
	for name, start := range map[string]func(context.Context, *bench, string) (*proxy, error){"nginx": startNginx, "cacheproxy": startCacheproxy} {
		t.Run(name, func(t *testing.T) {
			p, err := start(t.Context(), b, origin.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.stop() }() // a second time, as a rule
			c := httpContender{address: p.address}
			for _, size := range httpSizes() {
				before, err := origin.responsesMade()
				if err != nil {
					t.Fatal(err)
				}
				if err := c.check(t.Context(), size); err != nil {
					t.Error(err)
				}
				if after, err := origin.responsesMade(); err != nil || after != before+1 {
					t.Errorf("%d B: the origin was asked %d times, %v; want once", size, after-before, err)
				}
			}
			// When this process is killed nothing runs but the end of its pipes.
			if err := p.proc.leash.Close(); err != nil {
				t.Fatal(err)
			}
			wait.Until(t, func() bool { return !answers(p.address) })
			if err := p.stop(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
				t.Errorf("its directory: %v, want it gone", err)
			}
		})
	}
	if all := strings.Join(b.surroundings(t.Context()), "\n"); strings.Count(all, "\nnginx: ") != 1 {
		t.Errorf("the surroundings do not name nginx: %s", all)
	}
}

func TestWhatAProxySaysIsInTheError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := newProxy(ctx, "sh")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.stop() }()
	log := func() bool {
		if strings.Contains(said([]*proxy{p}), "sh: out of luck") {
			cancel()
		}
		return ctx.Err() != nil
	}
	ended := make(chan error)
	go func() { ended <- p.start(ctx, "sh", "-c", "echo out of luck") }()
	wait.Until(t, log)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "sh: out of luck") {
		t.Errorf("start: %v, want what it has said", err)
	}
}

func TestAProgramThatIsMissingIsNamedWithWhatInstallsIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := findWrk(); err == nil || !strings.Contains(err.Error(), "no wrk") || !strings.Contains(err.Error(), "task bench:http") {
		t.Errorf("findWrk: %v", err)
	}
}

func answers(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
