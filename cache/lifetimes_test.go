package cache_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

func TestTheLifetimeThatTheStoreSees(t *testing.T) {
	type calls []string
	for _, tc := range []struct {
		method string
		do     func(ctx context.Context, c *cache.Cache, ttl time.Duration) error
		// What the store is asked for two seconds, DefaultTTL (an hour), KeepTTL, Forever, and what has expired already.
		given, byDefault, keep, forever, expired calls
	}{
		{
			"Set", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error { return c.Set(ctx, "k", nil, ttl) },
			calls{"set k 2s"}, calls{"set k 1h0m0s"}, calls{"get k", "set k keep"}, calls{"set k forever"}, calls{"delete k"},
		}, {
			"SetMany", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				return c.SetMany(ctx, map[string][]byte{"k": []byte("v")}, ttl)
			},
			calls{"set many k=v 2s"}, calls{"set many k=v 1h0m0s"}, calls{"get k", "set k keep"}, calls{"set many k=v forever"}, calls{"delete many k"},
		}, {
			"Add", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				_, err := c.Add(ctx, "k", nil, ttl)
				return err
			},
			calls{"add k 2s"}, calls{"add k 1h0m0s"}, calls{"add k 1h0m0s"}, calls{"add k forever"}, calls{"get k"},
		}, {
			"Increment", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				_, err := c.Increment(ctx, "k", 1, ttl)
				return err
			},
			calls{"increment k 2s"}, calls{"increment k 1h0m0s"}, calls{"increment k 1h0m0s"}, calls{"increment k forever"}, calls{"increment k keep"},
		}, {
			"CompareAndSwap", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				_, err := c.CompareAndSwap(ctx, "k", nil, nil, ttl)
				return err
			},
			calls{"swap k 2s"}, calls{"swap k 1h0m0s"}, calls{"swap k keep"}, calls{"swap k forever"}, calls{"compare and delete k"},
		}, {
			"Touch", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				_, err := c.Touch(ctx, "k", ttl)
				return err
			},
			calls{"get k", "touch k 2s"}, calls{"get k", "touch k 1h0m0s"}, calls{"get k"}, calls{"get k", "touch k forever"}, calls{"get k", "compare and delete k"},
		}, {
			"GetAndRenew", func(ctx context.Context, c *cache.Cache, ttl time.Duration) error {
				_, _, err := c.GetAndRenew(ctx, "k", ttl)
				if errors.Is(err, cache.ErrInvalidTTL) {
					return nil // that nothing is asked is what the table says
				}
				return err
			},
			calls{"renew k 2s"}, calls{"renew k 1h0m0s"}, nil, nil, nil,
		},
	} {
		for ttl, want := range map[time.Duration]calls{
			2 * time.Second: tc.given, cache.DefaultTTL: tc.byDefault, cache.KeepTTL: tc.keep, cache.Forever: tc.forever,
			0: tc.expired, -1: tc.expired, -time.Hour: tc.expired, math.MinInt64: tc.expired, cache.KeepTTL + 1: tc.expired,
		} {
			t.Run(tc.method+" "+lifetime(ttl), func(t *testing.T) {
				s := &recorder{found: true}
				if err := tc.do(t.Context(), over(t, s), ttl); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(want, calls(s.calls)); diff != "" {
					t.Errorf("the store's calls (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestTheDefaultLifetimeIsFiveMinutes(t *testing.T) {
	for _, o := range []*cache.Options{nil, {}, {TTL: cache.DefaultTTL}} {
		s := &recorder{}
		c, err := cache.New(s, o)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Namespace("a").Set(t.Context(), "k", nil, cache.DefaultTTL)
		if diff := cmp.Diff([]string{"set @a:k 5m0s"}, s.calls); diff != "" {
			t.Errorf("%v: the store's calls (-want +got):\n%s", o, diff)
		}
	}
}

func TestSetWithKeepTTLAddsWithTheDefaultWhereNothingWas(t *testing.T) {
	s := &recorder{addLoses: 2} // twice another is first, and gone again
	if err := over(t, s).Set(t.Context(), "k", nil, cache.KeepTTL); err != nil {
		t.Fatal(err)
	}
	once := []string{"get k", "add k 1h0m0s"}
	want := slices.Repeat(once, 3)
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("the store's calls (-want +got):\n%s", diff)
	}
}

func TestSetWithKeepTTLEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &recorder{addLoses: 5}
	s.during = func() {
		if len(s.calls) == 6 {
			cancel()
		}
	}
	if err := over(t, s).Set(ctx, "k", nil, cache.KeepTTL); !errors.Is(err, context.Canceled) {
		t.Errorf("Set: %v; want context.Canceled", err)
	}
	if len(s.calls) != 6 {
		t.Errorf("the store was asked %q; want nothing after the cancellation", s.calls)
	}
}

func TestSetWithKeepTTLNeedsAnAdderOnlyWhereNothingIs(t *testing.T) {
	c := over(t, bare(&recorder{found: true}))
	if err := c.Set(t.Context(), "k", nil, cache.KeepTTL); err != nil {
		t.Errorf("over an entry: %v; want nil", err)
	}
	c = over(t, bare(&recorder{}))
	if err := c.Set(t.Context(), "k", nil, cache.KeepTTL); !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, cache.ErrNotFound) {
		t.Errorf("where nothing is: %v; want ErrUnsupported", err)
	}
}

func TestARenewalIsOneMillisecondTo400Days(t *testing.T) {
	const longest = 400 * 24 * time.Hour
	for _, tc := range []struct {
		ttl  time.Duration
		want string // "" where it is one
	}{
		{time.Millisecond, ""},
		{longest, ""},
		{cache.DefaultTTL, ""},
		{time.Millisecond - 1, `cache: renew "k": invalid lifetime: 999.999µs; allowed: 1ms to 9600h0m0s`},
		{longest + 1, `cache: renew "k": invalid lifetime: 9600h0m0.000000001s; allowed: 1ms to 9600h0m0s`},
		{0, `cache: renew "k": invalid lifetime: 0s; allowed: 1ms to 9600h0m0s`},
		{-time.Second, `cache: renew "k": invalid lifetime: -1s; allowed: 1ms to 9600h0m0s`},
		{cache.KeepTTL, `cache: renew "k": invalid lifetime: KeepTTL; allowed: 1ms to 9600h0m0s`},
		{cache.Forever, `cache: renew "k": invalid lifetime: Forever; allowed: 1ms to 9600h0m0s`},
	} {
		_, _, err := over(t, &recorder{}).GetAndRenew(t.Context(), "k", tc.ttl)
		if errText(err) != tc.want || errors.Is(err, cache.ErrInvalidTTL) != (tc.want != "") {
			t.Errorf("%v: %q; want %q", tc.ttl, errText(err), tc.want)
		}
	}
}

func TestARenewalToADefaultOfForeverIsInvalid(t *testing.T) {
	c, err := cache.New(&recorder{}, &cache.Options{TTL: cache.Forever})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.GetAndRenew(t.Context(), "k", cache.DefaultTTL); !errors.Is(err, cache.ErrInvalidTTL) {
		t.Errorf("GetAndRenew: %v; want ErrInvalidTTL", err)
	}
}

func TestTTLOfWhatIsAbsentIsZero(t *testing.T) {
	if ttl, found, err := over(t, &recorder{}).TTL(t.Context(), "k"); ttl != 0 || found || err != nil {
		t.Errorf("TTL = %v, %t, %v; want 0 though the store said a minute", ttl, found, err)
	}
	if ttl, found, err := over(t, &recorder{found: true}).TTL(t.Context(), "k"); ttl != time.Minute || !found || err != nil {
		t.Errorf("TTL = %v, %t, %v; want the store's minute", ttl, found, err)
	}
}

func TestTouchOverAStoreThatOnlySwaps(t *testing.T) {
	for _, tc := range []struct {
		name string
		ttl  time.Duration
		want time.Duration // how long the entry then lives; 0 where it is gone
	}{
		{"gives a lifetime", time.Minute, time.Minute},
		{"gives the default", cache.DefaultTTL, time.Hour},
		{"makes permanent", cache.Forever, cache.Forever},
		{"keeps the lifetime", cache.KeepTTL, time.Second},
		{"deletes", 0, 0},
		{"deletes for the least duration", math.MinInt64, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf()
				c := over(t, s.swapping())
				if found, err := c.Touch(t.Context(), "k", tc.ttl); found || err != nil {
					t.Errorf("Touch where nothing is = %t, %v; want false", found, err)
				}
				_ = c.Set(t.Context(), "k", []byte("v"), time.Second)
				if found, err := c.Touch(t.Context(), "k", tc.ttl); !found || err != nil {
					t.Errorf("Touch = %t, %v; want true", found, err)
				}
				if got := s.remaining("k"); got != tc.want {
					t.Errorf("the entry lives %v; want %v", got, tc.want)
				}
				if v, found, _ := c.Get(t.Context(), "k"); found && string(v) != "v" {
					t.Errorf("the value is %q; want it unchanged", v)
				}
			})
		})
	}
}

