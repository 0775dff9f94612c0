package memstore_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/internal/lineartest"
)

func TestStoreIsLinearizable(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config lineartest.Config
	}{
		{"on several keys", lineartest.Config{}},
		// Long histories, or one client is done before the next has begun.
		{"where all want the same key", lineartest.Config{Keys: 1, Histories: 100, Operations: 400}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := cache.New(s, &cache.Options{Require: cache.CanAdd | cache.CanIncrement | cache.CanSwap | cache.CanRenew | cache.CanTouch})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			tc.config.Processes = []*cache.Cache{c}
			lineartest.Check(t, tc.config)
		})
	}
}
