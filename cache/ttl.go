package cache

import (
	"math"
	"time"
)

// Lifetimes with a meaning of their own. Any other d <= 0 has expired already.
const (
	// DefaultTTL is the default lifetime of the cache, [Options].TTL.
	DefaultTTL time.Duration = math.MinInt64 + 1
	// KeepTTL is the lifetime that the entry has, or the default where there is no entry.
	KeepTTL time.Duration = math.MinInt64 + 2
	// Forever is no expiry, said out loud.
	Forever time.Duration = math.MaxInt64
)

// defaultTTL is the default of the default: five minutes, as APP_CACHE_DEFAULT_TTL has it.
const defaultTTL = 5 * time.Minute

// defaultTimeout is that of an operation, as APP_CACHE_TIMEOUT has it.
const defaultTimeout = 250 * time.Millisecond

// lifetime puts the configured default in the place of DefaultTTL.
func (c *Cache) lifetime(d time.Duration) time.Duration {
	if d == DefaultTTL {
		return c.ttl
	}
	return d
}

// lifetimeOfNew is lifetime for an entry that is made only where there is none, which has no lifetime to keep.
func (c *Cache) lifetimeOfNew(d time.Duration) time.Duration {
	if d == KeepTTL {
		return c.ttl
	}
	return c.lifetime(d)
}
