package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// A counter of each day: whoever counts first makes it, and nobody prolongs it.
func ExampleCache_Increment() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, &cache.Options{Require: cache.CanIncrement})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for range 3 {
		n, err := c.Increment(ctx, "visits:2026-11-22", 1, 48*time.Hour)
		fmt.Println(n, err)
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
}

// What is there is read, changed and swapped in, and read again where another was faster.
func ExampleCache_CompareAndSwap() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_ = c.Set(ctx, "members", []byte("ada"), time.Hour)

	join := func(name string) error {
		for {
			old, found, err := c.Get(ctx, "members")
			if err != nil || !found {
				return err
			}
			joined := bytes.Join([][]byte{old, []byte(name)}, []byte(" "))
			if swapped, err := c.CompareAndSwap(ctx, "members", old, joined, cache.KeepTTL); err != nil || swapped {
				return err
			}
		}
	}
	fmt.Println(join("grace"), join("katherine"))
	members, _, _ := c.Get(ctx, "members")
	fmt.Println(string(members))
	// Output:
	// <nil> <nil>
	// ada grace katherine
}

// A lock is let go only by its owner: its value is like no other's.
func ExampleCache_CompareAndDelete() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, _ = c.Add(ctx, "lock", []byte("owner 1"), time.Minute)
	for _, owner := range []string{"owner 2", "owner 1"} {
		freed, err := c.CompareAndDelete(ctx, "lock", []byte(owner))
		fmt.Println(owner, freed, err)
	}
	// Output:
	// owner 2 false <nil>
	// owner 1 true <nil>
}

// Two limits on one key: both have room, or nothing is taken.
func ExampleCache_Take() {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, &cache.Options{Require: cache.CanLimit})
	if err != nil {
		panic(err)
	}
	limits := []cache.Limit{
		{Name: "burst", Requests: 2, Period: time.Hour},
		{Name: "daily", Requests: 100, Period: 24 * time.Hour},
	}
	for range 3 {
		d, err := c.Take(context.Background(), "login:ada", limits, 1)
		if err != nil {
			panic(err)
		}
		if !d.Allowed {
			fmt.Printf("too many for %q; again in %v\n", limits[d.Limit].Name, d.RetryAfter.Round(time.Minute))
			return
		}
		fmt.Printf("%d left for %q\n", d.Remaining, limits[d.Limit].Name)
	}
	// Output:
	// 1 left for "burst"
	// 0 left for "burst"
	// too many for "burst"; again in 30m0s
}
