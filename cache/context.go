package cache

import (
	"context"
	"net/http"
)

type (
	contextKey         struct{}
	registryContextKey struct{}
)

// NewContext returns a context that carries c, for [FromContext] to find. A handle taken from it does not close c's store.
// A nil c is carried too, and hides one that ctx already has.
func NewContext(ctx context.Context, c *Cache) context.Context {
	return context.WithValue(ctx, contextKey{}, c.borrowed())
}

// FromContext returns the cache that ctx carries, or nil, which is valid and caches nothing. It allocates nothing.
func FromContext(ctx context.Context) *Cache {
	c, _ := ctx.Value(contextKey{}).(*Cache)
	return c
}

// From returns the cache of a request: of an Echo context, of version 4 or 5, or of anything else that has a request.
func From(r interface{ Request() *http.Request }) *Cache {
	return FromContext(r.Request().Context())
}

// NewRegistryContext returns a context that carries r, for [RegistryFromContext] to find. A handle taken from it does not close the
// registry. A nil r is carried too.
func NewRegistryContext(ctx context.Context, r *Registry) context.Context {
	return context.WithValue(ctx, registryContextKey{}, r.borrowed())
}

// RegistryFromContext returns the registry that ctx carries, or nil, which is valid: every name is the nil cache.
func RegistryFromContext(ctx context.Context) *Registry {
	r, _ := ctx.Value(registryContextKey{}).(*Registry)
	return r
}

// RegistryFrom returns the registry of a request, as [From] returns its cache.
func RegistryFrom(r interface{ Request() *http.Request }) *Registry {
	return RegistryFromContext(r.Request().Context())
}
