package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/internal/health"
)

// closeTimeout bounds the first ping of a store, and the closing, for which it has nothing to write.
const closeTimeout = 2 * time.Second

// cacheChecks are the caches' part in readiness: a check of the default cache, and of each name of APP_STORES on another backend. What is on the
// backend of the default cache is up and down with it.
func (b *Builder) cacheChecks(c *caches) []health.Check {
	if !b.caching {
		return nil
	}
	var checks []health.Check
	add := func(check, name string) {
		checks = append(checks, health.Check{
			Name:    check,
			Run:     func(ctx context.Context) error { return c.ping(ctx, name) },
			Timeout: b.settings.Cache.HealthTimeout,
			Degrade: b.settings.Cache.Readiness == "degraded",
		})
	}
	main := b.settings.Cache.Backend
	if b.store != nil || main != "none" {
		add("cache", "")
	}
	stores := b.settings.Stores.Names
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		if backend := stores[name]; backend != "none" && (b.store != nil || !sameBackend(backend, main)) {
			add("cache."+name, name)
		}
	}
	return checks
}

// ping asks the backend of the cache of that name, "" for the default one. A store that panics does not serve.
func (c *caches) ping(ctx context.Context, name string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	pinged := c.main
	if name != "" {
		if pinged, err = c.registry.Get(name); err != nil {
			return err
		}
	}
	return pinged.Ping(ctx)
}

// start asks the backends once, all at the same time, so that a mistake is named at the start. One that is down does not stop the process
// unless the operator said so: it may come back, and until then handlers answer from the source. With an error everything is closed, for what
// did not start is not stopped.
func (c *caches) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Cache.HealthTimeout)
	defer cancel()
	names := slices.Sorted(maps.Keys(c.settings.Stores.Names))
	errs := make([]error, 1+len(names))
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = c.ping(ctx, "") })
	for i, name := range names {
		wg.Go(func() {
			if err := c.ping(ctx, name); err != nil {
				errs[1+i] = fmt.Errorf("cache %q: %w", name, err)
			}
		})
	}
	wg.Wait()
	if !c.settings.Cache.FailStart {
		return nil
	}
	for i, err := range errs {
		if fix := advice(c.settings, err); err != nil && fix != "" {
			errs[i] = fmt.Errorf("%w; %s", err, fix)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(err, c.close())
	}
	return nil
}
