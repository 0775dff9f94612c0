// Package cache gives every handler a cache that means the same on every backend.
//
// [Cache] is the concrete type that a program holds; [Store] is the small interface that a backend implements.
// They relate as sql.DB and driver.Conn do: a user never asserts the type of a store, for [New] finds out once what
// the store can do. The package imports the standard library only.
//
// # What holds on every backend
//
//   - A miss is found == false with a nil error. An expired entry is absent for every operation.
//   - An empty value is present and not nil. A nil value is stored as empty.
//   - Set keeps no reference to the caller's slice, and the slice that Get returns belongs to the caller.
//   - A lifetime d > 0 is that long, rounded up to the next millisecond where the backend counts in them.
//     [DefaultTTL], [KeepTTL] and [Forever] say what they do; any other d <= 0 has expired already: nothing is
//     stored and an entry that is there is deleted. Zero never means forever.
//   - Overwriting replaces the value and the lifetime; the timer of an old value never ends a new one.
//   - A key is any string of 1 byte to [MaxKeyLen] bytes, byte for byte. Anything else is [ErrInvalidKey], before any I/O.
//     The order of the checks is key, context, closed.
//   - A value has up to [MaxValueLen] bytes, or what the store can hold. Above it the error is [ErrTooLarge] and what
//     was there stays.
//   - Clear removes what was there when it was called, and only what belongs to this cache or namespace.
//   - A context that is done gives its error before any I/O; a deadline is honoured in flight.
//   - A backend that is down gives an error that matches [ErrUnavailable] or [context.DeadlineExceeded] and names the
//     operation and the key; never a value, never a hang. A write that returned an error may still take effect later.
//   - After Close every operation gives [ErrClosed].
//
// # The nil cache
//
// A nil *Cache is valid and caches nothing: every Get misses, every Set does nothing, Add says stored. A handler
// that was written for a cache therefore runs without one, and [FromContext] never has to fail.
//
// # Namespaces and keys
//
// [Cache.Namespace] gives a handle on the same store whose keys nobody else can name. The store sees "@name:" for every
// level and then the key; a key that begins with "@" gets one more, so that no choice of key crosses over:
//
//	c.Set(ctx, "user:1", …)                        user:1
//	c.Set(ctx, "@odd", …)                          @@odd
//	c.Namespace("sessions").Set(ctx, "abc", …)     @sessions:abc
package cache
