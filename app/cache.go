package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/health"
	"github.com/larder-go/larder/settings"
)

// closeTimeout bounds the first ping of a store, and the closing, for which it has nothing to write.
const closeTimeout = 2 * time.Second

// builtIn are the backends that every program has.
func builtIn() []string { return []string{"memory", "none", "redis", "valkey"} }

// notBuiltIn are the backends whose names are taken.
func notBuiltIn() []string { return []string{"file", "tiered"} }

// checkBackend reports a backend that nobody knows.
func (b *Builder) checkBackend() []error {
	name := b.settings.Cache.Backend
	if !b.caching || b.store != nil || b.backends[name] != nil || slices.Contains(builtIn(), name) {
		return nil
	}
	why := "unknown backend"
	if slices.Contains(notBuiltIn(), name) {
		why = "not built in yet"
	}
	return []error{settings.Problem{Var: "APP_CACHE_BACKEND", Value: name, Why: why, Allowed: b.backendNames()}}
}

// openCache opens the store and makes it the cache of a.
func (b *Builder) openCache(ctx context.Context, a *App) []error {
	if !b.caching {
		return nil
	}
	a.backend = b.settings.Cache.Backend
	store, err := b.openStore(ctx, a)
	if err != nil {
		return []error{err}
	}
	if store == nil { // "none"
		return nil
	}
	trouble := newTrouble(a.logger, a.settings)
	count := a.metrics.CacheEvents(a.backend)
	c, err := cache.New(store, &cache.Options{TTL: b.settings.Cache.DefaultTTL, OnEvent: func(e cache.Event) {
		count(e)
		trouble.note(e.Err)
	}})
	if err != nil {
		return []error{err, store.Close()}
	}
	a.cache = c
	return a.watch(store)
}

func (b *Builder) openStore(ctx context.Context, a *App) (cache.Store, error) {
	s := b.settings.Cache
	if b.store != nil {
		a.backend = "custom"
		return b.store, nil
	}
	switch s.Backend {
	case "none":
		return nil, nil //nolint:nilnil // no store is what the operator asked for
	case "memory":
		return memstore.New(&memstore.Options{MaxEntries: s.MaxEntries, MaxBytes: s.MaxBytes})
	case "redis", "valkey":
		store, err := b.openRedis(ctx)
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	store, err := b.backends[s.Backend](ctx, b.settings)
	if err == nil && store == nil {
		err = errors.New("it opened no store")
	}
	if err != nil {
		return nil, fmt.Errorf("backend %q: %w", s.Backend, err)
	}
	return store, nil
}

// hasStore tells whether there will be a store to start, to check and to stop.
func (b *Builder) hasStore() bool {
	return b.caching && (b.store != nil || b.settings.Cache.Backend != "none")
}

// checkRedis reports what is wrong with the URL where the store is not opened, for other reasons.
func (b *Builder) checkRedis(ctx context.Context) []error {
	if name := b.settings.Cache.Backend; !b.caching || b.store != nil || name != "redis" && name != "valkey" {
		return nil
	}
	store, err := b.openRedis(ctx)
	if err != nil {
		return []error{err}
	}
	return slices.DeleteFunc([]error{store.Close()}, func(err error) bool { return err == nil })
}

// openRedis does no I/O but to read a CA file.
func (b *Builder) openRedis(ctx context.Context) (*redisstore.Store, error) {
	s := b.settings.Cache
	store, err := redisstore.Open(ctx, b.settings.RedisURL(), &redisstore.Options{KeyPrefix: s.KeyPrefix, Timeout: s.Timeout})
	if err != nil {
		return nil, redisProblem(b.settings, err)
	}
	return store, nil
}

// watch adds the cache to the metrics.
func (a *App) watch(store cache.Store) []error {
	var problems []error
	if _, err := a.cache.Stats(context.Background()); !errors.Is(err, errors.ErrUnsupported) {
		problems = append(problems, a.metrics.WatchStore(a.backend, func() cache.Stats {
			st, _ := a.cache.Stats(context.Background()) // closed: zeros
			return st
		}))
	}
	if p, ok := store.(interface{ PoolStats() *redis.PoolStats }); ok {
		problems = append(problems, a.metrics.WatchPool(a.backend, p.PoolStats))
	}
	return slices.DeleteFunc(problems, func(err error) bool { return err == nil })
}

// cacheCheck is the cache's part in readiness.
func (a *App) cacheCheck() health.Check {
	return health.Check{
		Name:    "cache",
		Run:     func(ctx context.Context) error { return a.cache.Ping(ctx) },
		Timeout: a.settings.Cache.HealthTimeout,
		Degrade: a.settings.Cache.Readiness == "degraded",
	}
}

// startCache asks the backend once, so that a mistake is named at the start. One that is down does not stop the process unless the
// operator said so: it may come back, and until then handlers answer from the source.
func (a *App) startCache(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Cache.HealthTimeout)
	defer cancel()
	err := a.cache.Ping(ctx)
	if err != nil && a.settings.Cache.FailStart {
		if fix := advice(a.settings, err); fix != "" {
			err = fmt.Errorf("%w; %s", err, fix)
		}
		return err
	}
	return nil
}

func (a *App) stopCache(context.Context) error { return a.cache.Close() }
