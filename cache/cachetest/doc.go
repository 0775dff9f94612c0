// Package cachetest proves that a backend keeps the contract of [cache.Store].
//
// One call from a test of the backend runs every case:
//
//	func TestStore(t *testing.T) {
//		cachetest.Run(t, cachetest.Config{
//			New: func(t *testing.T) cache.Store { return mystore.New() },
//		})
//	}
//
// A case that fails prints the sentence of the contract that was broken. A case that needs a hook which the [Config] leaves out, or
// a capability that the store lacks, is listed as not run at the end. The package imports the standard library and the cache only.
package cachetest
