package memstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestEveryOperationNamesItselfOnceAndNothingBesideAnError(t *testing.T) {
	limits := []cache.Limit{{Requests: 1, Period: time.Second}}
	each := func(ctx context.Context, s *memstore.Store, yield func(op, key string, keys int, zero bool, err error)) {
		one := func(op string, nothing bool, err error) { yield(op, "key", 0, nothing, err) }
		v, found, err := s.Get(ctx, "key")
		one("get", v == nil && !found, err)
		v, found, err = s.GetAppend(ctx, []byte("dst"), "key")
		one("get", string(v) == "dst" && !found, err)
		one("set", true, s.Set(ctx, "key", nil, time.Hour))
		one("delete", true, s.Delete(ctx, "key"))
		found, err = s.Exists(ctx, "key")
		one("exists", !found, err)
		stored, err := s.Add(ctx, "key", nil, time.Hour)
		one("add", !stored, err)
		n, err := s.Increment(ctx, "key", 1, time.Hour)
		one("increment", n == 0, err)
		swapped, err := s.CompareAndSwap(ctx, "key", nil, nil, time.Hour)
		one("swap", !swapped, err)
		deleted, err := s.CompareAndDelete(ctx, "key", nil)
		one("compare and delete", !deleted, err)
		v, found, err = s.GetAndRenew(ctx, "key", time.Hour)
		one("renew", v == nil && !found, err)
		found, err = s.Touch(ctx, "key", time.Hour)
		one("touch", !found, err)
		ttl, found, err := s.TTL(ctx, "key")
		one("ttl", ttl == 0 && !found, err)
		d, err := s.Take(ctx, "key", limits, 1)
		one("take", d == cache.Decision{}, err)
		one("clear", true, s.Clear(ctx, "key"))
		for key, err := range s.Keys(ctx, "key") {
			one("keys", key == "", err)
		}
		for _, keys := range [][]string{{"key"}, {"key", "other"}, nil} {
			items := map[string][]byte{}
			for _, key := range keys {
				items[key] = nil
			}
			got, err := s.GetMany(ctx, keys)
			yield("get many", "", len(keys), got == nil, err)
			yield("set many", "", len(keys), true, s.SetMany(ctx, items, time.Hour))
			yield("delete many", "", len(keys), true, s.DeleteMany(ctx, keys))
		}
		removed, err := s.DeleteExpired(ctx)
		yield("delete expired", "", 0, removed == 0, err)
		yield("ping", "", 0, true, s.Ping(ctx))
		st, err := s.Stats(ctx)
		yield("stats", "", 0, st == cache.Stats{}, err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	s := open(t, nil)
	set(t, s, "key", "value", time.Hour)
	for _, tc := range []struct {
		name  string
		ctx   context.Context
		close bool
		want  error
	}{
		{"with a context that is done", cancelled, false, context.Canceled},
		{"of a closed store", t.Context(), true, cache.ErrClosed},
		{"of a closed store with a context that is done", cancelled, true, context.Canceled},
	} {
		if tc.close {
			_ = s.Close()
		}
		operations := 0
		each(tc.ctx, s, func(op, key string, keys int, nothing bool, err error) {
			operations++
			e, ok := errors.AsType[*cache.OpError](err)
			if !ok || *e != (cache.OpError{Op: op, Key: key, Keys: keys, Err: tc.want}) {
				t.Errorf("%s of %q or %d keys %s: %v", op, key, keys, tc.name, err)
			}
			if !nothing {
				t.Errorf("%s %s: something beside the error", op, tc.name)
			}
		})
		if operations != 27 {
			t.Errorf("%d operations; want 27", operations)
		}
		if !tc.close {
			want(t, s, "key", "value")
		}
	}
}
