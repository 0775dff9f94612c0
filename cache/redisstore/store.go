package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// Store is a [cache.Store] on a Redis server, with every capability that package cache has. All methods are safe for concurrent use.
type Store struct {
	*server
	owned  bool // Close closes the client
	prefix string
	failed *failures
	life   *lifespan

	closeOnce sync.Once
	closeErr  error
}

// server is what a store shares with those that Named makes of it.
type server struct {
	client    redis.UniversalClient
	topology  topology
	breakers  breakers
	life      *lifespan // of the store that has the client
	opened    bool      // the client is Open's
	tls       bool
	greeted   atomic.Bool // some connection has had the server's first answer; not known of a client that is not Open's
	timeout   time.Duration
	deadlines deadlines
	scripts   scripts
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

// New returns a store on a client that stays the caller's: Close leaves it open. A client that ignores the deadlines of
// contexts (redis.Options.ContextTimeoutEnabled is false) is refused. A nil o is the default options. It does no I/O.
func New(client redis.UniversalClient, o *Options) (*Store, error) {
	r, err := o.resolve()
	if err != nil {
		return nil, fmt.Errorf("redisstore: new: %w", err)
	}
	t, err := topologyOf(client)
	if err != nil {
		return nil, fmt.Errorf("redisstore: new: %w", err)
	}
	on := &server{client: client, topology: t, timeout: r.Timeout, deadlines: deadlines{timeout: r.Timeout}, scripts: newScripts()}
	var only *redis.Client
	if one, ok := t.(single); ok {
		only = one.Client
	}
	on.breakers.whole = on.newBreaker(only)
	s := newStore(on, r.KeyPrefix, nil)
	on.life = s.life
	return s, nil
}

func newStore(on *server, prefix string, owner *lifespan) *Store {
	return &Store{server: on, prefix: prefix, failed: newFailures(), life: newLifespan(owner)}
}

// Open returns a store on a client of its own, made from a URL:
//
//	redis[s]://user:password@host:6379/1?ca_file=…      TLS with rediss; ca_file holds the CA's certificates in PEM
//	valkey[s]://…                                       the same
//	unix:///run/redis.sock?db=1
//	redis[s]+cluster://host:7000,host:7001              some of the nodes of a cluster, which has the database 0 only
//	redis[s]+sentinel://host:26379,host:26379/mymaster/0?sentinel_user=…&sentinel_password=…
//	                                                    sentinels, and by which name they know the master; user and password before the hosts
//	                                                    are for the master, and TLS is for both
//
// valkey goes wherever redis does. User, password, port, database (0) and parameters may be left out. A nil o is the default options. It does no
// I/O but to read ca_file; an error never shows the URL.
func Open(ctx context.Context, url string, o *Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	r, err := o.resolve()
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	t, err := parseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	var s *Store
	client := t.dial(r.Timeout, func(context.Context, *redis.Conn) error {
		s.greeted.Store(true)
		return nil
	})
	if s, err = New(client, o); err != nil {
		return nil, err
	}
	s.owned, s.opened, s.tls = true, true, t.tls != nil
	return s, nil
}

// strange tells whether a client of Open's has never had an answer.
func (s *server) strange() bool { return s.opened && !s.greeted.Load() }

// Get returns the value under key.
func (s *Store) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	c, found, err := s.lookUp(ctx, key)
	if !found {
		return nil, false, err
	}
	// The reply's buffer is ours alone.
	value, _ = c.Bytes()
	return bytesOf(value), true, nil
}

// GetAppend appends the value under key to dst.
func (s *Store) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	c, found, err := s.lookUp(ctx, key)
	if !found {
		return dst, false, err
	}
	return append(dst, c.Val()...), true, nil
}

func (s *Store) lookUp(ctx context.Context, key string) (c stringCmd, found bool, err error) {
	op, err := s.begin(ctx, "get", key)
	if err != nil {
		return c, false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return c, false, s.fail(op, err)
	}
	c, err = s.get(op.ctx, key)
	if errors.Is(err, redis.Nil) {
		return c, false, nil
	}
	return c, err == nil, s.fail(op, err)
}

// Exists tells whether there is an entry under key.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	op, err := s.begin(ctx, "exists", key)
	if err != nil {
		return false, err
	}
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return false, s.fail(op, err)
	}
	n, err := s.readInt(op.ctx, "exists", key)
	return n == 1, s.fail(op, err)
}

// checkValue refuses what the contract does, before any I/O.
func checkValue(value []byte) error {
	if len(value) <= cache.MaxValueLen {
		return nil
	}
	return fmt.Errorf("%w: it has %d bytes; allowed: up to %d", cache.ErrTooLarge, len(value), cache.MaxValueLen)
}

// Set stores value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	op, err := s.begin(ctx, "set", key)
	if err != nil {
		return err
	}
	if err := checkValue(value); err != nil {
		return s.fail(op, err)
	}
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = s.drain(op.ctx, key)
	}
	if err != nil {
		s.failed.noteKey(key, false)
		return s.fail(op, err)
	}
	switch {
	case ttl == cache.Forever:
		err = s.set(op.ctx, key, value)
	case ttl != cache.KeepTTL:
		err = s.set(op.ctx, key, value, "px", milliseconds(ttl))
	case clearing:
		err = redis.Nil // what is there is a miss
	default:
		err = s.set(op.ctx, key, value, "xx", "keepttl")
	}
	if errors.Is(err, redis.Nil) {
		return s.fail(op, cache.ErrNotFound)
	}
	if err != nil {
		s.failed.noteKey(key, true)
	}
	return s.fail(op, err)
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	op, err := s.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	clearing, err := s.settle(op.ctx, key)
	if clearing && err == nil {
		err = s.drain(op.ctx, key)
	}
	if err != nil {
		s.failed.noteKey(key, false)
		return s.fail(op, err)
	}
	if err := s.unlink(op.ctx, s.prefix+key); err != nil {
		s.failed.noteKey(key, true)
		return s.fail(op, err)
	}
	return nil
}

// Ping tells whether the server answers, of a cluster every master. It asks also where a breaker is open, which an answer closes.
func (s *Store) Ping(ctx context.Context) error {
	op, err := s.begin(ctx, "ping", "")
	if err != nil {
		return err
	}
	if err = s.pingAnyway(op.ctx); err != nil && s.BreakerStats().Open > 0 {
		err = fmt.Errorf("the breaker is open: %w", s.why(err))
	}
	return s.fail(op, err)
}

// Close ends what runs in the background, and closes the client if [Open] made it. It is idempotent. The stores that Named made are closed too.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.life.close(func() {
			if !s.owned {
				return
			}
			if err := s.client.Close(); err != nil {
				s.closeErr = &cache.OpError{Op: "close", Err: err}
			}
		})
		if s.life.owner == nil {
			for _, b := range s.breakers.all() {
				b.together.close()
			}
		}
	})
	return s.closeErr
}
