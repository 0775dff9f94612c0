// Package cache gives every handler a cache that means the same on every backend.
//
// [Cache] is the concrete type that a program holds; [Store] is the small interface that a backend implements.
// They relate as sql.DB and driver.Conn do: a user never asserts the type of a store, for [New] finds out once what
// the store can do. The package imports the standard library only.
//
// # What holds on every backend
//
// The kit in package cachetest checks these sentences, of any backend.
//
//   - Miss: found == false with a nil error. An expired entry is absent for every operation: Get, Exists, TTL, Add, Increment, Keys.
//   - Empty value: present, and not nil. A nil value is stored as empty.
//   - Ownership: Set keeps no reference to the caller's slice, and the slice that Get returns belongs to the caller. GetAppend returns
//     dst unchanged on a miss and on an error.
//   - Lifetime: d > 0 is that long, rounded up to the next millisecond where the backend counts in them.
//     [DefaultTTL], [KeepTTL] and [Forever] say what they do; any other d <= 0 has expired already: nothing is
//     stored and an entry that is there is deleted. Zero never means forever. In [Options] zero means the default.
//   - Overwriting replaces the value and the lifetime; the timer of an old value never ends a new one.
//   - Renewing: GetAndRenew renews only an entry that has a lifetime, also in its last millisecond; a permanent entry stays permanent. It takes
//     1 ms to 400 days. Touch sets the lifetime of any entry.
//   - Atomics, which are Add, Increment, CompareAndSwap, CompareAndDelete and Take, are one step, whoever else is at work on the backend. With d <= 0 they answer as usual and
//     nothing is stored: CompareAndSwap deletes, Increment changes a number that is there.
//   - Numbers are canonical decimal text of an int64: anything else is [ErrNotInteger], a sum past int64 [ErrOverflow], and neither changes
//     anything. The lifetime is set when a number is made and kept afterwards.
//   - Keys: any string of 1 byte to [MaxKeyLen] bytes, byte for byte. Anything else is [ErrInvalidKey], before any I/O.
//     The order of the checks is key, context, closed.
//   - Values: up to [MaxValueLen] bytes, or what the store can hold. Above it the error is [ErrTooLarge] and what was there stays.
//   - Batches are as many single operations, in fewer round trips; they are not atomic.
//   - Clear removes what was there when it was called, and only what belongs to this cache or namespace.
//   - Close: only the handle that New returned closes its store. Afterwards every operation gives [ErrClosed].
//   - Contexts: one that is done gives its error before any I/O; a deadline is honoured in flight; a cancellation in flight is noticed at the latest
//     when the store's own timeout ends, which bounds every operation, and of Clear, Keys, DeleteExpired and batches each step.
//   - A backend that is down gives an error that matches [ErrUnavailable] or [context.DeadlineExceeded] and names the
//     operation and the key once; never a value, never a hang. A write that returned an error may still take effect later. Reads are tried once
//     more, writes never.
//   - A Set, Delete or Clear that failed is remembered, as are those of batches: its keys are misses in this process until they have been deleted, so that an old value
//     does not come back with the backend.
//   - Concurrency: all methods may be called by many goroutines, and are linearizable per key against one live server.
//
// # What not every store can do
//
// Seven methods make a [Store]; the rest are capabilities, an interface each: [Batcher], [Adder], [Incrementer], [Swapper], [Renewer], [Toucher],
// [Sweeper], [Appender], [Statter], [Scanner] and [Limiter]. The stores of this module have all of them. Where another's lacks one, a cache makes what
// it safely can of what is there: batches and GetAppend always, Increment of Add and CompareAndSwap, Touch of CompareAndSwap. The rest gives
// [errors.ErrUnsupported], which [Options].Require turns into an error of [New].
//
// # The nil cache
//
// A nil *Cache is valid and caches nothing: every Get misses, every Set does nothing, Add says stored, Increment counts from nothing each time,
// Take allows. A handler that was written for a cache therefore runs without one, and [FromContext] never has to fail.
//
// # Loading
//
// [GetOrLoad] is what handlers do all day: it returns the value under a key or loads it, once whatever the number of callers, and stores it as a [Policy] says. [GetOrLoadMany] does so for
// several keys, and [For] makes a namespace with a type.
//
// What it stores is in a small frame under the same key, which all methods see through: they take and return the value's own bytes; TTL is the fresh time that is left; a value past its
// TTL that StaleFor or StaleIfError still keeps, the mark of a lease and that of a value that was not found are absent to them. So Exists, TTL, Touch, a Set with
// [KeepTTL] and an Add or a comparison that fails read the entry too.
//
// A load that has begun before a Set, Delete, Clear or [Cache.InvalidateTags] of its key stores nothing after it: in this process always, and in others where the load is
// Exclusive. The ends of fresh times are in the frame by the wall clock where a value may be used past them: processes that share a store should agree about the time.
//
// # Namespaces and keys
//
// [Cache.Namespace] gives a handle on the same store whose keys nobody else can name. The store sees "@name:" for every
// level and then the key; a key that begins with "@" gets one more, so that no choice of key crosses over:
//
//	c.Set(ctx, "user:1", …)                        user:1
//	c.Set(ctx, "@odd", …)                          @@odd
//	c.Namespace("sessions").Set(ctx, "abc", …)     @sessions:abc
//
// Clearing a cache clears its namespaces. What must survive that, or must not compete for the same room, is a cache of its own: a [Registry] holds
// caches by name.
package cache
