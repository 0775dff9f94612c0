package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

type user struct {
	ID   string
	Name string
}

// newMemory is what an application has made at its start.
func newMemory() *cache.Cache {
	store, err := memstore.New(nil)
	if err != nil {
		panic(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		panic(err)
	}
	return c
}

// What a handler does all day: the second reader of the page does not ask the database.
func ExampleGetOrLoad() {
	c, ctx := newMemory(), context.Background() // in a handler: cache.From(c) and its request's context
	defer c.Close()
	page := func() (user, error) {
		return cache.GetOrLoad(ctx, c, "user:7", cache.Policy{TTL: time.Minute}, func(context.Context) (user, error) {
			fmt.Println("asking the database")
			return user{"7", "Ada"}, nil
		})
	}
	for range 2 {
		u, err := page()
		fmt.Println(u.Name, err)
	}
	// Output:
	// asking the database
	// Ada <nil>
	// Ada <nil>
}

// After its TTL a value is served for StaleFor, while one load refreshes it in the background; nobody waits.
func ExampleGetOrLoad_staleWhileRevalidate() {
	c, ctx := newMemory(), context.Background()
	defer c.Close()
	refreshed := make(chan struct{})
	prices := 0
	price := func() (int, error) {
		p := cache.Policy{TTL: 1, StaleFor: time.Hour} // a nanosecond, for the example's sake
		return cache.GetOrLoad(ctx, c, "price", p, func(context.Context) (int, error) {
			if prices++; prices == 2 {
				defer close(refreshed)
			}
			return 100 * prices, nil
		})
	}
	first, _ := price()
	second, _ := price()
	fmt.Println(first, second)
	<-refreshed
	// Output: 100 100
}

// What the source has not is remembered too, so that asking for it again and again costs the source nothing.
func ExampleGetOrLoad_negative() {
	c, ctx := newMemory(), context.Background()
	defer c.Close()
	for range 2 {
		_, err := cache.GetOrLoad(ctx, c, "user:8", cache.Policy{NegativeTTL: time.Minute}, func(context.Context) (user, error) {
			fmt.Println("asking the database")
			return user{}, cache.ErrNotFound
		})
		fmt.Println(err)
	}
	// Output:
	// asking the database
	// not found
	// cache: get or load "user:8": not found
}

// Of all processes that share a store one makes the report, and the others wait for it; if it dies, for ten seconds at most.
func ExampleGetOrLoad_exclusive() {
	c, ctx := newMemory(), context.Background() // over Redis, to be shared
	defer c.Close()
	p := cache.Policy{TTL: time.Hour, Exclusive: 10 * time.Second}
	report, err := cache.GetOrLoad(ctx, c, "report", p, func(context.Context) (string, error) {
		// While it is being made the key is leased. Whoever deletes it now, in any process, keeps this report from being stored.
		if err := c.Delete(ctx, "report"); err != nil {
			return "", err
		}
		return "of what was true a moment ago", nil
	})
	fmt.Println(report, err)
	_, found, err := c.Get(ctx, "report")
	fmt.Println(found, err)
	// Output:
	// of what was true a moment ago <nil>
	// false <nil>
}

// A tag names entries that go together.
func ExampleCache_InvalidateTags() {
	c, ctx := newMemory(), context.Background()
	defer c.Close()
	load := func(key string) {
		_, _ = cache.GetOrLoad(ctx, c, key, cache.Policy{Tags: []string{"user:7"}}, func(context.Context) (string, error) {
			fmt.Println("loading", key)
			return "value", nil
		})
	}
	load("profile:7")
	load("orders:7")
	load("orders:7")
	if err := c.InvalidateTags(ctx, "user:7"); err != nil {
		fmt.Println(err)
	}
	load("orders:7")
	// Output:
	// loading profile:7
	// loading orders:7
	// loading orders:7
}

// Of several keys only those that are missing are loaded, in one call.
func ExampleGetOrLoadMany() {
	c, ctx := newMemory(), context.Background()
	defer c.Close()
	load := func(_ context.Context, missing []string) (map[string]user, error) {
		fmt.Println("SELECT … WHERE id IN", missing)
		users := make(map[string]user)
		for _, id := range missing {
			users[id] = user{id, "user " + id}
		}
		return users, nil
	}
	for _, ids := range [][]string{{"1", "2"}, {"2", "3"}} {
		users, err := cache.GetOrLoadMany(ctx, c, ids, cache.Policy{}, load)
		fmt.Println(len(users), err)
	}
	// Output:
	// SELECT … WHERE id IN [1 2]
	// 2 <nil>
	// SELECT … WHERE id IN [3]
	// 2 <nil>
}

// A namespace with a type and a policy is made once, where mistakes of the policy are seen.
func ExampleFor() {
	c, ctx := newMemory(), context.Background()
	defer c.Close()
	users, err := cache.For[user](c, "users", cache.Policy{TTL: time.Hour, StaleIfError: 24 * time.Hour}, cache.WithSchema(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := users.GetOrLoad(ctx, "7", func(context.Context) (user, error) { return user{"7", "Ada"}, nil })
	fmt.Println(u.Name, err)
	_, err = cache.For[user](c, "users", cache.Policy{TTL: cache.Forever, StaleFor: time.Minute})
	fmt.Println(err)
	// Output:
	// Ada <nil>
	// cache: for "users": invalid lifetime: Policy.StaleFor and StaleIfError make no sense for what is fresh Forever
}
