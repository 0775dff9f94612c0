package app

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/web"
)

// RateLimitOptions are those of [Builder.RateLimit]: see [ratelimit.Options].
type RateLimitOptions = ratelimit.Options

// RateLimit limits how many requests each client may make under a path, as [Builder.Use] puts middleware there, and of those that match no route too. nil is the limit of
// APP_RATE_LIMIT_REQUESTS in APP_RATE_LIMIT_PERIOD; what o leaves out comes from the settings too: Limits, TrustedProxies, and whether it fails closed. Inside of
// [Builder.Sessions], which comes before it in the chain then, a user who has logged in is a client of their own, unless o has a Client.
//
// What is counted is in the named cache rate_limit. Limiters have names of their own (Options.Name). Build fails where the cache keeps nothing, and where no route is
// under the path; on a backend that only this process has, the log says so at the start.
func (b *Builder) RateLimit(path string, o *RateLimitOptions) *Builder {
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
	b.integrations = append(b.integrations, integration{name: limitsCache, what: "rate limits", bind: l.bind})
	b.layers = append(b.layers, newLayer(path, true, l.middleware()))
	return b
}

// limitsCache is the name of the cache that limits are counted in.
const limitsCache = "rate_limit"

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
	named, err := a.namedFor(limitsCache)
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
	if o.Client == nil {
		o.Client = loggedIn
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

// loggedIn names the user whose request it is, "" where nobody has logged in, or the session cannot be read: whether requests pass then is for APP_RATE_LIMIT_FAIL to say.
func loggedIn(r *http.Request) string {
	s := session.From(r.Context())
	if s == nil {
		return ""
	}
	user, _ := s.PeekUser(r.Context())
	return user
}
