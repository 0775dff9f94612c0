package redisstore_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// method is one of the contract's, called on what furnish puts in place.
type method struct {
	name string
	op   string // as errors name it
	on   string // what errors name after it: the key quoted, how many keys, or nothing
	// run tells what is claimed: found, stored, swapped, deleted, or that there was a value. It is an error of errWrong's where that is not what is there.
	run     func(ctx context.Context, c *cache.Cache) (claims bool, err error)
	command string // the write that the server executes for it, "" of what only reads
	times   int    // how often at most
	silent  bool   // it claims nothing even where it works
}

// errWrong is of an answer without an error that is not the right one.
var errWrong = errors.New("the answer is wrong")

// right is an answer that must be so where there is no error.
func right(claims, so bool, err error) (bool, error) {
	if err == nil && !so {
		return claims, errWrong
	}
	return claims, err
}

func said(err error) (bool, error) { return false, err }

// methods are all that a cache has, and the reads of absent keys too.
func methods() []method {
	const old, fresh = "old", "new"
	all := []method{
		{name: "Get", op: "get", on: `"read"`, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			v, found, err := c.Get(ctx, "read")
			return right(found || v != nil, found && string(v) == old, err)
		}},
		{name: "Get of an absent key", op: "get", on: `"absent"`, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			v, found, err := c.Get(ctx, "absent")
			return right(found || v != nil, !found && v == nil, err)
		}},
		{name: "GetAppend", op: "get", on: `"read"`, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			v, found, err := c.GetAppend(ctx, []byte("dst "), "read")
			return right(found || string(v) != "dst ", found && string(v) == "dst "+old, err)
		}},
		{name: "GetMany", op: "get many", on: "of 3 keys", run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			items, err := c.GetMany(ctx, []string{"read", "number", "absent"})
			return right(len(items) > 0, len(items) == 2 && string(items["read"]) == old && string(items["number"]) == "7", err)
		}},
		{name: "Exists", op: "exists", on: `"read"`, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			found, err := c.Exists(ctx, "read")
			return right(found, found, err)
		}},
		{name: "Exists of an absent key", op: "exists", on: `"absent"`, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			found, err := c.Exists(ctx, "absent")
			return right(found, !found, err)
		}},
		{name: "TTL", op: "ttl", on: `"read"`, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			ttl, found, err := c.TTL(ctx, "read")
			return right(found || ttl != 0, found && ttl > time.Hour && ttl <= 2*time.Hour, err)
		}},
		{name: "Keys", op: "keys", on: `"re"`, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			var got []string
			for key, err := range c.Keys(ctx, "re") {
				if err != nil {
					return key != "", err // what came before is there
				}
				got = append(got, key)
			}
			slices.Sort(got)
			return right(len(got) > 0, slices.Equal(slices.Compact(got), []string{"read", "renew"}), nil)
		}},
		{name: "Ping", op: "ping", run: func(ctx context.Context, c *cache.Cache) (bool, error) { return said(c.Ping(ctx)) }, silent: true},
		{name: "Set", op: "set", on: `"set"`, command: "set", times: 1, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			return said(c.Set(ctx, "set", []byte(fresh), time.Hour))
		}},
		{name: "SetMany", op: "set many", on: "of 3 keys", command: "set", times: 3, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			return said(c.SetMany(ctx, map[string][]byte{"many1": []byte(fresh), "many2": nil, "many3": nil}, time.Hour))
		}},
		{name: "Delete", op: "delete", on: `"delete"`, command: "unlink", times: 1, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			return said(c.Delete(ctx, "delete"))
		}},
		{name: "DeleteMany", op: "delete many", on: "of 2 keys", command: "unlink", times: 1, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			return said(c.DeleteMany(ctx, []string{"delete", "read"}))
		}},
		{name: "Clear", op: "clear", command: "unlink", times: 1, silent: true, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			return said(c.Clear(ctx))
		}},
		{name: "Add", op: "add", on: `"add"`, command: "set", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			stored, err := c.Add(ctx, "add", []byte(fresh), time.Hour)
			return right(stored, stored, err)
		}},
		{name: "Increment", op: "increment", on: `"number"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			n, err := c.Increment(ctx, "number", 1, time.Hour)
			return right(n != 0, n == 8, err)
		}},
		{name: "CompareAndSwap", op: "swap", on: `"swap"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			swapped, err := c.CompareAndSwap(ctx, "swap", []byte(old), []byte(fresh), time.Hour)
			return right(swapped, swapped, err)
		}},
		{name: "CompareAndDelete", op: "compare and delete", on: `"compare"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			deleted, err := c.CompareAndDelete(ctx, "compare", []byte(old))
			return right(deleted, deleted, err)
		}},
		{name: "GetAndRenew", op: "renew", on: `"renew"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			v, found, err := c.GetAndRenew(ctx, "renew", time.Hour)
			return right(found || v != nil, found && string(v) == old, err)
		}},
		{name: "Touch", op: "touch", on: `"touch"`, command: "pexpire", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			found, err := c.Touch(ctx, "touch", time.Hour)
			return right(found, found, err)
		}},
		{name: "Touch with Forever", op: "touch", on: `"touch"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			found, err := c.Touch(ctx, "touch", cache.Forever)
			return right(found, found, err)
		}},
		{name: "Take", op: "take", on: `"take"`, command: "evalsha", times: 1, run: func(ctx context.Context, c *cache.Cache) (bool, error) {
			d, err := c.Take(ctx, "take", hourly(5), 1)
			return right(d != cache.Decision{}, d.Allowed && d.Remaining == 4, err)
		}},
	}
	return all
}
