package telemetry

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/health"
)

// WatchStore exports the figures of the store of the cache with that name, "" for the default one, which are read at each scrape: stats
// must be quick and do no I/O. A figure of -1 is not known, and not exported. A nil stats and a second store of the same backend
// and name are errors.
func (m *Metrics) WatchStore(backend, name string, stats func() cache.Stats) error {
	what := fmt.Sprintf("store %q", backend)
	if name != "" {
		what += fmt.Sprintf(" of the cache %q", name)
	}
	if stats == nil {
		return fmt.Errorf("telemetry: watch %s: there is no function that gives its figures", what)
	}
	describe := describer(prometheus.Labels{"backend": label(backend), nameLabel: label(name)})
	entries := describe("cache_entries", "Entries held, expired ones that have not been removed yet among them.")
	bytes := describe("cache_bytes", "Bytes held: keys, values and bookkeeping.")
	evictions := describe("cache_evictions_total", "Unexpired entries removed to make room.")
	pending := describe("cache_pending_invalidations", "Failed invalidations that are remembered and not made up for yet.")
	return m.watch(what, &watcher{
		descs: []*prometheus.Desc{entries, bytes, evictions, pending},
		collect: func(send sender) {
			s := stats()
			known := func(send func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, figure int64) {
				if figure >= 0 {
					send(d, float64(figure))
				}
			}
			known(send.gauge, entries, s.Entries)
			known(send.gauge, bytes, s.Bytes)
			known(send.counter, evictions, s.Evictions)
			known(send.gauge, pending, s.Pending)
		},
	})
}

// WatchPool exports the figures of a Redis client's connection pools, which are read at each scrape: with the label pool
// "main", and "pipeline" where pipelines have a pool of their own. Stats may return nil, which exports nothing. A nil stats
// and a second pool of the same backend are errors. go-redis counts most events in 32 bits; when one of those wraps,
// Prometheus takes it for a restart, which rate() and increase() allow for.
func (m *Metrics) WatchPool(backend string, stats func() *redis.PoolStats) error {
	if stats == nil {
		return fmt.Errorf("telemetry: watch pool %q: there is no function that gives its figures", backend)
	}
	constant := prometheus.Labels{"backend": label(backend)}
	describe := describer(constant, "pool")
	hits := describe("redis_pool_hits_total", "Times an idle connection was found in the pool.")
	misses := describe("redis_pool_misses_total", "Times no idle connection was found in the pool.")
	timeouts := describe("redis_pool_timeouts_total", "Times that waiting for a connection ended without one.")
	waits := describe("redis_pool_waits_total", "Times a command waited for a connection.")
	waited := describe("redis_pool_wait_seconds_total", "Time spent waiting for connections.")
	stale := describe("redis_pool_stale_connections_total", "Connections removed because they were stale.")
	unusable := describe("redis_pool_unusable_connections_total", "Times a connection was found unusable.")
	open := describe("redis_pool_connections", "Connections in the pool, idle or in use.")
	idle := describe("redis_pool_idle_connections", "Idle connections in the pool.")
	pending := describe("redis_pool_pending_requests", "Commands waiting for a connection now.")
	subscribed := describer(constant)("redis_pubsub_connections", "Connections held by subscriptions, which are in no pool.")

	pool := func(send sender, name string, s *redis.PoolStats) {
		send.counter(hits, float64(s.Hits), name)
		send.counter(misses, float64(s.Misses), name)
		send.counter(timeouts, float64(s.Timeouts), name)
		send.counter(waits, float64(s.WaitCount), name)
		send.counter(waited, float64(s.WaitDurationNs)/1e9, name)
		send.counter(stale, float64(s.StaleConns), name)
		send.counter(unusable, float64(s.Unusable), name)
		send.gauge(open, float64(s.TotalConns), name)
		send.gauge(idle, float64(s.IdleConns), name)
		send.gauge(pending, float64(s.PendingRequests), name)
	}
	return m.watch(fmt.Sprintf("pool %q", backend), &watcher{
		descs: []*prometheus.Desc{hits, misses, timeouts, waits, waited, stale, unusable, open, idle, pending, subscribed},
		collect: func(send sender) {
			s := stats()
			if s == nil {
				return
			}
			pool(send, "main", s)
			if s.PipelineStats != nil {
				pool(send, "pipeline", (*redis.PoolStats)(s.PipelineStats))
			}
			send.gauge(subscribed, float64(s.PubSubStats.Active))
		},
	})
}

// WatchBreaker exports the figures of the breakers between a store and its Redis servers, which are read at each scrape. A nil stats and second breakers of the same
// backend are errors.
func (m *Metrics) WatchBreaker(backend string, stats func() redisstore.BreakerStats) error {
	if stats == nil {
		return fmt.Errorf("telemetry: watch breaker %q: there is no function that gives its figures", backend)
	}
	describe := describer(prometheus.Labels{"backend": label(backend)})
	open := describe("redis_breaker_open", "Servers that did not answer, from which commands are kept until they do: 0 or 1, but for a cluster.")
	opened := describe("redis_breaker_opened_total", "Times that commands began to be kept from a server.")
	refused := describe("redis_breaker_refused_total", "Commands that were kept from a server.")
	return m.watch(fmt.Sprintf("breaker %q", backend), &watcher{
		descs: []*prometheus.Desc{open, opened, refused},
		collect: func(send sender) {
			s := stats()
			send.gauge(open, float64(s.Open))
			send.counter(opened, float64(s.Opened))
			send.counter(refused, float64(s.Refused))
		},
	})
}

// WatchHealth exports the results of the health checks, which are read at each scrape. A nil results and a second call are
// errors.
func (m *Metrics) WatchHealth(results func() []health.Result) error {
	if results == nil {
		return errors.New("telemetry: watch health: there is no function that gives the results")
	}
	describe := describer(nil, "check")
	up := describe("health_check_up", "1 if the check's last result is a success, else 0.")
	degraded := describe("health_check_degraded", "1 if the check fails and that degrades the service without taking it out, else 0.")
	last := describe("health_check_last_run_timestamp_seconds", "When the check's last run ended; absent before the first.")
	return m.watch("health", &watcher{
		descs: []*prometheus.Desc{up, degraded, last},
		collect: func(send sender) {
			for _, r := range results() {
				name := label(r.Name)
				send.gauge(up, number(r.Err == nil), name)
				send.gauge(degraded, number(r.Err != nil && r.Degrade), name)
				if !r.At.IsZero() {
					send.gauge(last, float64(r.At.UnixNano())/1e9, name)
				}
			}
		},
	})
}

func (m *Metrics) watch(what string, w *watcher) error {
	if err := m.registry.Register(w); err != nil {
		return fmt.Errorf("telemetry: watch %s: %w", what, err)
	}
	return nil
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
