package telemetry

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larder-go/larder/cache"
)

// nameLabel tells named caches apart. It is empty for the default cache, which to Prometheus is a series without the label.
const nameLabel = "cache"

type cacheMetrics struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newCacheMetrics() *cacheMetrics {
	return &cacheMetrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cache_operations_total",
			Help: "Operations of a cache, by backend, name, operation and result.",
		}, []string{"backend", nameLabel, "operation", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cache_operation_duration_seconds",
			Help: "Time that an operation of a cache took, by backend, name and operation.",
			// Three scales have to be told apart: memory (under a microsecond to some microseconds), a server nearby (50 µs
			// to some milliseconds) and what approaches APP_CACHE_TIMEOUT, 250 ms by default.
			Buckets: []float64{1e-6, 5e-6, 25e-6, 100e-6, 250e-6, 500e-6, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}, []string{"backend", nameLabel, "operation"}),
	}
}

// operations are the values of [cache.Event].Op that have a label of their own, with their results beside "error".
func operations() map[string][]string {
	return map[string][]string{
		"get":                {cache.ResultHit, cache.ResultMiss},
		"exists":             {cache.ResultHit, cache.ResultMiss},
		"renew":              {cache.ResultHit, cache.ResultMiss},
		"touch":              {cache.ResultHit, cache.ResultMiss},
		"ttl":                {cache.ResultHit, cache.ResultMiss},
		"get many":           {cache.ResultHit, cache.ResultMiss},
		"add":                {cache.ResultOK, cache.ResultMiss},
		"swap":               {cache.ResultOK, cache.ResultMiss},
		"compare and delete": {cache.ResultOK, cache.ResultMiss},
		"take":               {cache.ResultOK, cache.ResultMiss},
		"set":                {cache.ResultOK},
		"delete":             {cache.ResultOK},
		"increment":          {cache.ResultOK},
		"set many":           {cache.ResultOK},
		"delete many":        {cache.ResultOK},
		"clear":              {cache.ResultOK},
		"keys":               {cache.ResultOK},
		"delete expired":     {cache.ResultOK},
		"invalidate tags":    {cache.ResultOK},
		"get or load":        {cache.ResultHit, cache.ResultStale, cache.ResultMiss},
		"get or load many":   {cache.ResultHit, cache.ResultStale, cache.ResultMiss},
		"load":               {cache.ResultOK, cache.ResultMiss},
		"refresh":            {cache.ResultOK, cache.ResultMiss, cache.ResultRefused},
		"fill":               {cache.ResultRefused},
		"ping":               {cache.ResultOK},
	}
}

// operation holds the series of one operation, looked up once.
type operation struct {
	results  map[string]prometheus.Counter
	other    prometheus.Counter
	duration func() prometheus.Observer
}

// CacheEvents returns what [cache.Options].OnEvent takes. It counts under the labels of that backend and of the cache's name, "" for
// the default cache; allocates nothing but for the first of each operation; and can be called from several goroutines at once. In the
// label, the spaces of an operation are underscores. Operations and results that it does not know are counted as "other".
//
// The counters are there, at zero, from the call of CacheEvents on, so that the first error is seen as an increase. The durations of
// an operation, which are nineteen series, are there from its first event on: most caches see few of the operations.
func (m *Metrics) CacheEvents(backend, name string) func(cache.Event) {
	backend, name = label(backend), label(name)
	resolve := func(op string, results []string) operation {
		value := strings.ReplaceAll(op, " ", "_")
		o := operation{
			results:  make(map[string]prometheus.Counter),
			other:    m.cache.total.WithLabelValues(backend, name, value, other),
			duration: sync.OnceValue(func() prometheus.Observer { return m.cache.duration.WithLabelValues(backend, name, value) }),
		}
		for _, result := range append(results, cache.ResultError) {
			o.results[result] = m.cache.total.WithLabelValues(backend, name, value, result)
		}
		return o
	}
	known := make(map[string]operation)
	for op, results := range operations() {
		known[op] = resolve(op, results)
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
		op.duration().Observe(e.Duration.Seconds())
	}
}
