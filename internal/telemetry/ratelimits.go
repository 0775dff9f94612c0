package telemetry

import "github.com/prometheus/client_golang/prometheus"

func newRateLimits() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rate_limit_decisions_total",
		Help: "Requests that a limiter let through (allowed) or not, and who decided: the store, memory that knew, this process alone while the store failed, or nobody.",
	}, []string{"limiter", "allowed", "by"})
}

// RateLimit returns what counts the decisions of a limiter. It allocates nothing, and can be called from several goroutines at once. The counters are there, at
// zero, from the call of RateLimit on.
func (m *Metrics) RateLimit(limiter string, deciders ...string) func(allowed bool, by string) {
	yes, no := make(map[string]prometheus.Counter), make(map[string]prometheus.Counter)
	for _, by := range deciders {
		yes[by], no[by] = m.rateLimits.WithLabelValues(limiter, "true", by), m.rateLimits.WithLabelValues(limiter, "false", by)
	}
	return func(allowed bool, by string) {
		counters := no
		if allowed {
			counters = yes
		}
		if c := counters[by]; c != nil {
			c.Inc()
		}
	}
}
