package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

// methods are those of a store and of all capabilities. A cache has the same.
type methods interface {
	cache.Store
	cache.Batcher
	cache.Adder
	cache.Incrementer
	cache.Swapper
	cache.Renewer
	cache.Toucher
	cache.Sweeper
	cache.Appender
	cache.Statter
	cache.Scanner
	cache.Limiter
}

// direct are the methods of a store itself, without a cache that checks before it. Those of a capability that it lacks must not be called.
func direct(s cache.Store) methods {
	d := struct {
		cache.Store
		cache.Batcher
		cache.Adder
		cache.Incrementer
		cache.Swapper
		cache.Renewer
		cache.Toucher
		cache.Sweeper
		cache.Appender
		cache.Statter
		cache.Scanner
		cache.Limiter
	}{Store: s}
	d.Batcher, _ = s.(cache.Batcher)
	d.Adder, _ = s.(cache.Adder)
	d.Incrementer, _ = s.(cache.Incrementer)
	d.Swapper, _ = s.(cache.Swapper)
	d.Renewer, _ = s.(cache.Renewer)
	d.Toucher, _ = s.(cache.Toucher)
	d.Sweeper, _ = s.(cache.Sweeper)
	d.Appender, _ = s.(cache.Appender)
	d.Statter, _ = s.(cache.Statter)
	d.Scanner, _ = s.(cache.Scanner)
	d.Limiter, _ = s.(cache.Limiter)
	return d
}

// through are the methods of a cache.
type through struct{ *cache.Cache }

// Clear clears all of the cache.
func (t through) Clear(ctx context.Context, _ string) error { return t.Cache.Clear(ctx) }

// call is one method, called on "key".
type call struct {
	method string
	op     string // what errors call it
	named  naming // what else they name
	local  bool   // it need not ask the backend
	needs  []need
	do     func(ctx context.Context, on methods) error
}

type naming int

const (
	aKey naming = iota
	aCount
	noKey
)

// alone is an error that says so if there was a result beside err.
func alone(err error, result bool) error {
	if err != nil && result {
		return errors.Join(err, errors.New("and there is a result beside the error"))
	}
	return err
}

// callsOf returns the calls that s serves.
func callsOf(s cache.Store) []call {
	var served []call
	for _, c := range calls() {
		if (testCase{needs: c.needs}).lacks(can(s)) == "" {
			served = append(served, c)
		}
	}
	return served
}

func calls() []call {
	value := []byte("value")
	keys, items := []string{"key"}, map[string][]byte{"key": value}
	return []call{
		{method: "Get", op: "get", do: func(ctx context.Context, on methods) error {
			v, found, err := on.Get(ctx, "key")
			return alone(err, found || v != nil)
		}},
		{method: "Set", op: "set", do: func(ctx context.Context, on methods) error { return on.Set(ctx, "key", value, time.Hour) }},
		{method: "Set for ever", op: "set", do: func(ctx context.Context, on methods) error { return on.Set(ctx, "key", value, cache.Forever) }},
		{method: "Set with KeepTTL", op: "set", do: func(ctx context.Context, on methods) error { return on.Set(ctx, "key", value, cache.KeepTTL) }},
		{method: "Delete", op: "delete", do: func(ctx context.Context, on methods) error { return on.Delete(ctx, "key") }},
		{method: "Exists", op: "exists", do: func(ctx context.Context, on methods) error {
			found, err := on.Exists(ctx, "key")
			return alone(err, found)
		}},
		{method: "Clear", op: "clear", named: noKey, do: func(ctx context.Context, on methods) error { return on.Clear(ctx, "") }},
		{method: "Ping", op: "ping", named: noKey, do: func(ctx context.Context, on methods) error { return on.Ping(ctx) }},
		{method: "Add", op: "add", needs: needs(needAdder), do: func(ctx context.Context, on methods) error {
			stored, err := on.Add(ctx, "key", value, time.Hour)
			return alone(err, stored)
		}},
		{method: "Increment", op: "increment", needs: needs(needIncrementer), do: func(ctx context.Context, on methods) error {
			n, err := on.Increment(ctx, "key", 1, time.Hour)
			return alone(err, n != 0)
		}},
		{method: "CompareAndSwap", op: "swap", needs: needs(needSwapper), do: func(ctx context.Context, on methods) error {
			swapped, err := on.CompareAndSwap(ctx, "key", []byte("old"), value, time.Hour)
			return alone(err, swapped)
		}},
		{method: "CompareAndDelete", op: "compare and delete", needs: needs(needSwapper), do: func(ctx context.Context, on methods) error {
			deleted, err := on.CompareAndDelete(ctx, "key", []byte("old"))
			return alone(err, deleted)
		}},
		{method: "GetAndRenew", op: "renew", needs: needs(needRenewer), do: func(ctx context.Context, on methods) error {
			v, found, err := on.GetAndRenew(ctx, "key", time.Hour)
			return alone(err, found || v != nil)
		}},
		{method: "Touch", op: "touch", needs: needs(needToucher), do: func(ctx context.Context, on methods) error {
			found, err := on.Touch(ctx, "key", time.Hour)
			return alone(err, found)
		}},
		{method: "TTL", op: "ttl", needs: needs(needToucher), do: func(ctx context.Context, on methods) error {
			ttl, found, err := on.TTL(ctx, "key")
			return alone(err, found || ttl != 0)
		}},
		{method: "GetAppend", op: "get", needs: needs(needAppender), do: func(ctx context.Context, on methods) error {
			v, found, err := on.GetAppend(ctx, nil, "key")
			return alone(err, found || len(v) > 0)
		}},
		{method: "GetMany", op: "get many", named: aCount, needs: needs(needBatcher), do: func(ctx context.Context, on methods) error {
			got, err := on.GetMany(ctx, keys)
			return alone(err, got != nil)
		}},
		{method: "SetMany", op: "set many", named: aCount, needs: needs(needBatcher), do: func(ctx context.Context, on methods) error {
			return on.SetMany(ctx, items, time.Hour)
		}},
		{method: "DeleteMany", op: "delete many", named: aCount, needs: needs(needBatcher), do: func(ctx context.Context, on methods) error {
			return on.DeleteMany(ctx, keys)
		}},
		{method: "Take", op: "take", needs: needs(needLimiter), do: func(ctx context.Context, on methods) error {
			d, err := on.Take(ctx, "key", perDay(10), 1)
			return alone(err, d != cache.Decision{})
		}},
		{method: "Keys", op: "keys", named: noKey, needs: needs(needScanner), do: func(ctx context.Context, on methods) error {
			var last error
			for key, err := range on.Keys(ctx, "") {
				last = alone(err, key != "")
			}
			return last
		}},
		{method: "DeleteExpired", op: "delete expired", named: noKey, local: true, needs: needs(needSweeper), do: func(ctx context.Context, on methods) error {
			_, err := on.DeleteExpired(ctx)
			return err
		}},
		{method: "Stats", op: "stats", named: noKey, local: true, needs: needs(needStatter), do: func(ctx context.Context, on methods) error {
			_, err := on.Stats(ctx)
			return err
		}},
	}
}
