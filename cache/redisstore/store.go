package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/larder-go/larder/cache"
)

// Store is a [cache.Store] on a Redis server. All methods are safe for concurrent use.
type Store struct {
	client  *redis.Client
	owned   bool // Close closes the client
	tls     bool
	greeted atomic.Bool // some connection has had the server's first answer; not known of a client that is not ours
	prefix  string
	timeout time.Duration
	failed  *failures

	life       context.Context //nolint:containedctx // the store's own: ends what runs in the background
	end        context.CancelFunc
	mu         sync.Mutex // orders the start of background work and Close
	background sync.WaitGroup
	closed     atomic.Bool
	closeOnce  sync.Once
	closeErr   error
}

var (
	_ cache.Store = (*Store)(nil)
	_ cache.Adder = (*Store)(nil)
)

// New returns a store on a client that stays the caller's: Close leaves it open. A client that ignores the deadlines of
// contexts (redis.Options.ContextTimeoutEnabled is false) is refused. A nil o is the default options. It does no I/O.
func New(client redis.UniversalClient, o *Options) (*Store, error) {
	r, err := o.resolve()
	if err != nil {
		return nil, fmt.Errorf("redisstore: new: %w", err)
	}
	c, err := checkClient(client)
	if err != nil {
		return nil, fmt.Errorf("redisstore: new: %w", err)
	}
	s := &Store{client: c, prefix: r.KeyPrefix, timeout: r.Timeout, failed: newFailures()}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Open returns a store on a client of its own, made from a URL:
//
//	redis[s]://user:password@host:6379/1?ca_file=…      TLS with rediss; ca_file holds the CA's certificates in PEM
//	valkey[s]://…                                       the same
//	unix:///run/redis.sock?db=1
//
// User, password, port, database (0) and parameters may be left out. A nil o is the default options. It does no I/O but to
// read ca_file; an error never shows the URL.
func Open(ctx context.Context, url string, o *Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	r, err := o.resolve()
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	c, err := parseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redisstore: open: %w", err)
	}
	c.ContextTimeoutEnabled = true
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = r.Timeout, r.Timeout, r.Timeout, r.Timeout
	c.MaxRetries, c.DialerRetries = -1, 1 // command.go decides what deserves a second try
	c.ConnMaxIdleTime = 5 * time.Minute   // below what load balancers allow an idle connection
	c.PipelinePoolSize = -1               // nothing here is pipelined
	c.Dialer = dialer(c)
	// Either of these asks a server of 6.2 for what it does not know, on every connection: it answers, and counts an error.
	c.DisableIdentity = true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	var s *Store
	c.OnConnect = func(context.Context, *redis.Conn) error {
		s.greeted.Store(true)
		return nil
	}
	if s, err = New(redis.NewClient(c), o); err != nil {
		return nil, err
	}
	s.owned, s.tls = true, c.TLSConfig != nil
	return s, nil
}

// strange tells whether this store's client has never had an answer.
func (s *Store) strange() bool { return s.owned && !s.greeted.Load() }

// operation is one call of the contract: the caller's context, the bounded one, and what they are for.
type operation struct {
	name   string
	key    string
	parent context.Context //nolint:containedctx // it lives as long as the call
	ctx    context.Context //nolint:containedctx // the same
	end    time.Time
	cancel context.CancelFunc
}

// begin checks the context and the store, in this order, and bounds the operation.
func (s *Store) begin(ctx context.Context, name, key string) (operation, error) {
	op := operation{name: name, key: key, parent: ctx}
	if err := ctx.Err(); err != nil {
		return op, &cache.OpError{Op: name, Key: key, Err: err}
	}
	if s.closed.Load() {
		return op, &cache.OpError{Op: name, Key: key, Err: cache.ErrClosed}
	}
	op.ctx, op.cancel = context.WithTimeout(ctx, s.timeout)
	op.end, _ = op.ctx.Deadline()
	return op, nil
}

// fail names the operation and the key, and says in the contract's terms why.
func (s *Store) fail(op operation, err error) error {
	if err == nil {
		return nil
	}
	if s.closed.Load() && errors.Is(err, redis.ErrClosed) {
		err = cache.ErrClosed
	}
	return &cache.OpError{Op: op.name, Key: op.key, Err: s.unavailable(op.parent, op.end, err)}
}

// Get returns the value under key.
func (s *Store) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	op, err := s.begin(ctx, "get", key)
	if err != nil {
		return nil, false, err
	}
	defer op.cancel()
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return nil, false, s.fail(op, err)
	}
	c, err := s.get(op.ctx, key)
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.fail(op, err)
	}
	// The reply's buffer is ours alone.
	if value, _ = c.Bytes(); value == nil {
		value = []byte{}
	}
	return value, true, nil
}

// Exists tells whether there is an entry under key.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) {
	op, err := s.begin(ctx, "exists", key)
	if err != nil {
		return false, err
	}
	defer op.cancel()
	if clearing, err := s.settle(op.ctx, key); clearing || err != nil {
		return false, s.fail(op, err)
	}
	n, err := s.exists(op.ctx, key)
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
	if err := checkValue(value); err != nil {
		return &cache.OpError{Op: "set", Key: key, Err: err}
	}
	op, err := s.begin(ctx, "set", key)
	if err != nil {
		return err
	}
	defer op.cancel()
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = s.drain(op.ctx)
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

// Add stores value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	if err := checkValue(value); err != nil {
		return false, &cache.OpError{Op: "add", Key: key, Err: err}
	}
	op, err := s.begin(ctx, "add", key)
	if err != nil {
		return false, err
	}
	defer op.cancel()
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = errClearing()
	}
	if err != nil {
		return false, s.fail(op, err)
	}
	if ttl == cache.Forever {
		err = s.set(op.ctx, key, value, "nx")
	} else {
		err = s.set(op.ctx, key, value, "nx", "px", milliseconds(ttl))
	}
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, s.fail(op, err)
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	op, err := s.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	defer op.cancel()
	clearing, err := s.settle(op.ctx, key)
	if clearing && err == nil {
		err = s.drain(op.ctx)
	}
	if err != nil {
		s.failed.noteKey(key, false)
		return s.fail(op, err)
	}
	if err := s.unlink(op.ctx, s.client, s.prefix+key); err != nil {
		s.failed.noteKey(key, true)
		return s.fail(op, err)
	}
	return nil
}

// Ping tells whether the server answers.
func (s *Store) Ping(ctx context.Context) error {
	op, err := s.begin(ctx, "ping", "")
	if err != nil {
		return err
	}
	defer op.cancel()
	return s.fail(op, s.ping(op.ctx))
}

// PoolStats returns the figures of the client's connections.
func (s *Store) PoolStats() *redis.PoolStats { return s.client.PoolStats() }

// Close ends what runs in the background, and closes the client if [Open] made it. It is idempotent.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closed.Store(true)
		s.mu.Unlock()
		s.end()
		s.background.Wait() // each of its steps is bounded by the timeout
		if !s.owned {
			return
		}
		if err := s.client.Close(); err != nil {
			s.closeErr = &cache.OpError{Op: "close", Err: err}
		}
	})
	return s.closeErr
}
