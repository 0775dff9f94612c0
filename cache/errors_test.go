package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

func TestWhatAnErrorReads(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name string
		do   func(c *cache.Cache) error
		want string
	}{
		{"an empty key says what is allowed", func(c *cache.Cache) error { return c.Delete(ctx, "") }, `cache: delete: invalid key: it is empty; allowed: 1 to 1024 bytes`},
		{"a Clear names its namespace", func(c *cache.Cache) error { return c.Namespace("ns").Clear(ctx) }, `cache: clear "@ns:": store unavailable`},
		{"a batch of one", func(c *cache.Cache) error { return c.DeleteMany(ctx, []string{"a"}) }, `cache: delete many of 1 key: store unavailable`},
		{"a batch of many", func(c *cache.Cache) error { return c.DeleteMany(ctx, make500()) }, `cache: delete many of 500 keys: store unavailable`},
		{"a batch of none", func(c *cache.Cache) error { return c.DeleteMany(cancelled(), nil) }, `cache: delete many: context canceled`},
		{
			"a batch with an invalid key names it", func(c *cache.Cache) error { return c.DeleteMany(ctx, []string{"a", ""}) },
			`cache: delete many of 2 keys: "": invalid key: it is empty; allowed: 1 to 1024 bytes`,
		}, {
			"a batch with a value that is too large names its key",
			func(c *cache.Cache) error { return c.SetMany(ctx, map[string][]byte{"a": nil, "b": huge()}, time.Hour) },
			`cache: set many of 2 keys: "b": value too large: it has 67108865 bytes; allowed: up to 67108864`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			down := &cache.OpError{Op: "of the store", Key: "of the store", Err: cache.ErrUnavailable}
			if got := errText(tc.do(over(t, &recorder{err: down}))); got != tc.want {
				t.Errorf("%q; want %q", got, tc.want)
			}
		})
	}
}

func TestAnErrorCanBeLookedInto(t *testing.T) {
	_, err := over(t, &recorder{err: fmt.Errorf("%w: refused", cache.ErrUnavailable)}).Namespace("a").GetMany(t.Context(), []string{"x", "y"})
	opErr, ok := errors.AsType[*cache.OpError](err)
	if !ok {
		t.Fatalf("%v is no *OpError", err)
	}
	if opErr.Op != "get many" || opErr.Key != "" || opErr.Keys != 2 || errText(opErr.Err) != "store unavailable: refused" {
		t.Errorf("%#v; want a get many of 2 keys", opErr)
	}
}

func TestAnOpErrorInsideAnotherErrorIsKept(t *testing.T) {
	inner := &cache.OpError{Op: "dial", Err: cache.ErrUnavailable}
	err := over(t, &recorder{err: fmt.Errorf("the near store: %w", inner)}).Ping(t.Context())
	if got, want := errText(err), "cache: ping: the near store: cache: dial: store unavailable"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestAValueHasUpTo64MiB(t *testing.T) {
	value := huge()
	for method, do := range map[string]func(ctx context.Context, c *cache.Cache, value []byte) error{
		"Set": func(ctx context.Context, c *cache.Cache, value []byte) error {
			return c.Set(ctx, "k", value, time.Hour)
		},
		"SetKeep": func(ctx context.Context, c *cache.Cache, value []byte) error {
			return c.Set(ctx, "k", value, cache.KeepTTL)
		},
		"SetGone": func(ctx context.Context, c *cache.Cache, value []byte) error { return c.Set(ctx, "k", value, 0) },
		"Add": func(ctx context.Context, c *cache.Cache, value []byte) error {
			_, err := c.Add(ctx, "k", value, 0)
			return err
		},
		"SetMany": func(ctx context.Context, c *cache.Cache, value []byte) error {
			return c.SetMany(ctx, map[string][]byte{"k": value}, 0)
		},
		"CompareAndSwap": func(ctx context.Context, c *cache.Cache, value []byte) error {
			_, err := c.CompareAndSwap(ctx, "k", nil, value, 0)
			return err
		},
	} {
		t.Run(method, func(t *testing.T) {
			s := &recorder{found: true}
			err := do(t.Context(), over(t, s), value)
			if !errors.Is(err, cache.ErrTooLarge) {
				t.Errorf("%d bytes: %v; want ErrTooLarge", len(value), err)
			}
			if diff := cmp.Diff([]string(nil), s.calls); diff != "" {
				t.Errorf("the store's calls (-want +got):\n%s", diff)
			}
			if err := do(t.Context(), over(t, s), value[:cache.MaxValueLen]); err != nil {
				t.Errorf("%d bytes: %v; want them allowed", cache.MaxValueLen, err)
			}
		})
	}
}

func make500() []string {
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	return keys
}
