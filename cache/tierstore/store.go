package tierstore

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
)

// maxNear is the longest value that is kept near: to copy a longer one would keep others waiting.
const maxNear = 1 << 20

// longest is how long an entry is near at most, for the sake of what the server does not tell, like SWAPDB.
const longest = time.Minute

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// OnTracking is called when tracking has begun, with nil, and when it could not begin or was lost, with the reason: one that matches
	// [errors.ErrUnsupported] where the server or the user does not have it. It is called once for each change, on a goroutine of the store, which does not track
	// while it runs; it must not call Close, which waits for it.
	OnTracking func(err error)
}

// Store is a [cache.Store] with every capability that package cache has. All methods are safe for concurrent use.
type Store struct {
	near    *memstore.Store
	far     *redisstore.Store
	flights *flights
	begun   time.Time
	until   atomic.Int64 // nanoseconds since begun: how long what is near may be used; 0 is no longer

	onTracking func(error)
	end        context.CancelFunc
	tracking   sync.WaitGroup
	closeOnce  sync.Once
	closeErr   error
}

var (
	_ cache.Store       = (*Store)(nil)
	_ cache.Batcher     = (*Store)(nil)
	_ cache.Adder       = (*Store)(nil)
	_ cache.Incrementer = (*Store)(nil)
	_ cache.Swapper     = (*Store)(nil)
	_ cache.Renewer     = (*Store)(nil)
	_ cache.Toucher     = (*Store)(nil)
	_ cache.Sweeper     = (*Store)(nil)
	_ cache.Appender    = (*Store)(nil)
	_ cache.Statter     = (*Store)(nil)
	_ cache.Scanner     = (*Store)(nil)
	_ cache.Limiter     = (*Store)(nil)
)

// New returns a store that keeps near what was read from far. Both are its own from now on: nobody else uses near, and Close closes them. It does no I/O: the
// connection that tells of changes is made in the background, and until it stands all goes to far. A nil o is the default options.
func New(near *memstore.Store, far *redisstore.Store, o *Options) (*Store, error) {
	if near == nil || far == nil {
		return nil, errors.New("tierstore: new: a store is nil; it takes one near and one far")
	}
	ctx, end := context.WithCancel(context.Background())
	s := &Store{near: near, far: far, flights: newFlights(), begun: time.Now(), onTracking: func(error) {}, end: end}
	if o != nil && o.OnTracking != nil {
		s.onTracking = o.OnTracking
	}
	s.tracking.Go(func() { s.track(ctx) })
	return s, nil
}

// now is nanoseconds since the store was made.
func (s *Store) now() int64 { return int64(time.Since(s.begun)) }

// tracked tells whether what is near may be used.
func (s *Store) tracked() bool {
	until := s.until.Load()
	return until != 0 && s.now() < until
}

// Get returns the value under key.
func (s *Store) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	if s.tracked() {
		if value, found, err := s.near.Get(ctx, key); found || own(err) != nil {
			return value, found, own(err)
		}
	}
	return s.load(ctx, key)
}

// GetAppend appends the value under key to dst.
func (s *Store) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	if s.tracked() {
		if value, found, err := s.near.GetAppend(ctx, dst, key); found || own(err) != nil {
			return value, found, own(err)
		}
	}
	value, found, err = s.load(ctx, key)
	if !found {
		return dst, false, err
	}
	return append(dst, value...), true, nil
}

// Exists tells whether there is an entry under key.
func (s *Store) Exists(ctx context.Context, key string) (found bool, err error) {
	if s.tracked() {
		if found, err := s.near.Exists(ctx, key); found || own(err) != nil {
			return found, own(err)
		}
	}
	ticket := s.flights.read(key)
	found, err = s.far.Exists(ctx, key)
	ticket.end(func(bool) {
		if !found {
			s.drop(key)
		}
	})
	return found, err
}

// TTL returns what remains of the lifetime of the entry under key.
func (s *Store) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	ticket := s.flights.read(key)
	ttl, found, err = s.far.TTL(ctx, key)
	ticket.end(func(bool) { s.drop(key) }) // it may be another than what is near
	return ttl, found, err
}

// own is an error of the near store that is the caller's too. That it takes no key as long as the far one does is no error.
func own(err error) error {
	if errors.Is(err, cache.ErrInvalidKey) {
		return nil
	}
	return err
}

// load reads key from the far store, and keeps what it finds, if changes are told.
func (s *Store) load(ctx context.Context, key string) (value []byte, found bool, err error) {
	tracked, ticket, asked := s.tracked(), s.flights.read(key), time.Now()
	var e redisstore.Entry
	if tracked {
		e, found, err = s.far.GetWithTTL(ctx, key)
	} else {
		e.Value, found, err = s.far.Get(ctx, key)
	}
	ticket.end(func(newest bool) { s.settle(key, e, found, tracked && newest, asked) })
	return e.Value, found, err
}

// settle makes near what somebody who has read key expects there: this entry, or none. One that is not the newest for sure may only stay if it is there.
func (s *Store) settle(key string, e redisstore.Entry, found, keep bool, asked time.Time) {
	ttl := e.TTL
	if ttl != cache.Forever {
		ttl -= time.Since(asked) // it began to run no earlier than that
	}
	ttl = min(ttl, longest)
	switch {
	case found && keep && ttl > 0 && len(e.Value) <= maxNear && s.near.Set(context.Background(), key, e.Value, ttl) == nil:
	case found && !keep:
		near, kept, _ := s.near.Get(context.Background(), key)
		if kept && !bytes.Equal(near, e.Value) {
			s.drop(key)
		}
	default:
		s.drop(key)
	}
}

// drop removes key near. It fails only for keys that are not kept, and after Close.
func (s *Store) drop(key string) { _ = s.near.Delete(context.Background(), key) }

// Ping tells whether the far store answers.
func (s *Store) Ping(ctx context.Context) error { return s.far.Ping(ctx) }

// Stats returns the figures of the far store, and the evictions of the near one.
func (s *Store) Stats(ctx context.Context) (cache.Stats, error) {
	st, err := s.far.Stats(ctx)
	if err != nil {
		return cache.Stats{}, err
	}
	if near, err := s.near.Stats(ctx); err == nil {
		st.Evictions = near.Evictions
	}
	return st, nil
}

// Far returns the far store, for what must hold at this moment: sessions and limits. It is closed with s.
func (s *Store) Far() *redisstore.Store { return s.far }

// Close ends tracking and closes both stores. It is idempotent.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.until.Store(0)
		s.end()
		s.closeErr = s.far.Close()
		s.tracking.Wait()
		s.closeErr = errors.Join(s.closeErr, s.near.Close())
	})
	return s.closeErr
}
