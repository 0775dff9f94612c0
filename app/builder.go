package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/health"
	"github.com/larder-go/larder/internal/telemetry"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

// OpenFunc opens the store of a backend: once for the default cache, where APP_CACHE_BACKEND names the backend, and once for each named
// cache that is on it. The cache owns the store. The settings are those of the service, but for Cache.KeyPrefix, which is the cache's own:
// "cache:", and "cache.sessions:" for the one named sessions.
//
// Build opens the default cache and what APP_STORES names, under its own context. Any other named cache is opened when it is first asked for,
// on the goroutine that asks and possibly several at once; the context ends after APP_CACHE_HEALTH_TIMEOUT then, and when the
// service stops.
type OpenFunc = func(context.Context, settings.Settings) (cache.Store, error)

// Builder collects what a service is made of. Its methods return the builder, do no I/O, and keep what is wrong for
// [Builder.Build] to report with everything else. A Builder is used once and by one goroutine.
type Builder struct {
	settings settings.Settings
	logger   *slog.Logger
	caching  bool
	store    cache.Store
	backends map[string]OpenFunc
	routes   []func(*echo.Echo) error
	layers   []layer
	limits   []*limits
	sessions *sessions // nil for none
	// in the order of the chain
	integrations []integration
	hooks        []lifecycle.Hook
	checks       []health.Check
	problems     []error
	used         bool
}

// New begins a service with the settings s, the problems of which Build reports.
func New(s settings.Settings) *Builder {
	return &Builder{settings: s, backends: make(map[string]OpenFunc)}
}

// Logger replaces the logger, which writes to standard error as APP_LOG_LEVEL and APP_LOG_FORMAT say.
func (b *Builder) Logger(l *slog.Logger) *Builder {
	b.logger = l
	return b
}

// Cache gives every handler a cache, with the backend that APP_CACHE_BACKEND names, and readiness a check of it. Without it
// handlers have the nil cache, which caches nothing.
//
// With it they have named caches too, in [cache.RegistryFrom]: each isolated from the default cache and from the others, on the same
// backend unless APP_STORES says another.
func (b *Builder) Cache() *Builder {
	b.caching = true
	return b
}

// Backend makes a store of the program's own known under name, for APP_CACHE_BACKEND and APP_STORES to choose. A name that is built in
// or was added before is an error.
//
// Each named cache gets a store of its own from open. Where they share something, a server, a directory or a map, and so do the processes
// of a service, they must keep apart what they hold under different values of Settings.Cache.KeyPrefix, in Clear too: otherwise clearing
// one cache empties another.
func (b *Builder) Backend(name string, open OpenFunc) *Builder {
	switch {
	case open == nil:
		b.problem("backend %q: the function that opens it is nil", name)
	case name == "" || strings.ContainsAny(name, " =,"):
		b.problem("backend %q: the name is not one that a variable can have; allowed: any without ' ', '=' and ','", name)
	case b.backends[name] != nil || slices.Contains(builtIn(), name):
		b.problem("backend %q: the name is taken", name)
	default:
		b.backends[name] = open
	}
	return b
}

// Store gives every handler a cache over s, whatever APP_CACHE_BACKEND says. The cache owns s, also when Build fails. Named caches cannot
// share it: they have the backend that APP_STORES gives them, or what the program registers, or none.
func (b *Builder) Store(s cache.Store) *Builder {
	switch {
	case s == nil:
		b.problem("store: it is nil")
	case b.store != nil:
		b.problem("store: there is one already")
		b.problems = append(b.problems, s.Close())
	default:
		b.store = s
	}
	b.caching = true
	return b
}

// Routes adds routes. The functions are called by Build in the order in which they were added.
func (b *Builder) Routes(add func(*echo.Echo) error) *Builder {
	if add == nil {
		b.problem("routes: the function is nil")
		return b
	}
	b.routes = append(b.routes, add)
	return b
}

// Use puts middleware around all routes under a path: "/api/v1" is for /api/v1 and all that begins with /api/v1/, "/" for all routes but
// the platform's. The first is outermost, and all of it is outside of what groups and routes have. A path that no route is under is an error of Build.
func (b *Builder) Use(path string, mw ...echo.MiddlewareFunc) *Builder {
	if slices.ContainsFunc(mw, func(m echo.MiddlewareFunc) bool { return m == nil }) {
		b.problem("use %q: the middleware is nil", path)
		return b
	}
	b.layers = append(b.layers, newLayer(path, false, mw...))
	return b
}

// Hook adds a part with a start and a stop of its own: a worker, a connection. It starts after the caches, which the contexts of
// both carry, and after the hooks before it; it stops before them.
func (b *Builder) Hook(h lifecycle.Hook) *Builder {
	b.hooks = append(b.hooks, h)
	return b
}

// Ready adds a check to readiness: while it gives an error the service gets no requests. It runs in the background every
// APP_HEALTH_INTERVAL, with a timeout of two seconds. Its context carries the caches.
func (b *Builder) Ready(name string, check func(context.Context) error) *Builder {
	b.checks = append(b.checks, health.Check{Name: name, Run: check})
	return b
}

func (b *Builder) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

// Build makes the service. Its error holds everything that is wrong, the settings' problems first, a line each; nothing stays open
// then. The context bounds what the backends do to open.
func (b *Builder) Build(ctx context.Context) (*App, error) { return b.build(ctx, b.assemble) }

// build makes the service of what assemble adds to it, and its caches.
func (b *Builder) build(ctx context.Context, assemble func(*App) []error) (*App, error) {
	if b.used {
		return nil, errors.New("app: build: the builder has been used; make another")
	}
	b.used = true
	if b.logger == nil {
		b.logger = newLogger(os.Stderr, b.settings)
	}
	a := newApp(b.settings, b.logger)
	problems := slices.Collect(problemsOf(b.settings))
	problems = append(problems, b.checkBackends()...)
	problems = append(problems, b.problems...)
	problems = append(problems, assemble(a)...)
	// Last, and where all else is right, what may do I/O.
	if errors.Join(problems...) == nil {
		if problems = a.caches.open(ctx, b, a); errors.Join(problems...) == nil {
			problems = b.integrate(a)
		}
	} else {
		problems = append(problems, b.checkRedis(ctx)...)
	}
	err := errors.Join(problems...)
	if err == nil {
		return a, nil
	}
	if b.store != nil && a.caches.main == nil {
		err = errors.Join(err, b.store.Close())
	}
	return nil, errors.Join(err, a.caches.close())
}

// newLogger writes to w. Whoever reads text has started the service; JSON goes where others' lines go too.
func newLogger(w io.Writer, s settings.Settings) *slog.Logger {
	l := telemetry.NewLogger(w, s.Log.Level, s.Log.Format)
	if s.Log.Format == "json" {
		l = l.With("service", s.Name, "env", s.Env)
	}
	return l
}

func problemsOf(s settings.Settings) func(yield func(error) bool) {
	return func(yield func(error) bool) {
		for _, p := range s.Problems() {
			if !yield(p) {
				return
			}
		}
	}
}
