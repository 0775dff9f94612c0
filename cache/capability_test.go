package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// What a cache asks for is an error of New where the store has it not, and nothing where it has.
func TestRequire(t *testing.T) {
	r := &recorder{}
	onlyAdder := struct {
		cache.Store
		cache.Adder
	}{r, r}
	const all = cache.CanAdd | cache.CanIncrement | cache.CanSwap | cache.CanRenew | cache.CanTouch | cache.CanSweep | cache.CanStat |
		cache.CanScan | cache.CanLimit
	for _, tc := range []struct {
		name     string
		store    cache.Store
		required cache.Capability
		want     []string // the interfaces that the error names
	}{
		{"nothing of a bare store", bare(r), 0, nil},
		{"everything of a store that can", r, all, nil},
		{"CanAdd", bare(r), cache.CanAdd, []string{"Adder"}},
		{"CanIncrement", bare(r), cache.CanIncrement, []string{"Incrementer"}},
		{"CanSwap", bare(r), cache.CanSwap, []string{"Swapper"}},
		{"CanRenew", bare(r), cache.CanRenew, []string{"Renewer"}},
		{"CanTouch", bare(r), cache.CanTouch, []string{"Toucher"}},
		{"CanSweep", bare(r), cache.CanSweep, []string{"Sweeper"}},
		{"CanStat", bare(r), cache.CanStat, []string{"Statter"}},
		{"CanScan", bare(r), cache.CanScan, []string{"Scanner"}},
		{"CanLimit", bare(r), cache.CanLimit, []string{"Limiter"}},
		{"CanAdd of an Adder", onlyAdder, cache.CanAdd, nil},
		{"CanIncrement of an Incrementer", struct {
			cache.Store
			cache.Incrementer
		}{r, r}, cache.CanIncrement, nil},
		{"CanSwap of a Swapper", newShelf().swapping(), cache.CanSwap, nil},
		{"CanRenew of a Renewer", struct {
			cache.Store
			cache.Renewer
		}{r, r}, cache.CanRenew, nil},
		{"CanTouch of a Toucher", struct {
			cache.Store
			cache.Toucher
		}{r, r}, cache.CanTouch, nil},
		{"CanSweep of a Sweeper", struct {
			cache.Store
			cache.Sweeper
		}{r, r}, cache.CanSweep, nil},
		{"CanStat of a Statter", struct {
			cache.Store
			cache.Statter
		}{r, r}, cache.CanStat, nil},
		{"CanScan of a Scanner", struct {
			cache.Store
			cache.Scanner
		}{r, r}, cache.CanScan, nil},
		{"CanLimit of a Limiter", struct {
			cache.Store
			cache.Limiter
		}{r, r}, cache.CanLimit, nil},
		{"CanIncrement is made of Adder and Swapper", newShelf().addingAndSwapping(), cache.CanIncrement, nil},
		{"CanIncrement is not made of Adder alone", onlyAdder, cache.CanIncrement, []string{"Incrementer"}},
		{"CanIncrement is not made of Swapper alone", newShelf().swapping(), cache.CanIncrement, []string{"Incrementer"}},
		{"CanTouch is not made of Swapper, which knows no lifetimes", newShelf().swapping(), cache.CanTouch, []string{"Toucher"}},
		{"all that is lacking at once", onlyAdder, cache.CanAdd | cache.CanSwap | cache.CanLimit, []string{"Swapper", "Limiter"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := cache.New(tc.store, &cache.Options{Require: tc.required})
			if len(tc.want) == 0 {
				if err != nil {
					t.Errorf("New: %v; want nil", err)
				}
				return
			}
			lacks := " is no cache." + strings.Join(tc.want, " and no cache.") + ", which is required"
			if !errors.Is(err, errors.ErrUnsupported) || !strings.HasSuffix(errText(err), lacks) {
				t.Errorf("New: %v; want ErrUnsupported that ends in %q", err, lacks)
			}
		})
	}
}

func TestRequireRefusesWhatIsNoCapability(t *testing.T) {
	for _, required := range []cache.Capability{cache.CanLimit << 1, 1 << 31, cache.CanAdd | cache.CanLimit<<1} {
		_, err := cache.New(&recorder{}, &cache.Options{Require: required})
		if err == nil || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(errText(err), "there is no capability 0x") {
			t.Errorf("Require %#x: %v; want an error that there is no such capability", uint(required), err)
		}
	}
}

// plain is a store whose type has a name to be told.
type plain struct{ cache.Store }

func TestRequireNamesTheTypeOfTheStore(t *testing.T) {
	_, err := cache.New(plain{&recorder{}}, &cache.Options{Require: cache.CanAdd | cache.CanRenew})
	want := "cache: new: unsupported operation: cache_test.plain is no cache.Adder and no cache.Renewer, which is required"
	if errText(err) != want {
		t.Errorf("New: %q; want %q", errText(err), want)
	}
}

