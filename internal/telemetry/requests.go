package telemetry

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxRoutes bounds the series of requests. A service has as many routes as somebody wrote, so a thousand is plenty; only a
// mistake (raw paths given as routes) can reach it.
const maxRoutes = 1000

type requests struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	mu     sync.RWMutex
	routes map[string]struct{}
}

func newRequests() *requests {
	return &requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total",
			Help: "Requests answered, by route template, method and status.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds",
			Help: "Time from a request's arrival to the end of its answer, by route template and method.",
			// From a hit in memory, which takes less than a millisecond with everything around it, to the default of
			// APP_REQUEST_TIMEOUT, after which a request has failed whatever it took.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_requests_in_flight",
			Help: "Requests being served.",
		}),
		routes: make(map[string]struct{}),
	}
}

// ObserveRequest counts one request that has been answered. Route is the template that matched ("/items/:id"), never the
// path; empty is counted as "unmatched". A method that is not in RFC 9110 or PATCH, a status outside 100 to 599 and
// every route after the first 1,000 are counted as "other".
func (m *Metrics) ObserveRequest(route, method string, status int, elapsed time.Duration) {
	route, method = m.requests.route(route), knownMethod(method)
	code := other
	if 100 <= status && status <= 599 {
		code = strconv.Itoa(status)
	}
	m.requests.total.WithLabelValues(route, method, code).Inc()
	m.requests.duration.WithLabelValues(route, method).Observe(elapsed.Seconds())
}

// InFlight changes the number of requests being served: 1 when one begins, -1 when it ends.
func (m *Metrics) InFlight(delta int) { m.requests.inFlight.Add(float64(delta)) }

// route returns the label for a route.
func (r *requests) route(route string) string {
	if route == "" {
		return "unmatched"
	}
	route = label(route)
	r.mu.RLock()
	_, known := r.routes[route]
	r.mu.RUnlock()
	if known {
		return route
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.routes[route]; !known {
		if len(r.routes) >= maxRoutes {
			return other
		}
		r.routes[route] = struct{}{}
	}
	return route
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return other
}
