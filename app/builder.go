package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
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

// OpenFunc opens the store of a backend. It is called once, by Build, and only where APP_CACHE_BACKEND names the backend. The
// cache owns the store.
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
	hooks    []lifecycle.Hook
	checks   []health.Check
	problems []error
	used     bool
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
func (b *Builder) Cache() *Builder {
	b.caching = true
	return b
}

// Backend makes a store of the program's own known under name, for APP_CACHE_BACKEND to choose. A name that is built in or
// was added before is an error.
func (b *Builder) Backend(name string, open OpenFunc) *Builder {
	switch {
	case open == nil:
		b.problem("backend %q: the function that opens it is nil", name)
	case name == "" || strings.ContainsAny(name, " =,"):
		b.problem("backend %q: the name is not one that APP_CACHE_BACKEND can have; allowed: any without ' ', '=' and ','", name)
	case b.backends[name] != nil || slices.Contains(builtIn(), name) || slices.Contains(notBuiltIn(), name):
		b.problem("backend %q: the name is taken", name)
	default:
		b.backends[name] = open
	}
	return b
}

// Store gives every handler a cache over s, whatever APP_CACHE_BACKEND says. The cache owns s, also when Build fails.
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

// Hook adds a part with a start and a stop of its own: a worker, a connection. It starts after the cache, which the contexts of
// both carry, and after the hooks before it; it stops before them.
func (b *Builder) Hook(h lifecycle.Hook) *Builder {
	b.hooks = append(b.hooks, h)
	return b
}

// Ready adds a check to readiness: while it gives an error the service gets no requests. It runs in the background every
// APP_HEALTH_INTERVAL, with a timeout of two seconds. Its context carries the cache.
func (b *Builder) Ready(name string, check func(context.Context) error) *Builder {
	b.checks = append(b.checks, health.Check{Name: name, Run: check})
	return b
}

func (b *Builder) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

// Build makes the service. Its error holds everything that is wrong, the settings' problems first, a line each; nothing stays open
// then. The context bounds what the backends do to open.
func (b *Builder) Build(ctx context.Context) (*App, error) {
	if b.used {
		return nil, errors.New("app: build: the builder has been used; make another")
	}
	b.used = true
	if b.logger == nil {
		b.logger = newLogger(os.Stderr, b.settings)
	}
	a := newApp(b.settings, b.logger)
	problems := slices.Collect(problemsOf(b.settings))
	problems = append(problems, b.checkBackend()...)
	problems = append(problems, b.problems...)
	problems = append(problems, b.assemble(a)...)
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	// Last, and where all else is right, what may do I/O.
	if len(problems) == 0 {
		problems = b.openCache(ctx, a)
	} else {
		problems = append(problems, b.checkRedis(ctx)...)
	}
	if len(problems) > 0 {
		err := errors.Join(problems...)
		if b.store != nil {
			return nil, errors.Join(err, b.store.Close())
		}
		return nil, errors.Join(err, a.cache.Close())
	}
	return a, nil
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

// backendNames is what APP_CACHE_BACKEND may be.
func (b *Builder) backendNames() string {
	names := append(builtIn(), slices.Collect(maps.Keys(b.backends))...)
	slices.Sort(names)
	return strings.Join(names, ", ")
}
