package cachetest_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/memstore"
)

// The seven methods are enough: what a store cannot do is listed, not failed.
func TestAStoreOfSevenMethodsPasses(t *testing.T) {
	cachetest.Run(t, cachetest.Config{New: func(t *testing.T) cache.Store {
		s, err := memstore.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return struct{ cache.Store }{s}
	}})
}
