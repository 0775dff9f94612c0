package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/telemetry"
	"github.com/larder-go/larder/settings"
)

// caches are the default cache of a service, its named caches, and what they share. The zero value is that of a service without any.
type caches struct {
	settings settings.Settings
	metrics  *telemetry.Metrics
	trouble  *trouble
	backends map[string]OpenFunc

	given    bool              // the program gave the default cache's store
	backend  string            // of the default cache, as metrics and the log call it
	main     *cache.Cache      // the default cache; nil where there is none
	registry *cache.Registry   // nil without Builder.Cache
	redis    *redisstore.Store // has the one client of all that are on Redis; nil where none is
	pages    *responses

	life context.Context //nolint:containedctx // ends with the caches: bounds the opening of one on its first use
	end  context.CancelFunc
}

// open opens the default cache, and those that APP_STORES names, so that their mistakes are seen now. What is open then is closed by
// close, also after an error; but for a store that the program gave, which is only where there is a default cache.
func (c *caches) open(ctx context.Context, b *Builder, a *App) []error {
	if !b.caching {
		return nil
	}
	*c = caches{settings: b.settings, metrics: a.metrics, trouble: newTrouble(a.logger, b.settings), backends: maps.Clone(b.backends)}
	c.life, c.end = context.WithCancel(context.Background())
	c.registry = cache.NewRegistry(c.onFirstUse)
	c.pages = &responses{registry: c.registry, settings: b.settings, logger: a.logger}
	c.given, c.backend = b.store != nil, b.settings.Cache.Backend
	if c.given {
		c.backend = "custom"
	}
	problems := c.openRedis(ctx, b.redisName())
	failed := func(backend string) bool { return isRedis(backend) && c.redis == nil }
	if !failed(c.backend) {
		problems = append(problems, c.openMain(ctx, b.store))
	}
	stores := b.settings.Stores.Names
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		if failed(stores[name]) {
			continue
		}
		named, err := c.openNamed(ctx, stores[name], name)
		if err == nil {
			err = c.registry.Register(name, named, false)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("cache %q: %w", name, err))
		}
	}
	return problems
}

// openRedis opens the store that has the client of all caches on Redis, whose backend has that name, "" where none is.
func (c *caches) openRedis(ctx context.Context, name string) []error {
	if name == "" {
		return nil
	}
	store, err := openRedis(ctx, c.settings)
	if err != nil {
		return []error{err}
	}
	c.redis = store
	return []error{c.metrics.WatchPool(name, store.PoolStats), c.metrics.WatchBreaker(name, store.BreakerStats)}
}

// openMain makes the default cache, over given where that is not nil.
func (c *caches) openMain(ctx context.Context, given cache.Store) error {
	store := given
	if store == nil {
		var err error
		if store, err = c.openStore(ctx, c.backend, ""); err != nil || store == nil {
			return err
		}
	}
	made, err := c.over(store, c.backend, "")
	if err != nil {
		return err
	}
	c.main = made
	if p, ok := store.(interface{ PoolStats() *redis.PoolStats }); ok && !isRedis(c.backend) { // that of Redis is watched for all
		return c.metrics.WatchPool(c.backend, p.PoolStats)
	}
	return nil
}

// onFirstUse makes a cache that nobody has named before, on the backend of the default one. The registry calls it once at a time for a
// name, on the goroutine of whoever asked.
func (c *caches) onFirstUse(name string) (*cache.Cache, error) {
	if known := []string{"rate_limit", "response_cache", "sessions"}; c.settings.Stores.Strict && !slices.Contains(known, name) {
		known = append(known, slices.Collect(maps.Keys(c.settings.Stores.Names))...)
		slices.Sort(known)
		return nil, fmt.Errorf("%w: APP_STORES_STRICT is true and nobody knows the name; allowed: %s, what else APP_STORES names, and what the program registers",
			cache.ErrNotFound, strings.Join(slices.Compact(known), ", "))
	}
	if c.given {
		return nil, fmt.Errorf("%w: the program gave a store for the default cache, which cannot be shared; give this one a backend, "+
			"as in APP_STORES=%s=memory, or register a cache of that name", cache.ErrNotFound, name)
	}
	ctx, cancel := context.WithTimeout(c.life, c.settings.Cache.HealthTimeout)
	defer cancel()
	return c.openNamed(ctx, c.backend, name)
}

// openNamed makes the cache of that name; on "none" it is the nil one.
func (c *caches) openNamed(ctx context.Context, backend, name string) (*cache.Cache, error) {
	store, err := c.openStore(ctx, backend, name)
	if err != nil || store == nil {
		return nil, err
	}
	return c.over(store, backend, name)
}

// over makes a cache over a store, which it owns or, with an error, closes.
func (c *caches) over(store cache.Store, backend, name string) (*cache.Cache, error) {
	count := c.metrics.CacheEvents(backend, name)
	made, err := cache.New(store, &cache.Options{TTL: c.settings.Cache.DefaultTTL, Timeout: c.settings.Cache.Timeout, OnEvent: func(e cache.Event) {
		count(e)
		if e.Op != "load" && e.Op != "refresh" { // whose errors are the source's
			c.trouble.note(name, e.Err)
		}
	}})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if _, err := made.Stats(context.Background()); errors.Is(err, errors.ErrUnsupported) {
		return made, nil
	}
	// Last, for it cannot be undone: whoever asks for the name again after a failure gets to this line once.
	err = c.metrics.WatchStore(backend, name, func() cache.Stats {
		st, _ := made.Stats(context.Background()) // closed: zeros
		return st
	})
	if err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return made, nil
}

// close closes the named caches, the default one, and the client that they share, in this order.
func (c *caches) close() error {
	if c.end != nil {
		c.end() // nobody waits for a store that is being opened
	}
	c.pages.close()
	err := errors.Join(c.registry.Close(), c.main.Close())
	if c.redis != nil && !isRedis(c.backend) { // else it was the default cache's
		err = errors.Join(err, c.redis.Close())
	}
	return err
}

// carry returns a context that carries the caches, for [cache.From] and [cache.RegistryFrom] to find.
func (c *caches) carry(ctx context.Context) context.Context {
	ctx = cache.NewRegistryContext(cache.NewContext(ctx, c.main), c.registry)
	if c.pages == nil {
		return ctx
	}
	return context.WithValue(ctx, responsesKey{}, c.pages)
}
