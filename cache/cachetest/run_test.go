package cachetest_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/wait"
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

func TestTheExampleBackendPasses(t *testing.T) {
	cachetest.Run(t, cachetest.Config{
		New: func(*testing.T) cache.Store { return NewShelf() },
		Advance: func(d time.Duration) {
			begun := time.Now()
			wait.Until(t, func() bool { return time.Since(begun) >= d })
		},
	})
}
