package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/health"
	"github.com/larder-go/larder/internal/telemetry"
	"github.com/larder-go/larder/internal/web"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

// App is a service that has been built. It is started and stopped once.
type App struct {
	settings     settings.Settings
	logger       *slog.Logger
	metrics      *telemetry.Metrics
	health       *health.Health
	life         *lifecycle.Lifecycle
	caches       *caches
	echo         *echo.Echo
	server       *server
	sessions     *session.Sessions // nil for none
	integrations []integration
}

func newApp(s settings.Settings, logger *slog.Logger) *App {
	a := &App{settings: s, logger: logger, metrics: telemetry.NewMetrics(s.Name), caches: &caches{}}
	a.life = lifecycle.New(&lifecycle.Options{DrainDelay: s.Shutdown.DrainDelay, Logger: logger})
	a.health = health.New(health.Options{Interval: s.Probes.Interval, Details: s.Probes.Details, State: a.ready, Fail: notReady, Logger: logger})
	a.server = newServer(s.HTTP)
	a.echo = web.New(web.Options{
		Logger:         logger,
		RequestTimeout: s.HTTP.RequestTimeout,
		MaxBodyBytes:   s.HTTP.MaxRequestBodyBytes,
		TrustedProxies: s.HTTP.TrustedProxies,
		Draining:       func() bool { return a.life.State() >= lifecycle.Draining },
		Observe:        a.metrics.ObserveRequest,
		InFlight:       a.metrics.InFlight,
		Quiet:          []string{s.Probes.LivePath, s.Probes.ReadyPath, s.Probes.MetricsPath},
	})
	return a
}

// ready is the lifecycle's part in readiness.
func (a *App) ready() error {
	if s := a.life.State(); s != lifecycle.Ready {
		return errors.New(s.String())
	}
	return nil
}

// notReady answers a readiness probe that failed.
func notReady(w http.ResponseWriter, r *http.Request, detail string, checks map[string]string) {
	p := web.NewProblem(http.StatusServiceUnavailable, detail)
	if len(checks) > 0 {
		p.Extra = map[string]any{"checks": checks}
	}
	web.WriteProblem(w, r, p)
}

// assemble adds everything, in the order in which it starts. The caches are opened later.
func (b *Builder) assemble(a *App) []error {
	var problems []error
	add := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	if b.caching {
		stop := func(context.Context) error { return a.caches.close() }
		add(a.life.Add(lifecycle.Hook{Name: "cache", Start: a.caches.start, Stop: stop, Timeout: closeTimeout}))
	}
	for _, c := range b.cacheChecks(a.caches) {
		add(a.health.Add(c))
	}
	for _, h := range b.hooks {
		if h.Start != nil {
			h.Start = a.withCaches(h.Start)
		}
		if h.Stop != nil {
			h.Stop = a.withCaches(h.Stop)
		}
		add(a.life.Add(h))
	}
	for _, c := range b.checks {
		if run := c.Run; run != nil {
			c.Run = a.withCaches(run)
		}
		add(a.health.Add(c))
	}
	add(a.metrics.WatchHealth(a.health.Results))
	add(a.life.Add(lifecycle.Hook{Name: "health", Start: a.health.Start, Stop: a.health.Stop, Timeout: closeTimeout}))
	add(a.life.Add(lifecycle.Hook{Name: "server", Start: a.server.start, Stop: a.server.stop, Timeout: b.settings.Shutdown.Timeout}))

	for _, routes := range b.routes {
		err := routes(a.echo)
		if _, ok := errors.AsType[settings.Problem](err); !ok && err != nil {
			err = fmt.Errorf("routes: %w", err)
		}
		add(err)
	}
	for _, l := range b.layers {
		add(l.wrap(a.echo))
	}
	p := b.settings.Probes
	add(a.mount("APP_HEALTH_CHECK_PATH", p.LivePath, a.health.Live()))
	add(a.mount("APP_READINESS_CHECK_PATH", p.ReadyPath, a.health.Ready()))
	if p.MetricsPath != "" {
		add(a.mount("APP_METRICS_PATH", p.MetricsPath, a.metrics.Handler()))
	}
	add(checkGrace(b.settings, a.life))
	return problems
}

// mount adds a route of the platform's, unless the service has one there: Echo would let either win without a word.
func (a *App) mount(variable, path string, h http.Handler) error {
	for _, r := range a.echo.Routes() {
		if r.Method == http.MethodGet && r.Path == path {
			return settings.Problem{Var: variable, Value: path, Why: "the service has a route of its own there", Allowed: "a path without one"}
		}
	}
	a.echo.GET(path, echo.WrapHandler(h))
	return nil
}

// withCaches lets a function of the program's find the caches in its context.
func (a *App) withCaches(f func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error { return f(a.caches.carry(ctx)) }
}

// checkGrace reports hooks that need more time to stop than the platform gives.
func checkGrace(s settings.Settings, l *lifecycle.Lifecycle) error {
	needed := l.Budget()
	mine := slices.ContainsFunc(s.Problems(), func(p settings.Problem) bool { return p.Var == "APP_SHUTDOWN_GRACE" })
	if needed <= s.Shutdown.Grace || mine {
		return nil
	}
	return settings.Problem{
		Var:     "APP_SHUTDOWN_GRACE",
		Value:   s.Shutdown.Grace.String(),
		Why:     fmt.Sprintf("the drain delay and the timeouts of all hooks add up to %v", needed),
		Allowed: fmt.Sprintf("%v or more, with as much from the platform", needed),
	}
}

// Handler is the service as an http.Handler, for tests and for servers of one's own. Every request's context carries the cache
// and the named ones.
func (a *App) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.echo.ServeHTTP(w, r.WithContext(a.caches.carry(r.Context())))
	})
}

// Cache is the cache that handlers get, nil where there is none. Its Close does nothing.
func (a *App) Cache() *cache.Cache {
	return cache.FromContext(cache.NewContext(context.Background(), a.caches.main))
}

// Registry has the named caches that handlers get; it is nil, which is valid, where there is no [Builder.Cache]. A program with caches of
// its own registers them here, or in the start of a hook, whose context carries the registry too: the service closes them with the others.
// Its Close does nothing.
func (a *App) Registry() *cache.Registry {
	return cache.RegistryFromContext(cache.NewRegistryContext(context.Background(), a.caches.registry))
}

// Start starts everything but the listener: what [App.Handler] needs to serve. An error leaves nothing started.
func (a *App) Start(ctx context.Context) error { return a.life.Start(ctx) }

// Stop stops everything, after the drain delay, within APP_SHUTDOWN_GRACE or until ctx is done. It tries every part though others
// fail, and its error names those that did.
func (a *App) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.settings.Shutdown.Grace)
	defer cancel()
	return a.life.Stop(ctx)
}

// Run starts the service, serves until ctx is done or the listener fails, and stops it. A nil error means that all of that worked.
func (a *App) Run(ctx context.Context) error {
	a.server.listen(a.caches.carry(context.Background()), a.echo, a.logger)
	if err := a.Start(ctx); err != nil {
		return err
	}
	a.warn(ctx)
	a.logger.Info("ready", "address", a.server.address(), "cache", a.caches.backend)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-a.server.failed:
	}
	a.logger.Info("stopping", "drain_delay", a.settings.Shutdown.DrainDelay, "timeout", a.settings.Shutdown.Timeout)
	err := errors.Join(failed, a.Stop(context.WithoutCancel(ctx)))
	if err == nil {
		a.logger.Info("stopped")
	}
	return err
}
