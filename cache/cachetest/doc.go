// Package cachetest proves that a backend keeps the contract of [cache.Store] and of the capabilities that it implements.
//
// One call from a test of the backend runs the cases:
//
//	func TestStore(t *testing.T) {
//		cachetest.Run(t, cachetest.Config{
//			New:     func(t *testing.T) cache.Store { return shelf.New() },
//			Advance: time.Sleep,
//		})
//	}
//
// A case that fails prints the sentence of the contract that was broken. A case that needs a hook which the [Config] leaves out, or
// a capability that the store lacks, is listed as not run at the end, which go test shows with -v: without Advance nothing that expires is tested. A store
// that other processes can open has Reopen, one that can be told to fail Break, one that shares its backend with others Plant:
//
//	Reopen: func(t *testing.T) cache.Store { return open(t, lastDirectory) },
//	Break:  func() func() { server.Freeze(); return server.Thaw },
//	Plant:  func(key string, value []byte) error { return client.SetNX(key, value) },
//
// It takes some seconds, more on a store whose operations take milliseconds. [Check] does the same outside of a test, in a command that asks a
// server whether it will do, say, and waits for time to pass. The package imports the standard library and the cache only.
//
// # How to write a backend
//
// Begin with the seven methods of [cache.Store]; the example of this package is a whole backend. A store sees keys as they are to be
// kept, 1 to about 1,700 bytes of anything, and of lifetimes only what is more than zero, [cache.Forever] and [cache.KeepTTL]: the rest
// is done by [cache.Cache] for every store alike. What is easily forgotten:
//
//   - the order of the checks: a context that is done first, then a store that is closed;
//   - copies: of the value in Set, of the value in Get; an empty value is not nil;
//   - lifetimes: exact to the millisecond or better, from a nanosecond to 292 years; whole seconds are not enough;
//   - an expired entry is absent everywhere, and the timer of an old value must not end a new one;
//   - Clear by prefix, byte for byte, of nothing but the store's own;
//   - a server that does not answer: an error that matches [cache.ErrUnavailable] within a timeout of the store's own, and a value that
//     could not be overwritten or deleted must not come back with the server.
//
// Then run the kit, with the hooks that the backend can serve, and add capabilities one at a time: each is an interface of one to three
// methods, found by [cache.New]. [cache.Sum], [cache.Meter] and [cache.Decide] are the arithmetic of Increment and Take. A service takes the
// backend with one line, app.Builder.Backend.
package cachetest
