package cache_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestFrom(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if got := cache.From(holder{r}); got != nil {
		t.Errorf("From a request without a cache = %v; want nil", got)
	}
	with := r.WithContext(cache.NewContext(r.Context(), c))
	if err := cache.From(holder{with}).Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if v, _, _ := c.Get(t.Context(), "k"); string(v) != "v" {
		t.Errorf("a value set through the request's cache = %q; want it in the cache", v)
	}
	if got := cache.FromContext(cache.NewContext(with.Context(), nil)); got != nil {
		t.Errorf("a nil cache in a context = %v; want it to hide the other", got)
	}
	if n := testing.AllocsPerRun(100, func() { cache.From(holder{with}) }); n != 0 {
		t.Errorf("From allocates %v times; want 0", n)
	}
}

type holder struct{ r *http.Request }

func (h holder) Request() *http.Request { return h.r }

func TestRegistryFrom(t *testing.T) {
	s := &recorder{}
	reg := cache.NewRegistry(nil)
	if err := reg.Register("pages", over(t, s), false); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if got := cache.RegistryFrom(holder{r}); got != nil {
		t.Errorf("RegistryFrom a request without one = %v; want nil", got)
	}
	with := r.WithContext(cache.NewRegistryContext(r.Context(), reg))
	handle := cache.RegistryFrom(holder{with})
	c, err := handle.Get("pages")
	if err != nil {
		t.Fatal(err)
	}
	if err := handle.Close(); err != nil {
		t.Errorf("Close of a registry from a request: %v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping after the request closed its handle on the registry: %v; want the cache open", err)
	}
	if err := handle.Register("more", nil, false); err != nil {
		t.Errorf("Register through a registry from a request: %v", err)
	}
	if _, err := reg.Get("more"); err != nil {
		t.Errorf("what was registered through a request's handle is not in the registry: %v", err)
	}
	if got := cache.RegistryFromContext(cache.NewRegistryContext(with.Context(), nil)); got != nil {
		t.Errorf("a nil registry in a context = %v; want it to hide the other", got)
	}
	if err := reg.Close(); err != nil || s.calls[len(s.calls)-1] != "close" {
		t.Errorf("Close of the registry itself: %v, the store's calls %q; want it closed", err, s.calls)
	}
	if n := testing.AllocsPerRun(100, func() { cache.RegistryFrom(holder{with}) }); n != 0 {
		t.Errorf("RegistryFrom allocates %v times; want 0", n)
	}
}
