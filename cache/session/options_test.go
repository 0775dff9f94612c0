package session_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

func TestNewRefusesWhatCannotWorkAndSaysWhatCan(t *testing.T) {
	for name, tc := range map[string]struct {
		options session.Options
		want    string
	}{
		"a name with a prefix":            {session.Options{Name: "__Host-sid"}, `Options.Name is "__Host-sid"; allowed: a name without the prefix`},
		"a prefix in other letters":       {session.Options{Name: "__secure-sid", Insecure: true}, `Options.Name is "__secure-sid"; allowed: a name without the prefix`},
		"a name that is no token":         {session.Options{Name: "a=b"}, `Options.Name is "a=b"; allowed: 1 to 64 letters`},
		"a name that is too long":         {session.Options{Name: strings.Repeat("n", 65)}, `Options.Name is "nnn`},
		"SameSite none on plain http":     {session.Options{SameSite: http.SameSiteNoneMode, Insecure: true}, "Options.SameSite is None, which browsers take with Secure only; allowed with Insecure: Lax, Strict"},
		"SameSite left to browsers":       {session.Options{SameSite: http.SameSiteDefaultMode}, "Options.SameSite is 1; allowed: 0 for Lax, or Lax, Strict or None"},
		"an idle timeout below a second":  {session.Options{IdleTimeout: time.Second - 1}, "Options.IdleTimeout is 999.999999ms; allowed: 0 for 30m0s, or 1s to 9600h0m0s"},
		"an idle timeout below 0":         {session.Options{IdleTimeout: -1}, "Options.IdleTimeout is -1ns; allowed: 0 for 30m0s"},
		"a lifetime above 400 days":       {session.Options{Lifetime: 400*24*time.Hour + 1}, "Options.Lifetime is 9600h0m0.000000001s; allowed: 0 for 24h0m0s, or 1s to 9600h0m0s"},
		"a lifetime that is forever":      {session.Options{Lifetime: cache.Forever}, "Options.Lifetime is"},
		"less than no data":               {session.Options{MaxBytes: -1}, "Options.MaxBytes is -1; allowed: 0 for 65536, or 1 to "},
		"more data than a cache can hold": {session.Options{MaxBytes: cache.MaxValueLen}, "Options.MaxBytes is 67108864; allowed: 0 for 65536, or 1 to "},
		"less than no sessions":           {session.Options{MaxPerUser: -1}, "Options.MaxPerUser is -1; allowed: 0 for 100, or 1 to 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := session.New(inMemory(t), &tc.options)
			if err == nil || !strings.HasPrefix(err.Error(), "session: new: "+tc.want) || made != nil {
				t.Errorf("%v, %v, want an error that begins with %q", made, err, "session: new: "+tc.want)
			}
		})
	}
}

func TestNewRefusesANilCache(t *testing.T) {
	if made, err := session.New(nil, nil); err == nil || err.Error() != "session: new: the cache is nil, in which no session is kept" || made != nil {
		t.Errorf("%v, %v", made, err)
	}
}

func TestNewRefusesAStoreThatCannotCompareAndSwap(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(struct{ cache.Store }{store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if made, err := session.New(c, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cache.Adder and no cache.Swapper") || made != nil {
		t.Errorf("%v, %v, want an error that names cache.Adder and cache.Swapper", made, err)
	}
}

func TestTheLimitsOfOptionsAreAllowed(t *testing.T) {
	for name, o := range map[string]session.Options{
		"the shortest times": {IdleTimeout: time.Second, Lifetime: time.Second},
		"the longest times":  {IdleTimeout: 400 * 24 * time.Hour, Lifetime: 400 * 24 * time.Hour},
		"the smallest":       {Name: "s", MaxBytes: 1, MaxPerUser: 1},
		"the largest":        {Name: strings.Repeat("n", 64), MaxPerUser: 10_000},
		"SameSite none":      {SameSite: http.SameSiteNoneMode},
	} {
		if _, err := session.New(inMemory(t), &o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func inMemory(t *testing.T) *cache.Cache {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
