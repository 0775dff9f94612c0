package cache_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// recorder is a store with every capability that keeps nothing: it writes down what it was asked and answers what it was told to.
type recorder struct {
	calls []string
	err   error // the answer to everything

	// found is the answer to every question but Add's, which is yes; Add and CompareAndSwap say no until these losses are used up.
	found     bool
	addLoses  int
	swapLoses int
	stays     bool // what an Add lost to is there for Get
	lost      bool
	keys      []string // what Keys yields before the error
	keysErr   error
	refuses   string // the key whose Set is ErrTooLarge

	during func() // runs within every call
}

var (
	_ cache.Store       = (*recorder)(nil)
	_ cache.Batcher     = (*recorder)(nil)
	_ cache.Adder       = (*recorder)(nil)
	_ cache.Incrementer = (*recorder)(nil)
	_ cache.Swapper     = (*recorder)(nil)
	_ cache.Renewer     = (*recorder)(nil)
	_ cache.Toucher     = (*recorder)(nil)
	_ cache.Sweeper     = (*recorder)(nil)
	_ cache.Appender    = (*recorder)(nil)
	_ cache.Statter     = (*recorder)(nil)
	_ cache.Scanner     = (*recorder)(nil)
	_ cache.Limiter     = (*recorder)(nil)
)

// bare hides the capabilities of a store.
func bare(s cache.Store) cache.Store { return struct{ cache.Store }{s} }

func (r *recorder) record(call ...string) error {
	r.calls = append(r.calls, strings.Join(call, " "))
	if r.during != nil {
		r.during()
	}
	return r.err
}

func (r *recorder) Get(_ context.Context, key string) ([]byte, bool, error) {
	return []byte("v"), r.found || r.lost, r.record("get", key)
}

func (r *recorder) Set(_ context.Context, key string, _ []byte, ttl time.Duration) error {
	err := r.record("set", key, lifetime(ttl))
	switch {
	case err != nil:
		return err
	case key == r.refuses:
		return cache.ErrTooLarge
	case ttl == cache.KeepTTL && !r.found:
		return cache.ErrNotFound
	}
	return nil
}

func (r *recorder) Delete(_ context.Context, key string) error { return r.record("delete", key) }
func (r *recorder) Clear(_ context.Context, p string) error    { return r.record("clear", p) }
func (r *recorder) Ping(context.Context) error                 { return r.record("ping") }
func (r *recorder) Close() error                               { return r.record("close") }
func (r *recorder) Exists(_ context.Context, key string) (bool, error) {
	return r.found, r.record("exists", key)
}

func (r *recorder) GetMany(_ context.Context, keys []string) (map[string][]byte, error) {
	items := map[string][]byte{}
	for _, key := range keys {
		if r.found {
			items[key] = []byte("v")
		}
	}
	return items, r.record("get many", strings.Join(keys, " "))
}

func (r *recorder) SetMany(_ context.Context, items map[string][]byte, ttl time.Duration) error {
	var pairs []string
	for key, value := range items {
		pairs = append(pairs, key+"="+string(value))
	}
	slices.Sort(pairs)
	return r.record("set many", strings.Join(pairs, " "), lifetime(ttl))
}

func (r *recorder) DeleteMany(_ context.Context, keys []string) error {
	keys = slices.Sorted(slices.Values(keys))
	return r.record("delete many", strings.Join(keys, " "))
}

func (r *recorder) Add(_ context.Context, key string, _ []byte, ttl time.Duration) (bool, error) {
	err := r.record("add", key, lifetime(ttl))
	if r.addLoses > 0 {
		r.addLoses--
		r.lost = r.stays
		return false, err
	}
	return true, err
}

func (r *recorder) Increment(_ context.Context, key string, _ int64, ttl time.Duration) (int64, error) {
	if err := r.record("increment", key, lifetime(ttl)); err != nil || ttl != cache.KeepTTL || r.found {
		return 7, err
	}
	return 7, cache.ErrNotFound
}

func (r *recorder) CompareAndSwap(_ context.Context, key string, _, _ []byte, ttl time.Duration) (bool, error) {
	err := r.record("swap", key, lifetime(ttl))
	if r.swapLoses > 0 {
		r.swapLoses--
		return false, err
	}
	return r.found, err
}

func (r *recorder) CompareAndDelete(_ context.Context, key string, _ []byte) (bool, error) {
	return r.found, r.record("compare and delete", key)
}

func (r *recorder) GetAndRenew(_ context.Context, key string, ttl time.Duration) ([]byte, bool, error) {
	return []byte("v"), r.found, r.record("renew", key, lifetime(ttl))
}

func (r *recorder) Touch(_ context.Context, key string, ttl time.Duration) (bool, error) {
	return r.found, r.record("touch", key, lifetime(ttl))
}

func (r *recorder) TTL(_ context.Context, key string) (time.Duration, bool, error) {
	return time.Minute, r.found, r.record("ttl", key)
}

func (r *recorder) DeleteExpired(context.Context) (int, error) {
	if err := r.record("delete expired"); err != nil {
		return 0, err
	}
	return 3, nil
}

func (r *recorder) GetAppend(_ context.Context, dst []byte, key string) ([]byte, bool, error) {
	return append(dst, "v"...), r.found, r.record("append", key)
}

func (r *recorder) Stats(context.Context) (cache.Stats, error) {
	if err := r.record("stats"); err != nil {
		return cache.Stats{}, err
	}
	return cache.Stats{Entries: 1, Bytes: 2, Evictions: 3, Pending: 4}, nil
}

func (r *recorder) Keys(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := r.record("keys", prefix)
		if err == nil {
			err = r.keysErr
		}
		for _, key := range r.keys {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
		if err != nil {
			yield("", err)
		}
	}
}

func (r *recorder) Take(_ context.Context, key string, _ []cache.Limit, _ int64) (cache.Decision, error) {
	return cache.Decision{Allowed: r.found, Remaining: 5}, r.record("take", key)
}

func lifetime(d time.Duration) string {
	switch d {
	case cache.Forever:
		return "forever"
	case cache.KeepTTL:
		return "keep"
	}
	return d.String()
}

// over returns a cache over s whose default lifetime is an hour.
func over(t testing.TB, s cache.Store) *cache.Cache {
	t.Helper()
	c, err := cache.New(s, &cache.Options{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
