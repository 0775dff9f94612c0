//go:build unix

package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy between clients and one server, whose network can be broken at will.
//
// It has one fault at a time: the methods that are named after one replace what was before, for the connections that
// there are and for new ones, and may be called from any goroutine. What was read before the change may still be
// forwarded as before it. A connection is closed on both sides where either side closes it. It is also closed where a
// fault has swallowed some of it and is replaced, but for BlackHole: the rest would be taken for the whole.
//
// The connection to the server is made when a client sends its first bytes. A server that cannot be reached is told by
// closing the client's connection.
type Proxy struct {
	target   string
	listener net.Listener
	ended    sync.WaitGroup // all goroutines

	mu       sync.Mutex
	fault    fault
	changed  chan struct{} // closed when the fault is replaced
	links    map[*link]bool
	accepted int
}

// StartProxy returns a proxy that listens on a free loopback port and forwards to target, a host and port. It ends with
// the test.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start a proxy for the test: %v", err)
	}
	p := &Proxy{target: target, listener: listener, changed: make(chan struct{}), links: map[*link]bool{}}
	p.ended.Go(p.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Refuse() // also what is accepted at this moment
		p.ended.Wait()
	})
	return p
}

// Addr returns the host and port that clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL returns redis://host:port of the proxy.
func (p *Proxy) URL() string { return "redis://" + p.Addr() }

// Connections returns how many connections of clients are open.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// Accepted returns how many connections were ever accepted, with those that Refuse closed.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Pass ends the fault. What Delay or Trickle has held back is delivered at once.
func (p *Proxy) Pass() { p.set(fault{mode: pass}) }

// Delay delivers what arrives of a reply d later, in order.
func (p *Proxy) Delay(d time.Duration) { p.set(fault{mode: delay, time: d}) }

// Trickle delivers replies byte by byte, one every so often.
func (p *Proxy) Trickle(every time.Duration) { p.set(fault{mode: trickle, time: every}) }

// BlackHole swallows everything, in both directions, for ever, the server's end of a connection too. Connections stay
// open, and new ones are accepted.
func (p *Proxy) BlackHole() { p.set(fault{mode: blackHole}) }

// DropReplies forwards requests and swallows what the server answers, its end of a connection too.
func (p *Proxy) DropReplies() { p.set(fault{mode: dropReplies}) }

// CutReply closes, once, the first connection on which the server answers something, when so many bytes of that have
// been delivered. Where the reply is shorter those that follow it are counted too. With 0 nothing of it is delivered.
// Everything else is forwarded, all of it where that connection ends before.
func (p *Proxy) CutReply(after int) { p.set(fault{mode: cutReply, left: after}) }

// CutRequest closes, once, the first connection on which a client sends something, when so many bytes of that have been
// forwarded to the server, which never gets the rest. Where the request is shorter those that follow it are counted
// too. With 0 the server gets nothing of it. Everything else is forwarded, all of it where that connection ends before.
func (p *Proxy) CutRequest(after int) { p.set(fault{mode: cutRequest, left: after}) }

// Refuse resets the connections that there are, and closes new ones as soon as they are accepted.
func (p *Proxy) Refuse() { p.set(fault{mode: refuse}) }

// KillConnections closes the connections that there are and leaves the fault as it is. When it returns, Connections
// does not count them any more.
func (p *Proxy) KillConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		p.close(l)
	}
}

func (p *Proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	close(p.changed)
	p.changed = make(chan struct{})
	for l := range p.links {
		if f.mode == refuse {
			_ = l.client.SetLinger(0) // makes a reset of the close; fails only where the client was faster
		}
		if f.mode == refuse || l.lost && f.mode != blackHole {
			p.close(l)
		}
	}
}

// close closes l, once; p.mu is held.
func (p *Proxy) close(l *link) {
	if !p.links[l] {
		return
	}
	delete(p.links, l)
	l.cancel()
	_ = l.client.Close() // what is lost by it is meant to be
	if l.server != nil {
		_ = l.server.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		l := newLink(p, client.(*net.TCPConn))
		p.mu.Lock()
		p.accepted++
		p.links[l] = true
		if p.fault.mode == refuse {
			p.close(l)
		} else {
			p.ended.Go(l.forward)
		}
		p.mu.Unlock()
	}
}
