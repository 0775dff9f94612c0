package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
)

// witness is a store that tells where an answer comes with an error. A cache over it would not let it through.
type witness struct {
	*redisstore.Store
	t *testing.T
}

func (w witness) check(method string, claims bool, err error) {
	w.t.Helper()
	if err != nil && claims {
		w.t.Errorf("%s of the store claims something, with the error %v", method, err)
	}
}

func (w witness) Get(ctx context.Context, key string) (value []byte, found bool, err error) {
	value, found, err = w.Store.Get(ctx, key)
	w.check("Get", found || value != nil, err)
	return value, found, err
}

func (w witness) GetAppend(ctx context.Context, dst []byte, key string) (value []byte, found bool, err error) {
	value, found, err = w.Store.GetAppend(ctx, dst, key)
	w.check("GetAppend", found || len(value) != len(dst), err)
	return value, found, err
}

func (w witness) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	items, err := w.Store.GetMany(ctx, keys)
	w.check("GetMany", len(items) > 0, err)
	return items, err
}

func (w witness) Exists(ctx context.Context, key string) (bool, error) {
	found, err := w.Store.Exists(ctx, key)
	w.check("Exists", found, err)
	return found, err
}

func (w witness) TTL(ctx context.Context, key string) (ttl time.Duration, found bool, err error) {
	ttl, found, err = w.Store.TTL(ctx, key)
	w.check("TTL", found || ttl != 0, err)
	return ttl, found, err
}

func (w witness) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	stored, err := w.Store.Add(ctx, key, value, ttl)
	w.check("Add", stored, err)
	return stored, err
}

func (w witness) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (int64, error) {
	n, err := w.Store.Increment(ctx, key, delta, ttl)
	w.check("Increment", n != 0, err)
	return n, err
}

func (w witness) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	swapped, err := w.Store.CompareAndSwap(ctx, key, old, value, ttl)
	w.check("CompareAndSwap", swapped, err)
	return swapped, err
}

func (w witness) CompareAndDelete(ctx context.Context, key string, old []byte) (bool, error) {
	deleted, err := w.Store.CompareAndDelete(ctx, key, old)
	w.check("CompareAndDelete", deleted, err)
	return deleted, err
}

func (w witness) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	value, found, err = w.Store.GetAndRenew(ctx, key, ttl)
	w.check("GetAndRenew", found || value != nil, err)
	return value, found, err
}

func (w witness) Touch(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	found, err := w.Store.Touch(ctx, key, ttl)
	w.check("Touch", found, err)
	return found, err
}

func (w witness) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	d, err := w.Store.Take(ctx, key, limits, cost)
	w.check("Take", d != cache.Decision{}, err)
	return d, err
}
