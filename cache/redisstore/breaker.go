package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

const (
	// breakAfter is how long nobody must have had an answer. A server that restarts may take less.
	breakAfter = 200 * time.Millisecond
	// pause is between one ping and the next: as long as operations are refused once the server is back.
	pause = 100 * time.Millisecond
)

// breaker keeps operations from a server that does not answer, so that each costs microseconds instead of a timeout. An operation that could not
// reach the server, or had no answer, has the server pinged in the background, over a connection of its own; where that has no answer either the breaker
// opens, and pings go on until one is answered, which closes it. So nobody's operation is the one that tries, one slow answer opens nothing, and
// after a restart the dead connections of the pool don't either. What makes it suspect a server and what does not, suspicious says.
type breaker struct {
	node     *redis.Client // nil for that of a cluster as a whole
	outage   atomic.Pointer[outage]
	watched  atomic.Bool // somebody pings
	heard    atomic.Bool // an answer has come since the last ping was begun
	together *coalescer  // how commands go there
}

// outage is what an open breaker says: one value for all who meet it.
type outage struct{ err error }

// breakers are those of the servers of a store.
type breakers struct {
	whole   *breaker // of the one server; in a cluster, of finding out who has a key
	nodes   sync.Map // of *redis.Client to *breaker, in a cluster
	opened  atomic.Int64
	refused atomic.Int64
}

// BreakerStats are the figures of the breakers between a store and its servers.
type BreakerStats struct {
	Open    int   // how many are open now: 0 or 1, but for a cluster, where every master has one
	Opened  int64 // how often one has opened
	Refused int64 // how many commands were refused by an open one
}

// BreakerStats returns the figures of the breakers, which the stores that Named makes share.
func (s *Store) BreakerStats() BreakerStats {
	st := BreakerStats{Opened: s.breakers.opened.Load(), Refused: s.breakers.refused.Load()}
	for _, b := range s.breakers.all() {
		if b.outage.Load() != nil {
			st.Open++
		}
	}
	return st
}

func (bs *breakers) all() []*breaker {
	all := []*breaker{bs.whole}
	bs.nodes.Range(func(_, b any) bool {
		all = append(all, b.(*breaker))
		return true
	})
	return all
}

// breakerOf returns the breaker of a server. With the first of a new one those of servers that have left the cluster are forgotten.
func (s *server) breakerOf(node *redis.Client) *breaker {
	if s.breakers.whole.node == node {
		return s.breakers.whole
	}
	if b, found := s.breakers.nodes.Load(node); found {
		return b.(*breaker)
	}
	b, found := s.breakers.nodes.LoadOrStore(node, s.newBreaker(node))
	if !found {
		s.life.run(func() { s.isMaster(nil) })
	}
	return b.(*breaker)
}

// guard returns the breaker of the server that has key, unless it is open.
func (s *server) guard(ctx context.Context, key string) (*breaker, error) {
	b := s.breakers.whole
	if b.node == nil {
		if err := s.pass(b); err != nil {
			return nil, err
		}
		node, err := s.topology.master(ctx, key)
		if err != nil {
			s.report(b, err)
			return nil, err
		}
		b = s.breakerOf(node)
	}
	return b, s.pass(b)
}

// pass returns what an open breaker says.
func (s *server) pass(b *breaker) error {
	if o := b.outage.Load(); o != nil {
		s.breakers.refused.Add(1)
		return o.err
	}
	return nil
}

// report tells a breaker how a command went.
func (s *server) report(b *breaker, err error) {
	if !suspicious(err) {
		if b.watched.Load() && answered(err) {
			b.heard.Store(true)
			b.outage.Store(nil)
		}
		return
	}
	s.watch(b)
}

// answered tells whether the server has said something, be it that there is no such entry or that it does not serve.
func answered(err error) bool {
	_, replied := errors.AsType[redis.Error](err)
	return replied || err == nil
}

// suspicious tells whether the server may be away: it could not be reached, or did not answer as long as somebody waited. A caller who left early is
// a reason to ask, no more than that.
func suspicious(err error) bool {
	return !answered(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, redis.ErrClosed) &&
		!errors.Is(err, cache.ErrClosed) && !errors.Is(err, cache.ErrUnavailable)
}

// watch pings the server of a breaker in the background until it answers, unless somebody does.
func (s *server) watch(b *breaker) {
	if b.watched.Load() || !b.watched.CompareAndSwap(false, true) {
		return
	}
	started := s.life.run(func() {
		s.pingUntilAnswered(b)
		b.watched.Store(false)
	})
	if !started {
		b.watched.Store(false)
	}
}

// pingUntilAnswered is the only one that opens a breaker, and does not leave it open.
func (s *server) pingUntilAnswered(b *breaker) {
	defer b.outage.Store(nil)
	for begun := time.Now(); ; {
		b.heard.Store(false)
		err := s.pingAside(b.node)
		if s.life.ended() {
			return
		}
		if !suspicious(err) || b.heard.Load() {
			b.outage.Store(nil)
			// Callers with short deadlines are no reason to ping all the time.
			rest(s.life.ctx, pause)
			return
		}
		if time.Since(begun) >= breakAfter {
			if b.outage.Load() == nil {
				s.breakers.opened.Add(1)
			}
			b.outage.Store(&outage{err: fmt.Errorf("%w: the breaker is open: %w", cache.ErrUnavailable, s.why(err))})
			if b.heard.Load() { // at this moment
				b.outage.Store(nil)
			}
		}
		if !s.isMaster(b.node) || !rest(s.life.ctx, pause) {
			return
		}
	}
}

// pingAside asks a server over a new connection, or, where there is none to ask, who the masters of the cluster are.
func (s *server) pingAside(node *redis.Client) error {
	ctx, cancel := context.WithTimeout(s.life.ctx, s.timeout)
	defer cancel()
	if node == nil {
		_, err := s.topology.masters(ctx)
		return err
	}
	o := optionsAside(node)
	dial := o.Dialer
	o.Dialer = func(_ context.Context, network, addr string) (net.Conn, error) { return dial(ctx, network, addr) }
	client := redis.NewClient(&o) // not its Conn, which must not be closed while it is used
	defer func() { _ = client.Close() }()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })() // Close does not wait for an answer
	err := client.Process(ctx, newStatus(ctx, "ping"))
	if cause := ctx.Err(); err != nil && cause != nil {
		return cause // not what a client says that is closed
	}
	return err
}

// isMaster asks the cluster whether a server is one of its masters still, forgets the breakers of all that are none, and says yes where it cannot tell.
func (s *server) isMaster(node *redis.Client) bool {
	if s.one() {
		return true
	}
	ctx, _ := s.deadlines.bound(s.life.ctx)
	masters, err := s.topology.masters(ctx)
	if err != nil {
		return true
	}
	s.breakers.nodes.Range(func(known, _ any) bool {
		if !slices.Contains(masters, known.(*redis.Client)) {
			s.breakers.nodes.Delete(known)
		}
		return true
	})
	return node == nil || slices.Contains(masters, node)
}

// rest tells whether d went by before the context ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
