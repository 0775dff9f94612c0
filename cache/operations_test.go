package cache_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

func TestEveryMethodIsInTheTableOfOperations(t *testing.T) {
	var got, want []string
	for _, op := range operations() {
		got = append(got, op.method)
	}
	for m := range reflect.TypeFor[*cache.Cache]().Methods() {
		if m.Name != "Namespace" && m.Name != "Close" && m.Name != "Require" { // which asks no store
			want = append(want, m.Name)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the methods of Cache and of the table (-methods +table):\n%s", diff)
	}
}

func TestEveryOperationAsksTheStoreInItsNamespace(t *testing.T) {
	root := func(c *cache.Cache) *cache.Cache { return c }
	child := func(c *cache.Cache) *cache.Cache { return c.Namespace("a") }
	grandchild := func(c *cache.Cache) *cache.Cache { return c.Namespace("a").Namespace("b") }
	forEveryOperation(t, func(t *testing.T, op operation) {
		for _, tc := range []struct {
			name      string
			of        func(c *cache.Cache) *cache.Cache
			prefix    string
			key, sees string
		}{
			{"the root's key is as it is", root, "", "k", "k"},
			{"a key that begins with @ gets one more", root, "", "@k", "@@k"},
			{"as does @ alone", root, "", "@", "@@"},
			{"a namespace's key has its prefix", child, "@a:", "k", "@a:k"},
			{"and gets one more @ there too", child, "@a:", "@b:k", "@a:@@b:k"},
			{"a namespace in a namespace has both prefixes", grandchild, "@a:@b:", "k", "@a:@b:k"},
		} {
			s := &recorder{found: true}
			if _, err := op.do(t.Context(), tc.of(over(t, s)), tc.key); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			want := strings.Split(strings.NewReplacer("KEY", tc.sees, "NS", tc.prefix).Replace(op.sees), "; ")
			if diff := cmp.Diff(want, s.calls); diff != "" {
				t.Errorf("%s: the store's calls (-want +got):\n%s", tc.name, diff)
			}
		}
	})
}

func TestTheOrderOfChecksIsKeyContextClosed(t *testing.T) {
	tooLong := strings.Repeat("k", cache.MaxKeyLen+1)
	forEveryOperation(t, func(t *testing.T, op operation) {
		s := &recorder{found: true}
		c := over(t, s)
		check := func(when string, ctx context.Context, key string, want error) {
			t.Helper()
			answer, err := op.do(ctx, c, key)
			if !errors.Is(err, want) || answer != op.nothing {
				t.Errorf("%s: %s, %v; want %s, %v", when, answer, err, op.nothing, want)
			}
		}
		check("under a context that is done", cancelled(), "k", context.Canceled)
		if len(s.calls) > 0 {
			t.Errorf("under a context that is done the store was asked %q", s.calls)
		}
		_ = c.Close()
		s.calls = nil
		if !op.keyless {
			check("with a key that is too long, a context that is done, on a closed cache", cancelled(), tooLong, cache.ErrInvalidKey)
		}
		check("under a context that is done, on a closed cache", cancelled(), "k", context.Canceled)
		check("on a closed cache", t.Context(), "k", cache.ErrClosed)
		if len(s.calls) > 0 {
			t.Errorf("the closed store was asked %q", s.calls)
		}
	})
}

func TestAKeyHasOneByteToAKilobyte(t *testing.T) {
	forEveryOperation(t, func(t *testing.T, op operation) {
		if op.keyless {
			return
		}
		c := over(t, &recorder{found: true})
		if _, err := op.do(t.Context(), c, strings.Repeat("@", cache.MaxKeyLen)); err != nil {
			t.Errorf("%d bytes: %v; want them allowed", cache.MaxKeyLen, err)
		}
		if _, err := op.do(t.Context(), c, ""); op.method != "Keys" && !errors.Is(err, cache.ErrInvalidKey) {
			t.Errorf("an empty key: %v; want ErrInvalidKey", err)
		}
	})
}

func TestWhatIsGivenIsCheckedAfterContextAndClose(t *testing.T) {
	c := over(t, &recorder{})
	for name, do := range map[string]func(ctx context.Context) error{
		"a value that is too large": func(ctx context.Context) error { return c.Set(ctx, "k", huge(), time.Hour) },
		"one of a batch":            func(ctx context.Context) error { return c.SetMany(ctx, map[string][]byte{"k": huge()}, time.Hour) },
		"a lifetime to renew to":    func(ctx context.Context) error { _, _, err := c.GetAndRenew(ctx, "k", 0); return err },
		"limits":                    func(ctx context.Context) error { _, err := c.Take(ctx, "k", nil, 0); return err },
	} {
		if err := do(cancelled()); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want context.Canceled", name, err)
		}
	}
}

