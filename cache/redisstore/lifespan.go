package redisstore

import (
	"context"
	"sync"
	"sync/atomic"
)

// lifespan is a store's from its making to its Close. That of a store that Named made ends with its owner's too.
type lifespan struct {
	owner *lifespan // nil for a store that New or Open made

	ctx        context.Context //nolint:containedctx // the store's own: ends what runs in the background
	end        context.CancelFunc
	mu         sync.Mutex // orders the start of background work and close
	background sync.WaitGroup
	closed     atomic.Bool
}

func newLifespan(owner *lifespan) *lifespan {
	l := &lifespan{owner: owner}
	parent := context.Background()
	if owner != nil {
		parent = owner.ctx
	}
	l.ctx, l.end = context.WithCancel(parent)
	return l
}

func (l *lifespan) ended() bool {
	for ; l != nil; l = l.owner {
		if l.closed.Load() {
			return true
		}
	}
	return false
}

// run starts f in the background, for which close waits, unless the store was closed. It tells whether it did.
func (l *lifespan) run(f func()) bool {
	if !l.join() {
		return false
	}
	go func() {
		defer l.leave()
		f()
	}()
	return true
}

// join counts the caller among what close waits for, here and with every owner: their client is closed after that.
func (l *lifespan) join() bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() || !l.owner.join() {
		return false
	}
	l.background.Add(1)
	return true
}

func (l *lifespan) leave() {
	for ; l != nil; l = l.owner {
		l.background.Done()
	}
}

// close ends what runs in the background, and calls hurry, after which it has nothing to wait for. Where there is nothing to hurry it by each of its
// steps is bounded by the timeout.
func (l *lifespan) close(hurry func()) {
	l.mu.Lock()
	l.closed.Store(true)
	l.mu.Unlock()
	l.end()
	hurry()
	l.background.Wait()
}
