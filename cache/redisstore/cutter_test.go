package redisstore_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// cutter stands between a client and a server. Once armed, it lets a request reach the server, and cuts the connection where the answer
// comes: the server has done it, and the client does not know.
type cutter struct {
	addr string

	mu    sync.Mutex
	armed bool
	pass  int // bytes of the answer that still get through
}

func startCutter(t testing.TB, server string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: l.Addr().String()}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			mu.Lock()
			open = append(open, near, far)
			mu.Unlock()
			serving.Go(func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			})
			serving.Go(func() {
				c.answer(near, far)
				_ = near.Close()
				_ = far.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return c
}

// cut arms it for the next answer, of which it lets some bytes through.
func (c *cutter) cut(pass int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.pass = true, pass
}

func (c *cutter) answer(near, far net.Conn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := far.Read(buffer)
		if err != nil {
			return
		}
		through, last := c.through(n)
		if _, err := near.Write(buffer[:through]); err != nil || last {
			return
		}
	}
}

// through returns how many of n bytes get through, and whether they are the last. Where all of n do, the cut is still to come.
func (c *cutter) through(n int) (through int, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed {
		return n, false
	}
	if n <= c.pass {
		c.pass -= n
		return n, false
	}
	c.armed = false
	return c.pass, true
}
