package telemetry

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// other is the label value of everything that is not expected.
const other = "other"

// Metrics is a Prometheus registry and the metrics of a service in it. Make it with [NewMetrics]; its methods can be called
// from several goroutines at once.
type Metrics struct {
	registry *prometheus.Registry
	requests *requests
	cache    *cacheMetrics

	rateLimits *prometheus.CounterVec
}

// NewMetrics returns the metrics of the service with that name, which becomes the label "service" of service_build_info.
// Those of the Go runtime and of the process are among them.
func NewMetrics(name string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), requests: newRequests(), cache: newCacheMetrics(), rateLimits: newRateLimits()}
	// MustRegister panics on duplicates only, and the registry is new.
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(name),
		m.requests.total, m.requests.duration, m.requests.inFlight,
		m.cache.total, m.cache.duration, m.rateLimits,
	)
	return m
}

// Handler serves the metrics in the format that the client asks for. A metric that cannot be collected is left out and
// counted in promhttp_metric_handler_errors_total; the others are served.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry:      m.registry,
		ErrorHandling: promhttp.ContinueOnError,
	})
}

// buildInfo is always 1; its labels say what is running. Version and revision are those that the Go toolchain stamped into
// the binary; "unknown" where it did not, as in a test.
func buildInfo(name string) prometheus.Collector {
	version, revision := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "service_build_info",
		Help: "Always 1; the labels say which build of which service this is.",
		ConstLabels: prometheus.Labels{
			"service": label(name), "version": version, "revision": revision, "go_version": runtime.Version(),
		},
	})
	gauge.Set(1)
	return gauge
}

// label makes s a valid label value: Prometheus panics on anything but UTF-8.
func label(s string) string { return strings.ToValidUTF8(s, "?") }
