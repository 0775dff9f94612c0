package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// What follows a [Store] may implement beyond its seven methods, one interface each. [New] finds out once what a store has; the
// methods of [Cache] by the same names use it. What [Store] says of contexts, errors, keys and slices holds for these too.
// A lifetime is again d > 0 or [Forever]; where [KeepTTL] can come it is said.

// Batcher is the capability to serve many keys at once. The result is that of as many single operations, in any order; no other
// operation need see all of a batch or nothing of it. Each round trip of a batch is bounded by the store's timeout.
// The error of a batch is best an [*OpError] that says how many keys it had. A cache over a store without it makes single calls.
type Batcher interface {
	// GetMany returns the entries that are there under their keys, each value as Get returns it. A key may come twice. Nothing is
	// returned beside an error.
	GetMany(ctx context.Context, keys []string) (map[string][]byte, error)
	// SetMany stores a copy of every value under its key. An entry that is refused as [ErrTooLarge] does not keep the others from
	// being stored; after any other error some may have been.
	SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error
	// DeleteMany removes the entries under the keys. After an error some may have been removed.
	DeleteMany(ctx context.Context, keys []string) error
}

// Adder is the capability to store only where nothing is, in one atomic step.
type Adder interface {
	// Add stores a copy of value under key if there is no entry, and tells whether it did. Of any number of concurrent
	// calls on an absent key exactly one stores.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error)
}

// Incrementer is the capability to count. A cache makes it of [Adder] and [Swapper] where a store has both and not this.
type Incrementer interface {
	// Increment adds delta to the number under key in one atomic step and returns the sum. The number keeps its lifetime; an
	// absent one counts as 0 and is made with the lifetime ttl. With [KeepTTL] an absent one is not made and the error is
	// [ErrNotFound]. A number is what [strconv.FormatInt] writes, in base 10: anything else is [ErrNotInteger], a sum past
	// int64 is [ErrOverflow], and neither changes anything.
	Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error)
}

// Swapper is the capability to write only over a known value.
type Swapper interface {
	// CompareAndSwap replaces the value under key by a copy of replacement if it equals old, byte for byte, and its lifetime by ttl, in one
	// atomic step; with [KeepTTL] the entry keeps its lifetime. It tells whether it did: never where there is no entry, for a nil old
	// equals empty. A replacement that the store cannot hold is [ErrTooLarge], and what was there stays.
	CompareAndSwap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) (swapped bool, err error)
	// CompareAndDelete removes the entry under key if its value equals old, in one atomic step, and tells whether it did.
	CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error)
}

// Renewer is the capability to read and to renew a lifetime in one atomic step.
type Renewer interface {
	// GetAndRenew is Get, and sets the lifetime of the entry to ttl, 1 ms to 400 days, if it has one, were it in its last
	// millisecond. A permanent entry stays permanent.
	GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error)
}

// Toucher is the capability to read and to change lifetimes. A cache makes Touch, not TTL, of [Swapper] where a store has only that.
type Toucher interface {
	// Touch sets the lifetime of the entry under key, also of a permanent one, and tells whether there is one. [Forever] makes it
	// permanent.
	Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error)
	// TTL returns what remains of the lifetime of the entry under key, more than 0, or [Forever] if it is permanent.
	TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error)
}

// Sweeper is the capability to give back at once what expired entries hold.
type Sweeper interface {
	// DeleteExpired removes the entries that have expired and returns how many this call removed. A store whose backend does that by
	// itself returns 0. Each of its steps is bounded as an operation is, and others go on between them.
	DeleteExpired(ctx context.Context) (int, error)
}

// Appender is the capability to read without allocating. A cache over a store without it copies what Get returns.
type Appender interface {
	// GetAppend appends the value under key to dst and returns the extended slice. On a miss and on an error it is dst unchanged.
	GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error)
}

// Statter is the capability to tell how full a store is.
type Statter interface {
	// Stats returns the figures of this process. It does no I/O.
	Stats(ctx context.Context) (Stats, error)
}

// Stats are the figures of a store in this process. What a store cannot know without asking its backend is -1.
type Stats struct {
	Entries   int64 // entries held, expired ones that have not been removed yet among them
	Bytes     int64 // bytes held: keys, values and bookkeeping
	Evictions int64 // unexpired entries removed to make room, since the store was made
	Pending   int64 // failed invalidations that are remembered and not made up for yet
}