// What a store of seven methods cannot serve is told by the name of what it lacks, without a call of the store.
func TestAStoreOfSevenMethodsLacks(t *testing.T) {
	limits := []cache.Limit{{Requests: 1, Period: time.Second}}
	for _, tc := range []struct {
		lacks string
		named string
		do    func(ctx context.Context, c *cache.Cache) error
	}{
		{"Adder", `add "k"`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Add(ctx, "k", nil, time.Hour); return err }},
		{"Adder", `add "k"`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Add(ctx, "k", nil, 0); return err }},
		{"Incrementer", `increment "k"`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Increment(ctx, "k", 1, 0); return err }},
		{"Swapper", `swap "k"`, func(ctx context.Context, c *cache.Cache) error {
			_, err := c.CompareAndSwap(ctx, "k", nil, nil, 1)
			return err
		}},
		{"Swapper", `swap "k"`, func(ctx context.Context, c *cache.Cache) error {
			_, err := c.CompareAndSwap(ctx, "k", nil, nil, 0)
			return err
		}},
		{"Swapper", `compare and delete "k"`, func(ctx context.Context, c *cache.Cache) error {
			_, err := c.CompareAndDelete(ctx, "k", nil)
			return err
		}},
		{"Renewer", `renew "k"`, func(ctx context.Context, c *cache.Cache) error {
			_, _, err := c.GetAndRenew(ctx, "k", time.Hour)
			return err
		}},
		{"Toucher", `touch "k"`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Touch(ctx, "k", time.Hour); return err }},
		{"Toucher", `touch "k"`, func(ctx context.Context, c *cache.Cache) error {
			_, err := c.Touch(ctx, "k", cache.KeepTTL)
			return err
		}},
		{"Toucher", `ttl "k"`, func(ctx context.Context, c *cache.Cache) error { _, _, err := c.TTL(ctx, "k"); return err }},
		{"Sweeper", `delete expired`, func(ctx context.Context, c *cache.Cache) error { _, err := c.DeleteExpired(ctx); return err }},
		{"Statter", `stats`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Stats(ctx); return err }},
		{"Limiter", `take "k"`, func(ctx context.Context, c *cache.Cache) error { _, err := c.Take(ctx, "k", limits, 1); return err }},
		{"Scanner", `keys "k"`, func(ctx context.Context, c *cache.Cache) error {
			for _, err := range c.Keys(ctx, "k") {
				return err
			}
			return nil
		}},
	} {
		s := &recorder{found: true}
		err := tc.do(t.Context(), over(t, plain{s}))
		want := "cache: " + tc.named + ": unsupported operation: cache_test.plain is no cache." + tc.lacks
		if !errors.Is(err, errors.ErrUnsupported) || errText(err) != want || len(s.calls) > 0 {
			t.Errorf("%q after the calls %q; want %q and none", errText(err), s.calls, want)
		}
	}
}

func TestAToucherThatDoesNotSwapCannotDeleteByTouch(t *testing.T) {
	s := &recorder{found: true}
	c := over(t, struct {
		cache.Store
		cache.Toucher
	}{s, s})
	if _, err := c.Touch(t.Context(), "k", 0); !errors.Is(err, errors.ErrUnsupported) || !strings.HasSuffix(errText(err), "is no cache.Swapper") {
		t.Errorf("Touch: %v; want ErrUnsupported for want of a Swapper", err)
	}
	if found, err := c.Touch(t.Context(), "k", time.Hour); !found || err != nil {
		t.Errorf("Touch with a lifetime = %t, %v; want true", found, err)
	}
}

func TestASwapperAloneTellsNoLifetimes(t *testing.T) {
	if _, _, err := over(t, newShelf().swapping()).TTL(t.Context(), "k"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("TTL: %v; want ErrUnsupported", err)
	}
}

func TestGetAppendOverAStoreThatOnlyGets(t *testing.T) {
	s := newShelf()
	c := over(t, bare(s))
	s.put("k", "value", time.Hour)
	dst := append(make([]byte, 0, 64), "dst:"...)
	if got, found, err := c.GetAppend(t.Context(), dst, "k"); string(got) != "dst:value" || !found || err != nil {
		t.Errorf("GetAppend = %q, %t, %v; want the value after dst", got, found, err)
	} else if &got[0] != &dst[0] {
		t.Error("GetAppend allocated though dst had room")
	}
	if got, found, err := c.GetAppend(t.Context(), dst, "absent"); string(got) != "dst:" || found || err != nil {
		t.Errorf("GetAppend of what is absent = %q, %t, %v; want dst unchanged", got, found, err)
	}
	if got, found, err := c.GetAppend(t.Context(), nil, "absent"); got != nil || found || err != nil {
		t.Errorf("GetAppend of what is absent to nil = %q, %t, %v; want nil", got, found, err)
	}
	_ = c.Close()
	if got, found, err := c.GetAppend(t.Context(), dst, "k"); string(got) != "dst:" || found || !errors.Is(err, cache.ErrClosed) {
		t.Errorf("GetAppend on a closed cache = %q, %t, %v; want dst unchanged and ErrClosed", got, found, err)
	}
}
