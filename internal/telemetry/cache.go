package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/larder-go/larder/cache"
)

type cacheMetrics struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newCacheMetrics() *cacheMetrics {
	return &cacheMetrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cache_operations_total",
			Help: "Operations of a cache, by backend, operation and result.",
		}, []string{"backend", "operation", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cache_operation_duration_seconds",
			Help: "Time that an operation of a cache took, by backend and operation.",
			// Three scales have to be told apart: memory (under a microsecond to some microseconds), a server nearby (50 µs
			// to some milliseconds) and what approaches APP_CACHE_TIMEOUT, 250 ms by default.
			Buckets: []float64{1e-6, 5e-6, 25e-6, 100e-6, 250e-6, 500e-6, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}, []string{"backend", "operation"}),
	}
}

// operations are the values of [cache.Event].Op that have a label of their own, with their results beside "error".
func operations() map[string][]string {
	return map[string][]string{
		"get":    {cache.ResultHit, cache.ResultMiss},
		"exists": {cache.ResultHit, cache.ResultMiss},
		"add":    {cache.ResultOK, cache.ResultMiss},
		"set":    {cache.ResultOK},
		"delete": {cache.ResultOK},
		"clear":  {cache.ResultOK},
		"ping":   {cache.ResultOK},
	}
}

// operation holds the series of one operation, looked up once.
type operation struct {
	results  map[string]prometheus.Counter
	other    prometheus.Counter
	duration prometheus.Observer
}

// CacheEvents returns what [cache.Options].OnEvent takes. It counts under the label of that backend, allocates nothing, and
// can be called from several goroutines at once. Operations and results that it does not know are counted as "other". The
// series are there, at zero, from the call of CacheEvents on, so that the first error is seen as an increase.
func (m *Metrics) CacheEvents(backend string) func(cache.Event) {
	backend = label(backend)
	resolve := func(name string, results []string) operation {
		op := operation{
			results:  make(map[string]prometheus.Counter),
			other:    m.cache.total.WithLabelValues(backend, name, other),
			duration: m.cache.duration.WithLabelValues(backend, name),
		}
		for _, result := range append(results, cache.ResultError) {
			op.results[result] = m.cache.total.WithLabelValues(backend, name, result)
		}
		return op
	}
	known := make(map[string]operation)
	for name, results := range operations() {
		known[name] = resolve(name, results)
	}
	unknown := resolve(other, nil)
	return func(e cache.Event) {
		op, ok := known[e.Op]
		if !ok {
			op = unknown
		}
		counter, ok := op.results[e.Result]
		if !ok {
			counter = op.other
		}
		counter.Inc()
		op.duration.Observe(e.Duration.Seconds())
	}
}
