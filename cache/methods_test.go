package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// operation is one method of Cache and what must be true of it as of all others.
type operation struct {
	method  string
	do      func(ctx context.Context, c *cache.Cache, key string) (answer string, err error)
	keyless bool // there is no key that could be invalid

	sees    string // what the store is asked that says yes; KEY is its key, NS the namespace's prefix
	nothing string // the answer beside an error
	onNil   string // the answer of a nil cache
	named   string // what the error names; QUOTED is the caller's key
	event   string // Op of the event, "" where there is none
	yes, no string // Result of the event where the store says yes and no
}

func operations() []operation {
	const hour = time.Hour
	limits := []cache.Limit{{Requests: 9, Period: time.Second}}
	return []operation{{
		method: "Get", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			value, found, err := c.Get(ctx, key)
			return show(value, found), err
		},
		sees: "get KEY", nothing: "nil false", onNil: "nil false",
		named: "get QUOTED", event: "get", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "GetAppend", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			value, found, err := c.GetAppend(ctx, []byte("dst"), key)
			return show(value, found), err
		},
		sees: "append KEY", nothing: `"dst" false`, onNil: `"dst" false`,
		named: "get QUOTED", event: "get", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "Set", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			return "", c.Set(ctx, key, nil, hour)
		},
		sees:  "set KEY 1h0m0s",
		named: "set QUOTED", event: "set", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "Delete", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) { return "", c.Delete(ctx, key) },
		sees:  "delete KEY",
		named: "delete QUOTED", event: "delete", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "Exists", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			found, err := c.Exists(ctx, key)
			return fmt.Sprint(found), err
		},
		sees: "get KEY", nothing: "false", onNil: "false",
		named: "exists QUOTED", event: "exists", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "Add", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			stored, err := c.Add(ctx, key, nil, hour)
			return fmt.Sprint(stored), err
		},
		sees: "add KEY 1h0m0s", nothing: "false", onNil: "true",
		named: "add QUOTED", event: "add", yes: cache.ResultOK, no: cache.ResultMiss,
	}, {
		method: "Increment", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			n, err := c.Increment(ctx, key, 3, hour)
			return fmt.Sprint(n), err
		},
		sees: "increment KEY 1h0m0s", nothing: "0", onNil: "3",
		named: "increment QUOTED", event: "increment", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "CompareAndSwap", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			swapped, err := c.CompareAndSwap(ctx, key, nil, nil, hour)
			return fmt.Sprint(swapped), err
		},
		sees: "swap KEY 1h0m0s", nothing: "false", onNil: "false",
		named: "swap QUOTED", event: "swap", yes: cache.ResultOK, no: cache.ResultMiss,
	}, {
		method: "CompareAndDelete", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			deleted, err := c.CompareAndDelete(ctx, key, nil)
			return fmt.Sprint(deleted), err
		},
		sees: "compare and delete KEY", nothing: "false", onNil: "false",
		named: "compare and delete QUOTED", event: "compare and delete", yes: cache.ResultOK, no: cache.ResultMiss,
	}, {
		method: "GetAndRenew", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			value, found, err := c.GetAndRenew(ctx, key, hour)
			return show(value, found), err
		},
		sees: "renew KEY 1h0m0s", nothing: "nil false", onNil: "nil false",
		named: "renew QUOTED", event: "renew", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "Touch", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			found, err := c.Touch(ctx, key, hour)
			return fmt.Sprint(found), err
		},
		sees: "get KEY; touch KEY 1h0m0s", nothing: "false", onNil: "false",
		named: "touch QUOTED", event: "touch", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "TTL", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			ttl, found, err := c.TTL(ctx, key)
			return fmt.Sprint(ttl, found), err
		},
		sees: "get KEY; ttl KEY", nothing: "0s false", onNil: "0s false",
		named: "ttl QUOTED", event: "ttl", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "GetMany", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			items, err := c.GetMany(ctx, []string{key, "z"})
			return fmt.Sprint(items == nil, len(items)), err
		},
		sees: "get many KEY NSz", nothing: "true 0", onNil: "false 0",
		named: "get many of 2 keys", event: "get many", yes: cache.ResultHit, no: cache.ResultMiss,
	}, {
		method: "SetMany", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			return "", c.SetMany(ctx, map[string][]byte{key: []byte("v"), "z": []byte("w")}, hour)
		},
		sees:  "set many KEY=v NSz=w 1h0m0s",
		named: "set many of 2 keys", event: "set many", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "DeleteMany", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			return "", c.DeleteMany(ctx, []string{key, "z"})
		},
		sees:  "delete many KEY NSz",
		named: "delete many of 2 keys", event: "delete many", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "Clear", do: func(ctx context.Context, c *cache.Cache, _ string) (string, error) { return "", c.Clear(ctx) },
		keyless: true,
		sees:    "clear NS",
		named:   "clear", event: "clear", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "InvalidateTags", do: func(ctx context.Context, c *cache.Cache, _ string) (string, error) {
			return "", c.InvalidateTags(ctx, "tag", "other")
		},
		keyless: true,
		sees:    "delete many NS@:other NS@:tag",
		named:   `invalidate tags "tag,other"`, event: "invalidate tags", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "Keys", do: func(ctx context.Context, c *cache.Cache, prefix string) (string, error) {
			var all []string
			var last error
			for key, err := range c.Keys(ctx, prefix) {
				all, last = append(all, key), err
			}
			return fmt.Sprintf("%q", all), last
		},
		sees: "keys KEY", nothing: `[""]`, onNil: "[]",
		named: "keys QUOTED", event: "keys", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "DeleteExpired", do: func(ctx context.Context, c *cache.Cache, _ string) (string, error) {
			n, err := c.DeleteExpired(ctx)
			return fmt.Sprint(n), err
		},
		keyless: true,
		sees:    "delete expired", nothing: "0", onNil: "0",
		named: "delete expired", event: "delete expired", yes: cache.ResultOK, no: cache.ResultOK,
	}, {
		method: "Stats", do: func(ctx context.Context, c *cache.Cache, _ string) (string, error) {
			s, err := c.Stats(ctx)
			return fmt.Sprint(s), err
		},
		keyless: true,
		sees:    "stats", nothing: "{0 0 0 0}", onNil: "{0 0 0 0}",
		named: "stats",
	}, {
		method: "Take", do: func(ctx context.Context, c *cache.Cache, key string) (string, error) {
			d, err := c.Take(ctx, key, limits, 2)
			return fmt.Sprint(d.Allowed, d.Remaining), err
		},
		sees: "take KEY", nothing: "false 0", onNil: "true 7",
		named: "take QUOTED", event: "take", yes: cache.ResultOK, no: cache.ResultMiss,
	}, {
		method: "Ping", do: func(ctx context.Context, c *cache.Cache, _ string) (string, error) { return "", c.Ping(ctx) },
		keyless: true,
		sees:    "ping",
		named:   "ping", event: "ping", yes: cache.ResultOK, no: cache.ResultOK,
	}}
}

// show tells nil and empty apart.
func show(value []byte, found bool) string {
	if value == nil {
		return fmt.Sprintf("nil %t", found)
	}
	return fmt.Sprintf("%q %t", value, found)
}

func forEveryOperation(t *testing.T, test func(t *testing.T, op operation)) {
	for _, op := range operations() {
		t.Run(op.method, func(t *testing.T) { test(t, op) })
	}
}
