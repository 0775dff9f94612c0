//go:build unix

package items_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/servertest"
	"github.com/larder-go/larder/internal/wait"
)

// A balancer that polls readiness every 100 ms, and 50 clients that never try again: a rolling restart of both instances must
// not cost one request.
func TestARollingRestartCostsNoRequest(t *testing.T) {
	if os.Getenv("APP_TEST_IN_COPY") != "" {
		t.Log("not run in a copy of the tree: it has been run in the tree itself")
		return
	}
	path := servertest.Build(t)
	env := []string{"APP_ITEMS_PATH=" + t.TempDir(), "APP_DRAIN_DELAY=1s", "APP_LOG_LEVEL=warn"}
	ports := []string{servertest.FreePort(t), servertest.FreePort(t)}
	var instances [2]*servertest.Process
	var in [2]instance // what the balancer knows
	for i, port := range ports {
		instances[i] = servertest.Start(t, path, append(env, "APP_PORT="+port)).Ready()
	}
	stopPolling := poll(t, ports, &in)
	defer stopPolling()
	wait.Until(t, func() bool { return in[0].ready.Load() && in[1].ready.Load() })

	var requests, posts, failures atomic.Int64
	var clients sync.WaitGroup
	done := make(chan struct{})
	for n := range 50 {
		clients.Go(func() {
			c := &client{ports: ports, in: &in}
			defer c.close()
			for i := n; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				at := i % 2
				if !in[at].ready.Load() {
					at = 1 - at
				}
				post := i%10 == 0
				if err := c.request(at, post); err != nil {
					failures.Add(1)
					t.Errorf("a request to instance %d: %v", at, err)
				}
				requests.Add(1)
				if post {
					posts.Add(1)
				}
			}
		})
	}
	busy := func() {
		before := requests.Load()
		wait.Until(t, func() bool { return requests.Load() > before+500 })
	}
	busy()
	for i := range instances {
		instances[i].Signal(syscall.SIGTERM)
		if code := instances[i].Wait(); code != 0 {
			t.Errorf("instance %d ended with %d; want 0", i, code)
		}
		busy()
		instances[i] = servertest.Start(t, path, append(env, "APP_PORT="+ports[i])).Ready()
		wait.Until(t, in[i].ready.Load)
		busy()
	}
	close(done)
	clients.Wait()
	t.Logf("%d requests, %d of them POST: %d failures", requests.Load(), posts.Load(), failures.Load())
}

// instance is what a balancer knows of one: whether it is ready, and how often it has been taken out.
type instance struct {
	ready atomic.Bool
	outs  atomic.Int64
}

// poll keeps up to date which instances say that they are ready.
func poll(t *testing.T, ports []string, in *[2]instance) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var polling sync.WaitGroup
	for i, port := range ports {
		polling.Go(func() {
			c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
			for {
				res, err := c.Get("http://127.0.0.1:" + port + "/ready")
				if err == nil {
					_ = res.Body.Close()
				}
				ready := err == nil && res.StatusCode == http.StatusOK
				if was := in[i].ready.Swap(ready); was && !ready {
					in[i].outs.Add(1)
				}
				asked, stopped := time.Now(), false
				wait.Until(t, func() bool {
					select {
					case <-done:
						stopped = true
					default:
					}
					return stopped || time.Since(asked) >= 100*time.Millisecond
				})
				if stopped {
					return
				}
			}
		})
	}
	return func() {
		close(done)
		polling.Wait()
	}
}

// client keeps a connection to each instance and never tries anything twice: net/http's would. As a balancer does, it gives up
// its connections to an instance that has been taken out.
type client struct {
	ports   []string
	in      *[2]instance
	conns   [2]net.Conn
	readers [2]*bufio.Reader
	outs    [2]int64 // when the connection was made
}

func (c *client) request(at int, post bool) error {
	outs := c.in[at].outs.Load()
	if c.conns[at] != nil && c.outs[at] != outs {
		c.drop(at)
	}
	if c.conns[at] == nil {
		conn, err := net.Dial("tcp", "127.0.0.1:"+c.ports[at])
		if err != nil {
			return err
		}
		c.conns[at], c.readers[at], c.outs[at] = conn, bufio.NewReader(conn), outs
	}
	method, target, body, want := http.MethodGet, "/api/v1/cached-time", "", http.StatusOK
	if post {
		method, target, body, want = http.MethodPost, "/api/v1/items", `{"name":"jam","price":350}`, http.StatusCreated
	}
	r, err := http.NewRequest(method, "http://127.0.0.1:"+c.ports[at]+target, strings.NewReader(body)) //nolint:noctx // the connection has the deadline
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if err := c.conns[at].SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	res, err := c.exchange(at, r)
	if err != nil {
		c.drop(at)
		return err
	}
	if res.Close {
		c.drop(at)
	}
	if res.StatusCode != want {
		return fmt.Errorf("%s %s: %s", method, target, res.Status)
	}
	return nil
}

func (c *client) exchange(at int, r *http.Request) (*http.Response, error) {
	if err := r.Write(c.conns[at]); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.readers[at], r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res, err
}

func (c *client) drop(at int) {
	_ = c.conns[at].Close()
	c.conns[at] = nil
}

func (c *client) close() {
	for at := range c.conns {
		if c.conns[at] != nil {
			c.drop(at)
		}
	}
}
