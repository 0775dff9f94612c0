package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/larder-go/larder/cache"
)

// integration is a part of the service that cannot do without a named cache.
type integration struct {
	name string // of the cache
	what string // is kept there
	bind func(*App) error
}

// integrate makes the parts that need a named cache, once the caches are open.
func (b *Builder) integrate(a *App) []error {
	var problems []error
	for _, i := range b.integrations {
		if err := i.bind(a); err != nil {
			problems = append(problems, err)
		}
	}
	a.integrations = b.integrations
	return problems
}

// namedFor returns a named cache that a part of the service cannot do without.
func (a *App) namedFor(name string) (*cache.Cache, error) {
	if a.caches.registry == nil {
		return nil, fmt.Errorf("it needs the cache %q, and the service has none; allowed: with Builder.Cache", name)
	}
	named, err := a.caches.registry.Get(name)
	if err != nil {
		return nil, err
	}
	if named == nil {
		return nil, fmt.Errorf("it needs the cache %q, and %s keeps nothing; allowed: another backend, or one for it alone, as in APP_STORES=%s=memory", name, a.caches.setting(name), name)
	}
	return named, nil
}

// backendOf is the backend that a named cache is on.
func (c *caches) backendOf(name string) string {
	if backend, ok := c.settings.Stores.Names[name]; ok {
		return backend
	}
	return c.backend
}

// setting is the variable that put a named cache on its backend, with its value.
func (c *caches) setting(name string) string {
	if _, ok := c.settings.Stores.Names[name]; ok {
		return "APP_STORES=" + name + "=" + c.backendOf(name)
	}
	return "APP_CACHE_BACKEND=" + c.backendOf(name)
}

// isLocal reports whether only this process has what is in a named cache. Of a backend of the program's own nobody knows.
func (c *caches) isLocal(name string) bool { return c.backendOf(name) == "memory" }

// warn says, once for each thing, what an operator may not have meant.
func (a *App) warn(ctx context.Context) {
	var what, where []string
	told := make(map[string]bool)
	for _, i := range a.integrations {
		if !told[i.name] && a.caches.isLocal(i.name) {
			what, where = append(what, i.what), append(where, i.name+"=redis")
		}
		told[i.name] = true
	}
	if len(what) > 0 {
		a.logger.WarnContext(ctx, strings.Join(what, " and ")+" are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES="+
			strings.Join(where, ","))
	}
	if a.sessions != nil && !a.settings.Session.Secure {
		a.logger.WarnContext(ctx, "APP_SESSION_SECURE=false: cookies of sessions go over plain http, where others can read and set them; that is for development")
	}
}