func TestNothingIsFoundBesideAnError(t *testing.T) {
	forEveryOperation(t, func(t *testing.T, op operation) {
		c := over(t, &recorder{err: cache.ErrUnavailable, found: true})
		if answer, err := op.do(t.Context(), c, "k"); answer != op.nothing || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s, %v; want %s and the store's error", answer, err, op.nothing)
		}
	})
}

func TestEveryErrorNamesTheOperationAndTheKeyOnce(t *testing.T) {
	long := strings.Repeat("k", 100)
	of := map[string]error{
		"a store that names its own": &cache.OpError{Op: "of the store", Key: "key of the store", Keys: 9, Err: cache.ErrUnavailable},
		"a store that names nothing": cache.ErrUnavailable,
	}
	forEveryOperation(t, func(t *testing.T, op operation) {
		for name, down := range of {
			for key, quoted := range map[string]string{"k": `"k"`, "a\nb": `"a\nb"`, long: `"` + long[:64] + `"…`} {
				_, err := op.do(t.Context(), over(t, &recorder{err: down}), key)
				if want := "cache: " + strings.ReplaceAll(op.named, "QUOTED", quoted) + ": store unavailable"; errText(err) != want {
					t.Errorf("%s: %q; want %q", name, errText(err), want)
				}
			}
		}
	})
}

func TestTheNilCacheCachesNothing(t *testing.T) {
	forEveryOperation(t, func(t *testing.T, op operation) {
		if answer, err := op.do(t.Context(), nil, "k"); answer != op.onNil || err != nil {
			t.Errorf("%s, %v; want %s", answer, err, op.onNil)
		}
	})
	var c *cache.Cache
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v; want nil", err)
	}
	if n := c.Namespace("a"); n != nil {
		t.Errorf("Namespace = %v; want nil", n)
	}
}

func TestEveryOperationTellsItsEvent(t *testing.T) {
	forEveryOperation(t, func(t *testing.T, op operation) {
		if op.event == "" {
			return
		}
		for _, tc := range []struct {
			name string
			s    *recorder
			want string
		}{
			{"where the store says yes", &recorder{found: true}, op.yes},
			{"where the store says no", &recorder{addLoses: 1, stays: true}, op.no},
			{"where the store fails", &recorder{found: true, err: cache.ErrUnavailable}, cache.ResultError},
		} {
			var got []cache.Event
			c, err := cache.New(tc.s, &cache.Options{OnEvent: func(e cache.Event) { e.Duration = 0; got = append(got, e) }})
			if err != nil {
				t.Fatal(err)
			}
			_, err = op.do(t.Context(), c.Namespace("a"), "k")
			same := func(a, b error) bool { return a == b }
			if diff := cmp.Diff([]cache.Event{{Op: op.event, Result: tc.want, Err: err}}, got, cmp.Comparer(same)); diff != "" {
				t.Errorf("%s: events (-want +got):\n%s", tc.name, diff)
			}
		}
	})
}

func TestAnEventTellsHowLongTheOperationTook(t *testing.T) {
	forEveryOperation(t, func(t *testing.T, op operation) {
		if op.event == "" {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			var got []time.Duration
			s := &recorder{found: true, during: func() { <-time.After(time.Second) }}
			c, err := cache.New(s, &cache.Options{OnEvent: func(e cache.Event) { got = append(got, e.Duration) }})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = op.do(t.Context(), c, "k")
			if diff := cmp.Diff([]time.Duration{time.Duration(len(s.calls)) * time.Second}, got); diff != "" {
				t.Errorf("durations (-want +got):\n%s", diff)
			}
		})
	})
}

// huge is a value that no cache takes.
func huge() []byte { return make([]byte, cache.MaxValueLen+1) }
