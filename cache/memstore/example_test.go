package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// A full store makes room by its earliest expiry.
func ExampleNew() {
	store, err := memstore.New(&memstore.Options{MaxEntries: 2})
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	defer c.Close()

	ctx := context.Background()
	_ = c.Set(ctx, "minute", []byte("1"), time.Minute)
	_ = c.Set(ctx, "hour", []byte("2"), time.Hour)
	_ = c.Set(ctx, "second", []byte("3"), time.Second)
	for _, key := range []string{"minute", "hour", "second"} {
		found, _ := c.Exists(ctx, key)
		fmt.Println(key, found)
	}
	// Output:
	// minute false
	// hour true
	// second true
}