// Scanner is the capability to list keys.
type Scanner interface {
	// Keys yields the keys of this store that begin with prefix, "" for all, in any order. Every entry that is there from the
	// beginning to the end is yielded; one that comes or goes meanwhile may be. A key may come twice where the backend reorganises
	// itself meanwhile, or the entry went and came again. An error is yielded last, with an empty key. Keys are read as the loop goes on,
	// each batch bounded as an operation is; nothing is locked while the loop's body runs, which may use the store.
	Keys(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Limiter is the capability to count against limits.
type Limiter interface {
	// Take takes cost from every limit of key, or from none if one of them lacks it, in one atomic step, by the generic cell rate
	// algorithm (GCRA); [Meter] is the arithmetic. Time is the backend's where several processes share it. The limits and the cost have been
	// checked: each limit by the rules of [Limit], the cost from 0 to the smallest Requests. What is kept under key expires as soon as it
	// equals nothing, so that no key stays for ever; a store without room for it gives [ErrUnavailable]. An entry under key that is no limiter's
	// is an error, and stays.
	Take(ctx context.Context, key string, limits []Limit, cost int64) (Decision, error)
}

// Capability names methods of [Cache] that not every store can serve, for [Options].Require. They are combined with |.
type Capability uint

// The capabilities. What they need of a store is the interface named after them, or what that can be made of; Batcher and Appender can
// always be.
const (
	CanAdd       Capability = 1 << iota // Add, and Set with [KeepTTL] on an absent key
	CanIncrement                        // Increment
	CanSwap                             // CompareAndSwap and CompareAndDelete
	CanRenew                            // GetAndRenew
	CanTouch                            // Touch and TTL
	CanSweep                            // DeleteExpired
	CanStat                             // Stats
	CanScan                             // Keys
	CanLimit                            // Take
)

// capabilities are those of a store, each nil where the store lacks it.
type capabilities struct {
	batcher     Batcher
	adder       Adder
	incrementer Incrementer
	swapper     Swapper
	renewer     Renewer
	toucher     Toucher
	sweeper     Sweeper
	appender    Appender
	statter     Statter
	scanner     Scanner
	limiter     Limiter
}

func discover(s Store) capabilities {
	var c capabilities
	c.batcher, _ = s.(Batcher)
	c.adder, _ = s.(Adder)
	c.incrementer, _ = s.(Incrementer)
	c.swapper, _ = s.(Swapper)
	c.renewer, _ = s.(Renewer)
	c.toucher, _ = s.(Toucher)
	c.sweeper, _ = s.(Sweeper)
	c.appender, _ = s.(Appender)
	c.statter, _ = s.(Statter)
	c.scanner, _ = s.(Scanner)
	c.limiter, _ = s.(Limiter)
	return c
}

// Require returns an error that matches [errors.ErrUnsupported] where the store of c lacks a capability that is required and cannot be
// made to have it, as [Options].Require does; it is for packages that are given a cache. It does no I/O. On a nil cache it is nil.
func (c *Cache) Require(required Capability) error {
	if c == nil {
		return nil
	}
	return c.require(c.store, required)
}

// require reports what of required the store s can neither serve nor be made to.
func (c *capabilities) require(s Store, required Capability) error {
	var lacks []string
	for _, r := range []struct {
		is    Capability
		has   bool
		named string
	}{
		{CanAdd, c.adder != nil, "Adder"},
		{CanIncrement, c.incrementer != nil || c.adder != nil && c.swapper != nil, "Incrementer"},
		{CanSwap, c.swapper != nil, "Swapper"},
		{CanRenew, c.renewer != nil, "Renewer"},
		{CanTouch, c.toucher != nil, "Toucher"},
		{CanSweep, c.sweeper != nil, "Sweeper"},
		{CanStat, c.statter != nil, "Statter"},
		{CanScan, c.scanner != nil, "Scanner"},
		{CanLimit, c.limiter != nil, "Limiter"},
	} {
		if required&r.is != 0 && !r.has {
			lacks = append(lacks, "cache."+r.named)
		}
		required &^= r.is
	}
	if len(lacks) > 0 {
		return fmt.Errorf("%w: %T is no %s, which is required", errors.ErrUnsupported, s, strings.Join(lacks, " and no "))
	}
	if required != 0 {
		return fmt.Errorf("there is no capability %#x; what is required is made of CanAdd to CanLimit", uint(required))
	}
	return nil
}

func (c *Cache) unsupported(capability string) error {
	return fmt.Errorf("%w: %T is no cache.%s", errors.ErrUnsupported, c.store, capability)
}
