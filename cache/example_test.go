package cache_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func Example() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, &cache.Options{TTL: time.Minute})
	if err != nil {
		panic(err)
	}
	defer c.Close()

	ctx := context.Background()
	_ = c.Set(ctx, "greeting", []byte("hello"), cache.DefaultTTL)
	value, found, err := c.Get(ctx, "greeting")
	fmt.Println(string(value), found, err)

	_ = c.Set(ctx, "greeting", []byte("gone"), 0) // a lifetime of zero has expired
	_, found, err = c.Get(ctx, "greeting")
	fmt.Println(found, err)
	// Output:
	// hello true <nil>
	// false <nil>
}

// A handler takes the cache from its request. Without one in the context it gets nil, which misses.
func ExampleFromContext() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := cache.FromContext(r.Context())
		if page, found, _ := c.Get(r.Context(), "page"); found {
			fmt.Fprintf(w, "cached: %s", page)
			return
		}
		_ = c.Set(r.Context(), "page", []byte("hello"), time.Minute)
		fmt.Fprint(w, "made: hello")
	})

	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := cache.NewContext(context.Background(), c)
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		fmt.Println(w.Body)
	}
	// Output:
	// made: hello
	// cached: hello
}

func ExampleCache_Namespace() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	sessions := c.Namespace("sessions")
	_ = c.Set(ctx, "abc", []byte("a page"), time.Minute)
	_ = sessions.Set(ctx, "abc", []byte("a session"), time.Minute)

	_ = sessions.Clear(ctx)
	page, _, _ := c.Get(ctx, "abc")
	_, found, _ := sessions.Get(ctx, "abc")
	fmt.Println(string(page), found)
	// Output: a page false
}

// Of all that ask at once, one is told that it stored: a lock, a once, a lease.
func ExampleCache_Add() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for range 2 {
		first, err := c.Add(ctx, "report:2026-11", []byte("being made"), time.Minute)
		fmt.Println(first, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}