func TestTouchBySwappingStartsOverWhenAnotherWasFirst(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"a lifetime": time.Minute, "a deletion": 0} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			c := over(t, s.swapping())
			_ = c.Set(t.Context(), "k", []byte("first"), time.Hour)
			others := []string{"second", "third"}
			s.beforeSwap = func() {
				if len(others) > 0 {
					s.put("k", others[0], time.Hour)
					others = others[1:]
				}
			}
			if found, err := c.Touch(t.Context(), "k", ttl); !found || err != nil {
				t.Errorf("Touch = %t, %v; want true", found, err)
			}
			if v, found, _ := c.Get(t.Context(), "k"); found != (ttl > 0) || found && string(v) != "third" {
				t.Errorf("afterwards: %q, %t; want what the last other set, %t", v, found, ttl > 0)
			}
		})
	}
}

func TestTouchBySwappingFindsNothingOnceAnotherDeleted(t *testing.T) {
	s := newShelf()
	c := over(t, s.swapping())
	_ = c.Set(t.Context(), "k", []byte("v"), time.Hour)
	s.beforeSwap = func() { s.remove("k") }
	if found, err := c.Touch(t.Context(), "k", 0); found || err != nil {
		t.Errorf("Touch = %t, %v; want false: another deleted it", found, err)
	}
}

func TestTouchBySwappingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &recorder{found: true, swapLoses: 9}
	s.during = func() {
		if len(s.calls) == 6 {
			cancel()
		}
	}
	c := over(t, struct {
		cache.Store
		cache.Swapper
	}{s, s})
	if found, err := c.Touch(ctx, "k", time.Minute); found || !errors.Is(err, context.Canceled) || len(s.calls) != 6 {
		t.Errorf("Touch = %t, %v after %d calls; want context.Canceled after 6", found, err, len(s.calls))
	}
}
