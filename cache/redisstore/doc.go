// Package redisstore is the cache in Redis or Valkey: shared by every process that uses the same server and prefix. A [Store] has every capability
// that package cache knows of. The commands used are those of Redis 6.2.
//
// # Servers
//
// One server, the master that sentinels know, or the masters of a cluster: [Open] takes each by its URL, [New] by a client of the caller's. Everything below holds for all
// of them. On a cluster a batch is one round trip to each master, Clear and Keys go over all masters, and follow keys that are being moved from one to another; a Clear during which
// slots move may remove twice what is stored anew meanwhile. Whoever reads is sent to masters only.
//
// Replication is asynchronous: a failover may lose writes that were acknowledged, and brings back what they had replaced. It invents nothing, and operations succeed again by themselves once there is a
// new master.
//
// What a user of the server needs: GET, MGET, SET, EXISTS, PTTL, PEXPIRE, PERSIST, INCRBY, UNLINK, TIME, EVAL, EVALSHA, SCAN and PING; for a cluster CLUSTER SLOTS and CLUSTER NODES; and for
// [Store.Track] CLIENT TRACKING.
//
// # Keys
//
// What redis-cli shows is the prefix, "@name:" for every level of namespace, and the key:
//
//	cache:user:1                 the key "user:1"
//	cache:@sessions:abc          the key "abc" in the namespace "sessions"
//	cache:@@odd                  the key "@odd"
//	cache.sessions:abc           the key "abc" of the store that Named("sessions") returns
//
// Every entry is a plain string with an expiry of its own (PX, in milliseconds, rounded up); one stored with
// [cache.Forever] has none. What it holds:
//
//	the value, byte for byte                       of Set, Add, CompareAndSwap and SetMany
//	-7                                             of Increment: decimal text, which INCRBY takes
//	gcra1 hourly:1795338241350123:0:100            of Take: for every limit its name, escaped as url.QueryEscape does, the time at which
//	                                               it is whole again, in microseconds of the server's clock since 1970 and a rest in
//	                                               1/requests of one, and its requests; it expires with the last of them
//
// To look at them:
//
//	redis-cli -n 1 --scan --pattern 'cache:*'      the keys; the glob characters * ? [ ] \ of a key need a \ before them
//	redis-cli -n 1 GET cache:user:1                the value; --no-raw shows what a terminal cannot
//	redis-cli -n 1 PTTL cache:user:1               milliseconds left; -1: permanent, -2: absent
//	redis-cli -n 1 UNLINK cache:user:1             what Delete does
//
// # Atomic operations
//
// Add and Touch are one command; Increment, CompareAndSwap, CompareAndDelete, GetAndRenew, Take and Touch with [cache.Forever] are one script of
// one key each, and one round trip once the server knows it. Take goes by the
// server's clock, so the clocks of those who use it do not matter.
//
// # Batches
//
// GetMany and DeleteMany are one round trip for every 1,000 keys, SetMany one for every 1,000 keys or 1 MiB of values, whichever is less; a larger
// value goes alone. No other operation need see all of a batch or nothing of it.
//
// # Many callers
//
// Up to eight commands at a time go each on its own connection. What comes beyond that goes together with what else is wanted at the moment, as one pipeline, which multiplies what
// many callers get done. Each keeps its own deadline and its own error, and no command is sent twice; but those of a pipeline share its connection, and where that breaks, all
// that have no answer yet fail. Values above 16 KiB are sent alone.
//
// # Time
//
// Every operation ends within Options.Timeout, whatever the context says, and within the context's deadline. Of Clear, Keys and the batches that
// holds for each round trip. A cancellation in flight is noticed at the latest when the timeout ends. Where an operation is held up twice or more,
// waiting for a connection and then making one, the timeout may end a sixteenth later.
//
// # Failures
//
// A server that cannot be reached, does not answer in time or refuses to serve gives an error that matches
// [cache.ErrUnavailable], or [context.DeadlineExceeded] where it was the caller's deadline. What looks like "down" but is a
// mistake also matches one of [ErrAuth], [ErrPermission], [ErrDatabase], [ErrReadOnly], [ErrMemory], [ErrTLS] and [ErrGreeting].
// A read is tried once more if its connection turned out to be dead; a write never is, on the caller's own client neither, and may still take
// effect after its error. After an Add that failed, Get tells whose value it is; after an Increment or a Take nothing can.
//
// A server that does not answer has a breaker before it. Once an operation could not reach it, it is pinged in the background; where nobody has had an answer for 200 ms every operation fails at once, with an error
// that says so, until a ping is answered; they are sent every 100 ms. Misses, cancellations and what the server says are no failures. Ping goes through always. In a cluster every master has
// a breaker of its own. [Store.BreakerStats] tells.
//
// A Set, Delete or Clear that failed is remembered, and every key of a SetMany or DeleteMany that was not confirmed. Before this process uses such a
// key again the key is deleted, so that an old value does not come back with the server; where it was a Clear, what is below its prefix counts as a
// miss until the Clear has been repeated in the background, and Add, Increment and Take give an error until then. Keys yields neither.
// 10,000 keys are remembered, beyond that their namespaces, and for keys without one that is the whole store. A call whose context was done before
// it began has done nothing and is not remembered: invalidate with [context.WithoutCancel].
//
// Add, Increment, CompareAndSwap, CompareAndDelete, GetAndRenew, Touch and Take are not remembered when they fail: whatever they left is a value that
// somebody meant to be there.
//
// Other processes, and this one after a restart, know nothing of it, and a proxy that holds a command back may deliver it
// late: the lifetime of the entry is the bound for both.
//
// A key of another type below the prefix is nobody's that uses this package: to GetMany it is a miss, to Increment no number, and other operations say
// what it is.
//
// A server that takes no value of 64 MiB (proto-max-bulk-len, 512 MiB by default) closes the connection on one that is too
// large for it, which looks like any other failed Set.
package redisstore
