package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestAStrictRegistry(t *testing.T) {
	r := cache.NewRegistry(nil)
	if c, err := r.Get("sesions"); c != nil || errText(err) != `cache: registry: get "sesions": not found: no cache has that name` || !errors.Is(err, cache.ErrNotFound) {
		t.Errorf("Get of an unknown name = %v, %v; want ErrNotFound", c, err)
	}
	if err := r.Register("sessions", over(t, newShelf()), false); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Get("sessions"); c == nil || err != nil {
		t.Errorf("Get of a registered name = %v, %v; want its cache", c, err)
	}
}

func TestARegisteredNameIsNotMade(t *testing.T) {
	f := &shelves{}
	r := cache.NewRegistry(f.open)
	s := newShelf()
	c := over(t, s)
	if err := r.Register("sessions", c, false); err != nil {
		t.Fatal(err)
	}
	got, err := r.Get("sessions")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := r.Get("sessions"); again != got {
		t.Errorf("Get again = %p; want the same handle %p", again, got)
	}
	_ = got.Set(t.Context(), "k", []byte("v"), time.Hour)
	if v, _, _ := c.Get(t.Context(), "k"); string(v) != "v" || len(f.asked) > 0 {
		t.Errorf("through the registered cache: %q, the factory was asked %q; want the value, and nothing", v, f.asked)
	}
}

func TestTheNilCacheCanBeRegistered(t *testing.T) {
	r := cache.NewRegistry(nil)
	if err := r.Register("pages", nil, false); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Get("pages"); c != nil || err != nil {
		t.Errorf("Get = %v, %v; want the nil cache", c, err)
	}
	if err := r.Register("pages", nil, false); err == nil {
		t.Error("Register again: nil; want an error: the name is taken, by the nil cache too")
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestANameThatIsTakenNeedsOverride(t *testing.T) {
	r := cache.NewRegistry((&shelves{}).open)
	first, second := newShelf(), newShelf()
	if err := r.Register("sessions", over(t, first), false); err != nil {
		t.Fatal(err)
	}
	held, _ := r.Get("sessions")
	c := over(t, second)
	want := `cache: registry: register "sessions": the name is taken, and override was not asked for`
	if err := r.Register("sessions", c, false); errText(err) != want {
		t.Errorf("Register of a registered name: %v; want %q", err, want)
	}
	if again, _ := r.Get("sessions"); again != held {
		t.Errorf("after the error: %p; want the handle from before, %p", again, held)
	}
	if _, err := r.Get("pages"); err != nil {
		t.Fatal(err)
	}
	if err := r.Register("pages", c, false); err == nil {
		t.Error("Register of a name that the factory made: nil; want an error")
	}
	if err := r.Register("sessions", c, true); err != nil {
		t.Fatal(err)
	}
	if again, _ := r.Get("sessions"); again == held {
		t.Error("after an override Get gives the replaced handle")
	}
	if err := held.Ping(t.Context()); err != nil {
		t.Errorf("Ping of what was replaced: %v; want it open, for somebody may hold it", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !first.closed || !second.closed {
		t.Errorf("after Close what was replaced is closed: %t, what replaced it: %t; want both", first.closed, second.closed)
	}
}

func TestWhatCouldNotBeRegisteredStaysTheCallers(t *testing.T) {
	s := newShelf()
	c := over(t, s)
	r := cache.NewRegistry(nil)
	_ = r.Register("taken", nil, false)
	for name, err := range map[string]error{"a taken name": r.Register("taken", c, false), "an invalid name": r.Register("a b", c, true)} {
		if err == nil {
			t.Errorf("Register of %s: nil; want an error", name)
		}
	}
	_ = r.Close()
	if err := r.Register("late", c, false); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Register after Close: %v; want ErrClosed", err)
	}
	if s.closed {
		t.Error("the registry closed a cache that it refused")
	}
}

func TestTheNamesOfARegistryAreThoseOfNamespaces(t *testing.T) {
	f := &shelves{}
	r := cache.NewRegistry(f.open)
	for _, name := range []string{"", "a b", "a:b", "@a", "é", "a/b", strings.Repeat("n", 65)} {
		if c, err := r.Get(name); c != nil || err == nil || !strings.HasPrefix(errText(err), "cache: registry: get: the name ") {
			t.Errorf("Get(%q) = %v, %v; want an error", name, c, err)
		}
		if err := r.Register(name, nil, true); err == nil || !strings.HasPrefix(errText(err), "cache: registry: register: the name ") {
			t.Errorf("Register(%q): %v; want an error", name, err)
		}
	}
	for _, name := range []string{"a", "Z-9_", strings.Repeat("n", 64)} {
		if _, err := r.Get(name); err != nil {
			t.Errorf("Get(%q): %v; want it allowed", name, err)
		}
	}
	if len(f.asked) != 3 {
		t.Errorf("the factory was asked for %q; want the three valid names", f.asked)
	}
}

func TestTheNilRegistry(t *testing.T) {
	var r *cache.Registry
	if c, err := r.Get("sessions"); c != nil || err != nil {
		t.Errorf("Get = %v, %v; want the nil cache", c, err)
	}
	if err := r.Register("sessions", nil, true); errText(err) != `cache: registry: register "sessions": the registry is nil` {
		t.Errorf("Register: %v; want an error", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got := cache.RegistryFromContext(cache.NewRegistryContext(context.Background(), r)); got != nil {
		t.Errorf("from a context: %v; want nil", got)
	}
}

func TestNamespacesOfOneCacheAsNamedCaches(t *testing.T) {
	s := newShelf()
	root := over(t, s)
	r := cache.NewRegistry(func(name string) (*cache.Cache, error) { return root.Namespace(name), nil })
	for _, name := range []string{"sessions", "pages"} {
		c, err := r.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Set(t.Context(), "k", []byte("of "+name), time.Hour)
	}
	pages, _ := r.Get("pages")
	_ = pages.Clear(t.Context())
	sessions, _ := r.Get("sessions")
	if v, _, _ := sessions.Get(t.Context(), "k"); string(v) != "of sessions" {
		t.Errorf("after another name was cleared: %q; want it there", v)
	}
	if err := r.Close(); err != nil || s.closed {
		t.Errorf("Close: %v, the store is closed: %t; want it open, for a namespace does not own it", err, s.closed)
	}
}
