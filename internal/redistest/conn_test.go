package redistest_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
)

// conn is a connection on which the test sees every byte.
type conn struct {
	net.Conn
	reader *bufio.Reader
}

func dial(t *testing.T, p *redistest.Proxy) *conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // a test may have closed it
	return &conn{c, bufio.NewReader(c)}
}

func (c *conn) close(t *testing.T) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func (c *conn) send(t *testing.T, command string) {
	t.Helper()
	if _, err := io.WriteString(c, command+"\r\n"); err != nil {
		t.Fatalf("send %s: %v", command, err)
	}
}

func (c *conn) want(t *testing.T, command, reply string) {
	t.Helper()
	c.send(t, command)
	c.wantReply(t, reply)
}

func (c *conn) wantReply(t *testing.T, want string) {
	t.Helper()
	c.limit(t, 10*time.Second)
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.reader, got); string(got[:n]) != want {
		t.Fatalf("the reply is %q (%v), want %q", got[:n], err, want)
	}
}

// wantNothing looks for 50 milliseconds.
func (c *conn) wantNothing(t *testing.T) {
	t.Helper()
	c.limit(t, 50*time.Millisecond)
	if got, err := c.reader.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a byte %q came, or %v, want nothing", got, err)
	}
}

// wantEnd wants the connection to end in one of these ways after what is left of the replies.
func (c *conn) wantEnd(t *testing.T, left string, ways ...error) {
	t.Helper()
	c.limit(t, 10*time.Second)
	var got []byte
	for {
		b, err := c.reader.ReadByte()
		if err == nil {
			got = append(got, b)
			continue
		}
		for _, way := range ways {
			if errors.Is(err, way) && string(got) == left {
				return
			}
		}
		t.Fatalf("the connection ends after %q with %v, want after %q with one of %v", got, err, left, ways)
	}
}

func (c *conn) limit(t *testing.T, d time.Duration) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}
