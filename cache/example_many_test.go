package cache_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// What is missing in the map is not there.
func ExampleCache_GetMany() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	err = c.SetMany(ctx, map[string][]byte{"item:1": []byte("bread"), "item:2": []byte("salt")}, time.Minute)
	if err != nil {
		panic(err)
	}

	keys := []string{"item:1", "item:2", "item:3"}
	items, err := c.GetMany(ctx, keys)
	if err != nil {
		panic(err)
	}
	for _, key := range keys {
		value, found := items[key]
		fmt.Printf("%s %q %t\n", key, value, found)
	}
	// Output:
	// item:1 "bread" true
	// item:2 "salt" true
	// item:3 "" false
}

// A namespace lists its own keys. Those of namespaces in it are not among them.
func ExampleCache_Keys() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for _, key := range []string{"user:1", "user:2", "page:1"} {
		_ = c.Set(ctx, key, nil, time.Minute)
	}
	_ = c.Namespace("sessions").Set(ctx, "user:3", nil, time.Minute)

	var users []string
	for key, err := range c.Keys(ctx, "user:") {
		if err != nil {
			panic(err)
		}
		users = append(users, key)
	}
	slices.Sort(users)
	fmt.Println(users)
	// Output: [user:1 user:2]
}

// Each name is a store of its own here, so that pages cannot evict sessions, and clearing them logs nobody out.
func ExampleRegistry() {
	caches := cache.NewRegistry(func(string) (*cache.Cache, error) {
		store, err := memstore.New(nil)
		if err != nil {
			return nil, err
		}
		return cache.New(store, nil)
	})
	defer caches.Close()

	sessions, err := caches.Get("sessions")
	if err != nil {
		panic(err)
	}
	pages, err := caches.Get("pages")
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_ = sessions.Set(ctx, "abc", []byte("ada"), time.Hour)
	_ = pages.Clear(ctx)

	again, err := caches.Get("sessions")
	if err != nil {
		panic(err)
	}
	value, found, err := again.Get(ctx, "abc")
	fmt.Println(string(value), found, err)
	// Output: ada true <nil>
}
