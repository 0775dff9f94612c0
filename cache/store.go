package cache

import (
	"context"
	"time"
)

// Store is what a backend implements. A program holds a [Cache] instead, which checks keys, resolves lifetimes and keeps
// namespaces apart, so that a Store need not.
//
// All methods may be called by many goroutines at once and are linearizable per key. A context that is done gives its
// error before any I/O, then a closed store gives [ErrClosed]. A backend that does not serve gives an error that matches
// [ErrUnavailable] or [context.DeadlineExceeded], within a timeout of its own where the context has none.
// An error is best an [*OpError].
//
// A key is 1 to about 1,700 bytes of any content: up to [MaxKeyLen] of the caller's, and what namespaces add.
// A lifetime is d > 0, [Forever] or [KeepTTL], nothing else.
type Store interface {
	// Get returns the value under key, in a slice that the caller may change and that is not nil when found.
	// Absent and expired are found == false with a nil error.
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	// Set stores a copy of value (nil is stored as empty) under key and replaces its lifetime. With [KeepTTL] the entry keeps
	// the lifetime that it has; where there is no entry nothing is stored and the error is [ErrNotFound]. A value
	// that the store cannot hold is [ErrTooLarge], and what was there stays.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Delete removes the entry under key. An absent one is no error.
	Delete(ctx context.Context, key string) error
	// Exists tells whether there is an entry under key that has not expired.
	Exists(ctx context.Context, key string) (bool, error)
	// Clear removes every entry of this store whose key has the prefix; "" is all of them. What was there when it was called
	// is gone when it returns nil. It never touches what is not this store's.
	Clear(ctx context.Context, prefix string) error
	// Ping tells whether the backend serves.
	Ping(ctx context.Context) error
	// Close frees what the store holds. It is idempotent; afterwards every other method gives [ErrClosed].
	Close() error
}
