package app

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/httpcache"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/web"
	"github.com/larder-go/larder/settings"
)

// ResponseRule says what is cached of a handler's responses, and for how long: see [httpcache.Rule].
type ResponseRule = httpcache.Rule

// CacheResponses makes middleware that answers requests from stored responses, for [Builder.Use], an Echo group or one route. What is
// stored is in the named cache response_cache, and what all such middleware of a service stores is invalidated by each. Put it inside of what
// decides whether a visitor may see a page at all, of [Builder.Sessions] too: what is inside of it is not asked on a hit. A response that a handler has used its visitor's session for is
// not stored.
//
// In a service without Builder.Cache, or with response_cache=none, nothing is stored. CacheResponses panics where the rule is wrong, as a wrong constant would.
func CacheResponses(l ResponseRule) echo.MiddlewareFunc {
	return web.Adapt(func(next http.Handler) http.Handler {
		next = withSession(next)
		type bound struct {
			cache   *httpcache.Cache
			handler http.Handler
		}
		first, err := httpcache.New(nil, &httpcache.Options{Rule: l})
		if err != nil {
			panic("app: cache responses: " + err.Error())
		}
		var last atomic.Pointer[bound] // a middleware serves one service; tests may have more
		last.Store(&bound{first, first.Handler(next)})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b := last.Load()
			if in := responsesOf(r.Context()); in != nil && in != b.cache {
				b = &bound{in, in.HandlerFor(l, next)}
				last.Store(b)
			}
			b.handler.ServeHTTP(w, r)
		})
	})
}

// withSession lets what next does with the session be seen in its response, by the cache around it.
func withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := session.From(r.Context()).Sessions(); s != nil {
			s.Handler(next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type responsesKey struct{}

// responsesOf returns the cache of responses of the service that serves a request, nil where it has none.
func responsesOf(ctx context.Context) *httpcache.Cache {
	r, _ := ctx.Value(responsesKey{}).(*responses)
	return r.get()
}

// responses is the service's cache of responses. It is made for the first request that needs it, as the named cache under it is.
type responses struct {
	registry *cache.Registry
	settings settings.Settings
	logger   *slog.Logger

	once sync.Once
	made *httpcache.Cache
}

// get returns nil where there is no named cache to be had, which is logged once: the handlers answer without one.
func (p *responses) get() *httpcache.Cache {
	if p == nil {
		return nil
	}
	p.once.Do(func() {
		named, err := p.registry.Get("response_cache")
		if err == nil {
			p.made, err = httpcache.New(named, &httpcache.Options{Timeout: p.settings.Cache.Timeout, Logger: p.logger})
		}
		if err != nil {
			p.logger.Error("responses are not cached", "error", err)
		}
	})
	return p.made
}

// close ends what goes on in the background.
func (p *responses) close() {
	if p == nil {
		return
	}
	p.once.Do(func() {})
	if p.made != nil {
		_ = p.made.Close() // is nil
	}
}
