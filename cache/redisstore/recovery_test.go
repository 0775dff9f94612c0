package redisstore_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// The last ping in the background was lost before the server came back, and is still waited for: that it is not answered says nothing of the server any more.
func TestAPingThatIsAnsweredClosesTheBreakerForGood(t *testing.T) {
	t.Parallel()
	const long = 5 * timeout
	server := redistest.Start(t)
	proxy := redistest.StartProxy(t, server.Addr())
	s := open(t, proxy.URL(), &redisstore.Options{Timeout: long})
	proxy.Refuse()
	wait.Until(t, isOpen(s))
	for round := range 3 {
		proxy.BlackHole()
		pings := proxy.Accepted()
		wait.Until(t, func() bool { return proxy.Accepted() > pings })
		if s.BreakerStats().Open != 1 {
			t.Fatal("the breaker is not open where pings are lost")
		}
		proxy.Pass()
		if err := s.Ping(t.Context()); err != nil {
			t.Fatalf("Ping of a server that is back: %v", err)
		}
		for began := time.Now(); time.Since(began) < long+200*time.Millisecond; {
			if err := get(t.Context(), s); err != nil {
				t.Fatalf("Get %v after a Ping that was answered: %v", time.Since(began), err)
			}
		}
		if st := s.BreakerStats(); st.Open != 0 || st.Opened != int64(round)+1 {
			t.Errorf("BreakerStats after a Ping that was answered = %+v; want it to have opened %d times", st, round+1)
		}
		proxy.Refuse()
		wait.Until(t, isOpen(s))
	}
}

func TestEveryPingOfAServerThatIsAwayIsOneConnection(t *testing.T) {
	t.Parallel()
	const pause = 100 * time.Millisecond // between one ping and the next
	proxy := redistest.StartProxy(t, redistest.Start(t).Addr())
	s := open(t, proxy.URL(), &redisstore.Options{Timeout: timeout})
	proxy.Refuse()
	wait.Until(t, isOpen(s))
	before, began := proxy.Accepted(), time.Now()
	wait.Until(t, func() bool { return time.Since(began) > 15*pause })
	if n := proxy.Accepted() - before; n > 1+int(time.Since(began)/pause) {
		t.Errorf("%d connections were made in %v; want one for every ping", n, time.Since(began))
	}
}
