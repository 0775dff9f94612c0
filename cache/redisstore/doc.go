// Package redisstore is the cache in Redis or Valkey: shared by every process that uses the same server and prefix.
//
// # Keys
//
// What redis-cli shows is the prefix, "@name:" for every level of namespace, and the key:
//
//	cache:user:1                 the key "user:1"
//	cache:@sessions:abc          the key "abc" in the namespace "sessions"
//	cache:@@odd                  the key "@odd"
//
// Every entry is a plain string with an expiry of its own (PX, in milliseconds, rounded up); one stored with
// [cache.Forever] has none. The commands used are those of Redis 6.2.
//
// # Time
//
// Every operation ends within Options.Timeout, whatever the context says, and within the context's deadline. Of Clear that
// holds for each batch. A cancellation in flight is noticed at the latest when the timeout ends.
//
// # Failures
//
// A server that cannot be reached, does not answer in time or refuses to serve gives an error that matches
// [cache.ErrUnavailable], or [context.DeadlineExceeded] where it was the caller's deadline. What looks like "down" but is a
// mistake also matches one of [ErrAuth], [ErrPermission], [ErrDatabase], [ErrReadOnly], [ErrMemory], [ErrTLS] and [ErrGreeting].
// A read is tried once more if its connection turned out to be dead; a write never is, and may still take effect
// after its error.
//
// A Set, Delete or Clear that failed is remembered. Before this process uses such a key again the key is deleted, so
// that an old value does not come back with the server; where it was a Clear, what is below its prefix counts as a miss
// until the Clear has been repeated in the background, and Add gives an error until then. 10,000 keys are remembered, beyond
// that their namespaces, and for keys without one that is the whole store. A call whose context was done before it began has
// done nothing and is not remembered: invalidate with [context.WithoutCancel].
//
// Other processes, and this one after a restart, know nothing of it, and a proxy that holds a command back may deliver it
// late: the lifetime of the entry is the bound for both.
//
// A server that takes no value of 64 MiB (proto-max-bulk-len, 512 MiB by default) closes the connection on one that is too
// large for it, which looks like any other failed Set.
package redisstore
