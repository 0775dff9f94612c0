//go:build unix

package redistest

import (
	"context"
	"net"
	"time"
)

// link is one connection through a proxy.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	ended  context.Context // of the link
	cancel context.CancelFunc
	server net.Conn // nil until the client has sent something; written under proxy.mu
	lost   bool     // some of it was swallowed; under proxy.mu
}

// chunk is what the server sent at one time.
type chunk struct {
	data    []byte // none: the server has closed the connection
	arrived time.Time
}

func newLink(p *Proxy, client *net.TCPConn) *link {
	l := &link{proxy: p, client: client}
	l.ended, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *link) close() {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.proxy.close(l)
}

// next says what to do with so many bytes in direction d: to forward n of them, 0 of them where they are swallowed, and
// whether the connection is to be cut then. Replies are forwarded when they are due, and asked for again where the fault
// has changed meanwhile.
func (l *link) next(d direction, size int) (n int, swallow, cut bool) {
	p := l.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	switch f := &p.fault; {
	case f.swallows(d):
		l.lost = true
		return 0, true, false
	case size > 0 && f.cuts(l, d):
		n = min(size, f.left)
		f.whose, f.left = l, f.left-n
		if cut = f.left == 0; cut {
			p.fault = fault{mode: pass}
		}
		return n, false, cut
	case f.mode == trickle && d == replies:
		return min(size, 1), false, false
	}
	return size, false, false
}

// forward forwards requests until the connection ends.
func (l *link) forward() {
	defer l.close()
	buffer := make([]byte, 32<<10)
	for {
		size, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		n, swallow, cut := l.next(requests, size)
		if !swallow && n > 0 && !l.send(buffer[:n]) || cut {
			return
		}
	}
}

// send sends data to the server, to which it connects where that has not been done. It is false if that fails.
func (l *link) send(data []byte) bool {
	if l.server == nil && !l.connect() {
		return false
	}
	_, err := l.server.Write(data)
	return err == nil
}

func (l *link) connect() bool {
	server, err := new(net.Dialer).DialContext(l.ended, "tcp", l.proxy.target)
	if err != nil {
		return false
	}
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	if !l.proxy.links[l] { // closed meanwhile
		_ = server.Close()
		return false
	}
	l.server = server
	chunks := make(chan chunk, 256)
	l.proxy.ended.Go(func() { l.receive(server, chunks) })
	l.proxy.ended.Go(func() { l.deliver(chunks) })
	return true
}

// receive reads what the server sends, up to the end of the connection, for which it sends an empty chunk.
func (l *link) receive(server net.Conn, chunks chan<- chunk) {
	for {
		buffer := make([]byte, 32<<10)
		n, err := server.Read(buffer)
		if n > 0 {
			select {
			case chunks <- chunk{buffer[:n], time.Now()}:
			case <-l.ended.Done():
				return
			}
		}
		if err != nil {
			select {
			case chunks <- chunk{nil, time.Now()}:
			case <-l.ended.Done():
			}
			return
		}
	}
}

// deliver gives the client what the server has sent.
func (l *link) deliver(chunks <-chan chunk) {
	defer l.close()
	var last time.Time
	for {
		select {
		case <-l.ended.Done():
			return
		case c := <-chunks:
			if !l.deliverChunk(c, &last) {
				return
			}
		}
	}
}

// deliverChunk is false where the connection is to be closed.
func (l *link) deliverChunk(c chunk, last *time.Time) bool {
	end := len(c.data) == 0
	for end || len(c.data) > 0 {
		if !l.awaitDue(c.arrived, *last) {
			return false
		}
		n, swallow, cut := l.next(replies, len(c.data))
		if swallow {
			return true
		}
		if n > 0 {
			if _, err := l.client.Write(c.data[:n]); err != nil {
				return false
			}
			c.data, *last = c.data[n:], time.Now()
		}
		if cut || end {
			return false
		}
	}
	return true
}

// awaitDue waits until a reply is due under the fault of the moment. It is false if the connection ended meanwhile.
func (l *link) awaitDue(arrived, last time.Time) bool {
	for {
		l.proxy.mu.Lock()
		due, changed := l.proxy.fault.due(arrived, last), l.proxy.changed
		l.proxy.mu.Unlock()
		timer := time.NewTimer(time.Until(due))
		select {
		case <-l.ended.Done():
			timer.Stop()
			return false
		case <-changed:
			timer.Stop()
		case <-timer.C:
			return true
		}
	}
}
