package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

const (
	heartbeat = time.Second
	// silence is how long a heartbeat may go unanswered.
	silence = 2 * time.Second
)

var errLost = errors.New("the connection that tells of changes was lost")

// Tracking is what [Store.Track] calls.
type Tracking struct {
	// Started is called once, when every server has promised to tell.
	Started func()
	// Changed is called with keys that somebody, this store too, has written, renewed or removed, or that have expired. The slice is its own. Nil says that any
	// may have been. It is called for each server by one goroutine, also before Started.
	Changed func(keys []string)
	// Alive is called about once a second, with the time at which every server was asked whether it still is there. They have said so by now, and Changed
	// has been called for what was changed before that time.
	Alive func(asked time.Time)
}

// Track tells what happens to the entries of the store, whoever does it, as server-assisted client-side caching does (CLIENT TRACKING … BCAST). It goes on until
// ctx ends, the store is closed or a connection breaks or is silent for two seconds, and returns why. Then changes may have been missed.
//
// A server that does not track, or a user who may not have it, gives an error that matches [errors.ErrUnsupported].
func (s *Store) Track(ctx context.Context, t Tracking) error {
	op, err := s.begin(ctx, "track", "")
	if err != nil {
		return err
	}
	if !s.life.join() {
		return op.failed(cache.ErrClosed)
	}
	defer s.life.leave()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(s.life.ctx, func() { end(cache.ErrClosed) })()

	masters, err := s.topology.masters(op.ctx)
	if err != nil {
		return s.fail(op, err)
	}
	watch := watch{store: s, masters: masters}
	defer watch.close()
	if err := watch.open(op.ctx, t); err != nil {
		return s.fail(op, err)
	}
	t.Started()
	watch.read(ctx, end)
	for err == nil {
		asked := time.Now()
		if err = watch.ask(ctx); err == nil {
			t.Alive(asked)
			rest(ctx, heartbeat-time.Since(asked))
			err = context.Cause(ctx)
		}
	}
	return op.failed(err)
}

// watch is one call of Track: a connection to every master.
type watch struct {
	store   *Store
	masters []*redis.Client
	told    []*teller
	reading sync.WaitGroup
}

func (w *watch) open(ctx context.Context, t Tracking) error {
	for _, master := range w.masters {
		one := newTeller(master, w.store.prefix, t.Changed)
		w.told = append(w.told, one)
		if err := one.open(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read hands on what the servers tell, and ends the call where one breaks off.
func (w *watch) read(ctx context.Context, end context.CancelCauseFunc) {
	for _, one := range w.told {
		w.reading.Go(func() { end(one.read(ctx)) })
	}
}

// ask returns nil once every server has answered, and they still are the masters.
func (w *watch) ask(ctx context.Context) error {
	deadline, cancel := context.WithTimeoutCause(ctx, silence, errLost)
	defer cancel()
	for _, one := range w.told {
		if err := one.ping(deadline); err != nil {
			return err
		}
	}
	for _, one := range w.told {
		select {
		case <-one.pongs:
		case <-deadline.Done():
			return context.Cause(deadline)
		}
	}
	masters, err := w.store.topology.masters(deadline)
	if err != nil {
		return fmt.Errorf("%w: %w", cache.ErrUnavailable, err)
	}
	if !slices.Equal(masters, w.masters) {
		return fmt.Errorf("%w: the cluster has other masters", errLost)
	}
	for _, one := range w.told {
		if err := one.same(deadline); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) close() {
	for _, one := range w.told {
		one.close()
	}
	w.reading.Wait()
}
