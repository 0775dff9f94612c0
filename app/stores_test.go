package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/settings"
)

func TestStoresPutsANameOnABackend(t *testing.T) {
	var s shelves
	env := []string{"APP_STORES=sessions=shelf,pages=none,reports=memory"}
	a := apptest.New(t, app.New(load(t, env...)).Cache().Backend("shelf", s.open))
	for name, want := range map[string]bool{"sessions": true, "pages": false, "reports": true, "anything": true} {
		c := named(t, a.Registry(), name)
		set(t, c, "k")
		if got := has(t, c, "k"); got != want {
			t.Errorf("%s has what was stored: %t; want %t", name, got, want)
		}
	}
	if opened, _ := s.seen(); !slices.Equal(opened, []string{"cache.sessions:"}) {
		t.Errorf("the backend was opened for %q; want the name that is on it alone", opened)
	}
}

func TestABackendIsOpenedForEachCacheUnderAPrefixOfItsOwn(t *testing.T) {
	var s shelves
	a := apptest.New(t, app.New(load(t, "APP_CACHE_BACKEND=shelf", "APP_STORES=sessions=shelf", "APP_CACHE_DEFAULT_TTL=7m")).Cache().Backend("shelf", s.open))
	if opened, _ := s.seen(); !slices.Equal(opened, []string{"cache:", "cache.sessions:"}) {
		t.Errorf("Build opened %q; want the default cache and the name of APP_STORES", opened)
	}
	for range 2 {
		for _, c := range []*cache.Cache{a.Cache(), named(t, a.Registry(), "sessions"), named(t, a.Registry(), "pages")} {
			if err := c.Set(t.Context(), "k", nil, cache.DefaultTTL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if opened, _ := s.seen(); !slices.Equal(opened, []string{"cache:", "cache.sessions:", "cache.pages:"}) {
		t.Errorf("opened were %q; want another name on its first use, and each once", opened)
	}
	for prefix, ttl := range s.ttls {
		if ttl != 7*time.Minute {
			t.Errorf("the default lifetime under %s is %v; want APP_CACHE_DEFAULT_TTL", prefix, ttl)
		}
	}
}

func TestTheFirstUseOfANameIsSafeInAnyNumberOfGoroutines(t *testing.T) {
	var s shelves
	a := apptest.New(t, app.New(load(t, "APP_CACHE_BACKEND=shelf")).Cache().Backend("shelf", s.open))
	var wg sync.WaitGroup
	handles := make([]*cache.Cache, 64)
	for i := range handles {
		wg.Go(func() { handles[i], _ = a.Registry().Get(fmt.Sprint("name", i%2)) })
	}
	wg.Wait()
	for i, c := range handles {
		if c == nil || c != handles[i%2] {
			t.Errorf("goroutine %d got %p; want the handle %p that all of that name get", i, c, handles[i%2])
		}
	}
	if opened, _ := s.seen(); len(opened) != 3 {
		t.Errorf("opened were %q; want the default cache and each name once", opened)
	}
}

func TestANameWhoseStoreCannotBeOpenedIsTheCallersError(t *testing.T) {
	s := shelves{fail: map[string]error{"cache.pages:": errors.New("the shelf is full")}}
	a := apptest.New(t, app.New(load(t, "APP_CACHE_BACKEND=shelf")).Cache().Backend("shelf", s.open))
	for range 2 {
		c, err := a.Registry().Get("pages")
		if want := `cache: registry: get "pages": backend "shelf": the shelf is full`; c != nil || err == nil || err.Error() != want {
			t.Errorf("Get gives %v, %v; want %s", c, err, want)
		}
	}
	s.heal()
	set(t, named(t, a.Registry(), "pages"), "k")
}

func TestAnOpeningOnFirstUseIsBounded(t *testing.T) {
	opening := make(chan struct{}, 1)
	hangs := func(ctx context.Context, s settings.Settings) (cache.Store, error) {
		if s.Cache.KeyPrefix == "cache:" {
			return memory(t), nil
		}
		opening <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	t.Run("by the timeout of the health check", func(t *testing.T) {
		a := apptest.New(t, app.New(load(t, "APP_CACHE_BACKEND=slow", "APP_CACHE_HEALTH_TIMEOUT=20ms")).Cache().Backend("slow", hangs))
		if _, err := a.Registry().Get("pages"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get gives %v; want DeadlineExceeded", err)
		}
		<-opening
	})
	t.Run("by the stop of the service", func(t *testing.T) {
		a := build(t, app.New(load(t, "APP_CACHE_BACKEND=slow", "APP_CACHE_HEALTH_TIMEOUT=1h")).Cache().Backend("slow", hangs))
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 1)
		go func() {
			_, err := a.Registry().Get("pages")
			errs <- err
		}()
		<-opening
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("Get gives %v; want Canceled", err)
		}
	})
}

func TestWithoutAnyCacheEveryNameIsTheNilCache(t *testing.T) {
	for name, b := range map[string]*app.Builder{
		"a service without a cache": app.New(load(t, "APP_STORES=sessions=nope", "APP_STORES_STRICT=true")),
		"the backend none":          app.New(load(t, "APP_CACHE_BACKEND=none")).Cache(),
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.New(t, b)
			if c, err := a.Registry().Get("anything"); c != nil || err != nil {
				t.Errorf("Get gives %v, %v; want the nil cache", c, err)
			}
		})
	}
}

func TestAStrictRegistryKnowsItsNames(t *testing.T) {
	a := apptest.New(t, app.New(load(t, "APP_STORES_STRICT=true", "APP_STORES=pages=memory")).Cache())
	mine, err := cache.New(memory(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Registry().Register("mine", mine, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pages", "mine", "sessions", "rate_limit", "response_cache"} {
		set(t, named(t, a.Registry(), name), "k")
	}
	_, err = a.Registry().Get("page")
	if !errors.Is(err, cache.ErrNotFound) {
		t.Fatalf("Get of a name that nobody knows: %v; want ErrNotFound", err)
	}
	for _, want := range []string{`"page"`, "APP_STORES_STRICT", "allowed: pages, rate_limit, response_cache, sessions,"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Get: %v; want %s in it", err, want)
		}
	}
}

func TestAStoreThatTheProgramGivesIsTheDefaultCachesAlone(t *testing.T) {
	store := memory(t)
	a := apptest.New(t, app.New(load(t, "APP_STORES=sessions=memory", "APP_CACHE_BACKEND=nope")).Store(store))
	set(t, a.Cache(), "k")
	if _, found, err := store.Get(t.Context(), "k"); !found || err != nil {
		t.Errorf("the store has what the default cache stored: %t, %v; want it", found, err)
	}
	set(t, named(t, a.Registry(), "sessions"), "s")
	if has(t, a.Cache(), "s") {
		t.Error("the named cache is in the store")
	}
	_, err := a.Registry().Get("pages")
	if !errors.Is(err, cache.ErrNotFound) || !strings.Contains(err.Error(), "APP_STORES=pages=memory") {
		t.Errorf("Get of a name without a backend: %v; want ErrNotFound, and how to give it one", err)
	}
}
