package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/settings"
)

// builtIn are the backends that every program has.
func builtIn() []string { return []string{"file", "memory", "none", "redis", "tiered", "valkey"} }

// isRedis tells whether a backend is on the one client of Redis that a program has.
func isRedis(backend string) bool {
	return backend == "redis" || backend == "valkey" || backend == "tiered"
}

// sameBackend tells whether two backends are up and down together.
func sameBackend(a, b string) bool { return a == b || isRedis(a) && isRedis(b) }

// checkBackends reports the backends that nobody knows: that of the default cache, and those of APP_STORES.
func (b *Builder) checkBackends() []error {
	if !b.caching {
		return nil
	}
	var problems []error
	if name := b.settings.Cache.Backend; b.store == nil {
		if why := b.unknown(name); why != "" {
			problems = append(problems, settings.Problem{Var: "APP_CACHE_BACKEND", Value: name, Why: why, Allowed: b.backendNames()})
		}
	}
	stores := b.settings.Stores.Names
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		if why := b.unknown(stores[name]); why != "" {
			// A value that may be a secret is not shown, so the name is said here too.
			why = fmt.Sprintf("cache %q: %s", name, why)
			problems = append(problems, settings.Problem{Var: "APP_STORES", Value: name + "=" + stores[name], Why: why, Allowed: b.backendNames()})
		}
	}
	return problems
}

// unknown says what is wrong with the name of a backend, "" where nothing is.
func (b *Builder) unknown(backend string) string {
	if b.backends[backend] != nil || slices.Contains(builtIn(), backend) {
		return ""
	}
	return "unknown backend"
}

// backendNames is what a backend may be.
func (b *Builder) backendNames() string {
	names := append(builtIn(), slices.Collect(maps.Keys(b.backends))...)
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// checkRedis reports what is wrong with the URL where the stores are not opened, for other reasons.
func (b *Builder) checkRedis(ctx context.Context) []error {
	if !b.caching || b.redisName() == "" {
		return nil
	}
	store, err := openRedis(ctx, b.settings)
	if err != nil {
		return []error{err}
	}
	return []error{store.Close()}
}

// redisName is what the backend of the caches on Redis is called: by the default cache, else by the first of APP_STORES that is on it.
// It is "" where none is.
func (b *Builder) redisName() string {
	if name := b.settings.Cache.Backend; b.store == nil && isRedis(name) {
		return name
	}
	stores := b.settings.Stores.Names
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		if isRedis(stores[name]) {
			return stores[name]
		}
	}
	return ""
}

// openRedis does no I/O but to read a CA file.
func openRedis(ctx context.Context, s settings.Settings) (*redisstore.Store, error) {
	store, err := redisstore.Open(ctx, s.RedisURL(), &redisstore.Options{KeyPrefix: s.Cache.KeyPrefix, Timeout: s.Cache.Timeout})
	if err != nil {
		return nil, redisProblem(s, err)
	}
	return store, nil
}

// openStore opens the store of the cache of that name, "" for the default one, on a backend that is known. There is none on "none".
func (c *caches) openStore(ctx context.Context, backend, name string) (cache.Store, error) {
	s := c.settings
	switch {
	case backend == "none":
		return nil, nil //nolint:nilnil // no store is what the operator asked for
	case backend == "memory":
		return memstore.New(&memstore.Options{MaxEntries: s.Cache.MaxEntries, MaxBytes: s.Cache.MaxBytes})
	case backend == "file":
		return openFile(s, name)
	case isRedis(backend):
		return c.openFar(backend, name)
	}
	s.Cache.KeyPrefix = keyPrefix(s.Cache.KeyPrefix, name)
	store, err := c.backends[backend](ctx, s)
	if err == nil && store == nil {
		err = errors.New("it opened no store")
	}
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", backend, err)
	}
	return store, nil
}

// openFar opens a store on the client of Redis. With "tiered" there is memory in front of it, but not where what must hold at this moment is kept.
func (c *caches) openFar(backend, name string) (cache.Store, error) {
	far := c.redis
	if name != "" {
		var err error
		if far, err = c.redis.Named(name); err != nil {
			return nil, err
		}
	}
	if backend != "tiered" || name == "sessions" || name == "rate_limit" {
		return far, nil
	}
	s := c.settings.Cache
	near, err := memstore.New(&memstore.Options{MaxEntries: s.MaxEntries, MaxBytes: s.MaxBytes})
	if err != nil {
		return nil, err
	}
	return tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) { c.tracking(name, err) }})
}

// tracking logs that the near store of a cache is used from now on, or why it is not.
func (c *caches) tracking(name string, err error) {
	log := c.trouble.of(name)
	switch {
	case err == nil:
		log.Info("the cache reads from memory what Redis says has not changed")
	case errors.Is(err, errors.ErrUnsupported):
		log.Warn("the cache reads everything from Redis", "error", err)
	default:
		log.Warn("the cache reads everything from Redis until it tells of changes again", "error", err)
	}
}

// keyPrefix is what the keys of a named cache begin with: "cache.sessions:" where those of the default one begin with "cache:". No name has
// a dot or a colon, so that no prefix is the beginning of another.
func keyPrefix(prefix, name string) string {
	if name == "" {
		return prefix
	}
	return strings.TrimSuffix(prefix, ":") + "." + name + ":"
}
