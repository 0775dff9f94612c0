package redistest_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

const pong = "+PONG\r\n"

func TestAProxyForwardsAndCountsItsConnections(t *testing.T) {
	s, p := proxied(t)
	if want := "redis://" + p.Addr(); p.URL() != want {
		t.Errorf("URL is %q, want %q", p.URL(), want)
	}
	value := strings.Repeat("v", 1<<20)
	set(t, redistest.Client(t, p.URL()), "k", value)
	if got := redistest.Client(t, s.URL()).Get(t.Context(), "k").Val(); got != value {
		t.Errorf("the server has %d bytes of a value of 1 MiB that were set through the proxy", len(got))
	}
	if got := redistest.Client(t, p.URL()).Get(t.Context(), "k").Val(); got != value {
		t.Errorf("GET through the proxy gives %d bytes of a value of 1 MiB", len(got))
	}

	before := p.Connections()
	one, other := dial(t, p), dial(t, p)
	one.want(t, "PING", pong)
	other.want(t, "PING", pong)
	if got := p.Connections(); got != before+2 {
		t.Errorf("there are %d connections after two more, want %d", got, before+2)
	}
	one.close(t)
	wait.Until(t, func() bool { return p.Connections() == before+1 })
	p.KillConnections()
	if got := p.Connections(); got != 0 {
		t.Errorf("there are %d connections after all were killed", got)
	}
	other.wantEnd(t, "", io.EOF)
	accepted := p.Accepted()
	dial(t, p).want(t, "PING", pong)
	if got := p.Accepted(); got != accepted+1 {
		t.Errorf("%d were accepted after one more, want %d", got, accepted+1)
	}
}

func TestAProxyTellsTheEndOfItsServer(t *testing.T) {
	s, p := proxied(t)
	c := dial(t, p)
	c.want(t, "PING", pong)
	s.Kill()
	c.wantEnd(t, "", io.EOF)
	c = dial(t, p)
	c.send(t, "PING")
	c.wantEnd(t, "", io.EOF, syscall.ECONNRESET)
	s.Restart()
	dial(t, p).want(t, "PING", pong)
}

func TestADelayedReplyComesLaterAndInOrder(t *testing.T) {
	_, p := proxied(t)
	c := dial(t, p)
	c.want(t, "PING", pong)
	const late = 50 * time.Millisecond
	p.Delay(late)
	start := time.Now()
	for _, text := range []string{"one", "two", "three"} {
		c.send(t, "ECHO "+text)
	}
	c.wantReply(t, "$3\r\none\r\n$3\r\ntwo\r\n$5\r\nthree\r\n")
	if took := time.Since(start); took < late || took > 20*late {
		t.Errorf("three replies at once took %s, want %s or little more", took, late)
	}

	p.Delay(time.Hour)
	c.send(t, "PING")
	c.wantNothing(t)
	p.Pass()
	c.wantReply(t, pong)
}

func TestATricklingReplyComesByteByByte(t *testing.T) {
	_, p := proxied(t)
	c := dial(t, p)
	const every = 5 * time.Millisecond
	p.Trickle(every)
	start := time.Now()
	c.want(t, "PING", pong)
	if took, want := time.Since(start), time.Duration(len(pong))*every; took < want {
		t.Errorf("the reply took %s, want %s or more", took, want)
	}

	p.Trickle(time.Hour)
	c.send(t, "PING")
	c.wantNothing(t)
	p.Pass()
	c.wantReply(t, pong)
}

func TestABlackHoleSwallowsAndItsConnectionsEndWithIt(t *testing.T) {
	s, p := proxied(t)
	idle, used := dial(t, p), dial(t, p)
	idle.want(t, "PING", pong)
	used.want(t, "PING", pong)

	p.BlackHole()
	fresh, unused := dial(t, p), dial(t, p)
	used.send(t, "SET used 1")
	fresh.send(t, "SET fresh 1")
	used.wantNothing(t)
	fresh.wantNothing(t)
	wait.Until(t, func() bool { return p.Connections() == 4 })

	p.Pass()
	used.wantEnd(t, "", io.EOF, syscall.ECONNRESET)
	fresh.wantEnd(t, "", io.EOF, syscall.ECONNRESET)
	idle.want(t, "EXISTS used fresh", ":0\r\n")
	unused.want(t, "EXISTS used fresh", ":0\r\n")

	p.BlackHole()
	s.Kill()
	idle.wantNothing(t) // the end of the connection is swallowed too
	p.Pass()
	idle.wantEnd(t, "", io.EOF)
}

func TestDroppedRepliesAreThoseOfRequestsThatWereServed(t *testing.T) {
	s, p := proxied(t)
	c := dial(t, p)
	c.want(t, "PING", pong)
	p.DropReplies()
	c.send(t, "SET k v")
	direct := redistest.Client(t, s.URL())
	wait.Until(t, func() bool { return direct.Get(t.Context(), "k").Val() == "v" })
	c.wantNothing(t)
	p.Pass()
	c.wantEnd(t, "", io.EOF)
	dial(t, p).want(t, "GET k", "$1\r\nv\r\n")
}

func TestACutReplyEndsOneConnectionAfterSoManyBytes(t *testing.T) {
	for _, after := range []int{0, 3, len(pong), len(pong) + 2} {
		_, p := proxied(t)
		cut, other := dial(t, p), dial(t, p)
		p.CutReply(after)
		for range 1 + after/(len(pong)+1) {
			cut.send(t, "PING")
		}
		cut.wantEnd(t, (pong + pong)[:after], io.EOF)
		other.want(t, "PING", pong)
		dial(t, p).want(t, "PING", pong)
	}
}

func TestACutRequestIsNotServed(t *testing.T) {
	for _, after := range []int{0, 5} {
		_, p := proxied(t)
		cut, other := dial(t, p), dial(t, p)
		cut.want(t, "PING", pong)
		p.CutRequest(after)
		cut.send(t, "SET k v")
		cut.wantEnd(t, "", io.EOF, syscall.ECONNRESET)
		other.want(t, "EXISTS k", ":0\r\n")
	}
}

func TestACutThatWasReplacedDoesNotHappen(t *testing.T) {
	_, p := proxied(t)
	c := dial(t, p)
	p.CutReply(len(pong) + 1)
	c.want(t, "PING", pong)
	p.Pass()
	c.want(t, "PING", pong)
}

func TestARefusingProxyResetsWhatThereIsAndClosesWhatIsNew(t *testing.T) {
	_, p := proxied(t)
	c := dial(t, p)
	c.want(t, "PING", pong)
	p.Refuse()
	c.wantEnd(t, "", syscall.ECONNRESET)
	dial(t, p).wantEnd(t, "", io.EOF, syscall.ECONNRESET)
	if got := p.Accepted(); got != 2 {
		t.Errorf("%d connections were accepted, want both", got)
	}
	p.Pass()
	dial(t, p).want(t, "PING", pong)
}

func TestAProxyEndsWithTheTest(t *testing.T) {
	var addr string
	t.Run("start", func(t *testing.T) {
		_, p := proxied(t)
		addr = p.Addr()
		p.Delay(time.Hour)
		dial(t, p).send(t, "PING")
	})
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling gives %v after the test's end, want a refused connection", err)
	}
}

func proxied(t *testing.T) (*redistest.Server, *redistest.Proxy) {
	t.Helper()
	s := redistest.Start(t)
	return s, redistest.StartProxy(t, s.Addr())
}
