package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/internal/web"
)

// RateLimit limits how many requests each client may make under a path, as [Builder.Use] puts middleware there, and of those that match no route too. nil is the limit of
// APP_RATE_LIMIT_REQUESTS in APP_RATE_LIMIT_PERIOD; what o leaves out comes from the settings too: Limits, TrustedProxies, and whether it fails closed.
//
// What is counted is in the named cache rate_limit. Limiters have names of their own (Options.Name). Build fails where the cache keeps nothing, and where no route is
// under the path; on a backend that only this process has, the log says so at the start.
func (b *Builder) RateLimit(path string, o *ratelimit.Options) *Builder {
	l := &limits{path: path}
	if o != nil {
		l.options = *o
	}
	if l.options.Name == "" {
		l.options.Name = "default"
	}
	if slices.ContainsFunc(b.limits, func(other *limits) bool { return other.options.Name == l.options.Name }) {
		b.problem("rate limit %q: there is one named %q already; allowed: names that differ, in Options.Name", path, l.options.Name)
		return b
	}
	b.limits = append(b.limits, l)
	b.layers = append(b.layers, newLayer(path, true, l.middleware()))
	return b
}

// limits is a limiter under a path. It is made once the caches are open.
type limits struct {
	path    string
	options ratelimit.Options
	next    http.Handler
	handler http.Handler
}

func (l *limits) middleware() echo.MiddlewareFunc {
	return web.Adapt(func(next http.Handler) http.Handler {
		l.next = next
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.handler.ServeHTTP(w, r) })
	})
}

// bind makes the limiter, over the service's cache.
func (l *limits) bind(a *App) error {
	fail := func(err error) error { return fmt.Errorf("rate limit %q: %w", l.path, err) }
	named, err := a.namedFor("rate_limit")
	if err != nil {
		return fail(err)
	}
	o, s := l.options, a.settings
	if o.Limits == nil && o.LimitsFor == nil {
		o.Limits = []cache.Limit{{Requests: s.RateLimit.Requests, Period: s.RateLimit.Period}}
	}
	if o.TrustedProxies == nil {
		o.TrustedProxies, o.ProxiesSetting = s.HTTP.TrustedProxies, "APP_TRUSTED_PROXIES"
	}
	if o.Logger == nil {
		o.Logger = a.logger
	}
	o.FailClosed = o.FailClosed || s.RateLimit.Fail == "closed"
	count := a.metrics.RateLimit(o.Name, string(ratelimit.Store), string(ratelimit.Memory), string(ratelimit.InProcess), string(ratelimit.Nobody))
	own := o.OnDecision
	o.OnDecision = func(e ratelimit.Event) {
		count(e.Allowed, string(e.By))
		if own != nil {
			own(e)
		}
	}
	limiter, err := ratelimit.New(named, &o)
	if err != nil {
		return fail(err)
	}
	l.handler = limiter.Handler(l.next)
	return nil
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
		return nil, fmt.Errorf("it needs the cache %q, and APP_CACHE_BACKEND=none keeps nothing; allowed: another, or one for it alone, as in APP_STORES=%s=memory", name, name)
	}
	return named, nil
}

// isLocal reports whether a named cache is in this process only.
func (c *caches) isLocal(name string) bool {
	backend, ok := c.settings.Stores.Names[name]
	if !ok {
		backend = c.backend
	}
	return backend == "memory"
}

// warnLocal says, once, what is kept in this process only.
func (a *App) warnLocal(ctx context.Context, name, what string) {
	if a.caches.isLocal(name) {
		a.logger.WarnContext(ctx, what+" are in the memory of this process: others do not see them, and a restart loses them; with several processes, set APP_STORES="+name+"=redis",
			"cache", name)
	}
}
