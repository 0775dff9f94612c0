package cache_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

func TestNew(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store cache.Store
		o     *cache.Options
		want  string // "" for success
	}{
		{"takes nil options", &recorder{}, nil, ""},
		{"takes a default lifetime", &recorder{}, &cache.Options{TTL: time.Second}, ""},
		{"takes Forever as the default", &recorder{}, &cache.Options{TTL: cache.Forever}, ""},
		{"refuses a nil store", nil, nil, "the store is nil"},
		{"refuses a negative default", &recorder{}, &cache.Options{TTL: -time.Second}, "invalid lifetime: default of -1s"},
		{"refuses KeepTTL as the default", &recorder{}, &cache.Options{TTL: cache.KeepTTL}, "invalid lifetime"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := cache.New(tc.store, tc.o)
			if got := errText(err); (tc.want == "") != (err == nil) || !strings.Contains(got, tc.want) {
				t.Errorf("New: %q; want %q", got, tc.want)
			}
		})
	}
}

func TestCloseOf(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name string
		do   func(c *cache.Cache)
		want []string
	}{
		{"the cache closes the store", func(c *cache.Cache) { _ = c.Close() }, []string{"close"}},
		{"it again closes nothing more", func(c *cache.Cache) { _ = c.Close(); _ = c.Close() }, []string{"close"}},
		{"a namespace closes nothing", func(c *cache.Cache) { _ = c.Namespace("a").Close() }, nil},
		{"a handle from a context closes nothing", func(c *cache.Cache) { _ = cache.FromContext(cache.NewContext(ctx, c)).Close() }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &recorder{}
			tc.do(over(t, s))
			if diff := cmp.Diff(tc.want, s.calls); diff != "" {
				t.Errorf("the store's calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloseTellsEachTimeWhatTheStoreSaid(t *testing.T) {
	s := &recorder{err: errors.New("it would not close")}
	c := over(t, s)
	for range 2 {
		if got := errText(c.Close()); got != "cache: close: it would not close" {
			t.Errorf("Close: %q; want the store's error", got)
		}
	}
	if err := c.Namespace("a").Ping(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Ping of a namespace afterwards: %v; want ErrClosed", err)
	}
}

func TestNamespacePanicsOn(t *testing.T) {
	c := over(t, &recorder{})
	deep := c
	for range 8 {
		deep = deep.Namespace("n")
	}
	for _, tc := range []struct {
		name string
		c    *cache.Cache
		ns   string
		want string
	}{
		{"an empty name", c, "", "has 0 bytes; allowed: 1 to 64"},
		{"a name of 65 bytes", c, strings.Repeat("n", 65), "has 65 bytes"},
		{"a colon", c, "a:b", `has ':'`},
		{"an @", c, "@a", `has '@'`},
		{"a letter beyond ASCII", c, "é", "allowed: letters and digits of ASCII"},
		{"a bad name on a nil cache too", nil, "a b", `has ' '`},
		{"a ninth level", deep, "n", "more than 8 deep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, tc.want) {
					t.Errorf("panic %q; want %q", got, tc.want)
				}
			}()
			tc.c.Namespace(tc.ns)
		})
	}
}
