package telemetry

import "github.com/prometheus/client_golang/prometheus"

// watcher is a collector that reads figures at the scrape, so that nothing is paid for between scrapes.
type watcher struct {
	descs   []*prometheus.Desc
	collect func(sender)
}

func (w *watcher) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range w.descs {
		descs <- d
	}
}

func (w *watcher) Collect(metrics chan<- prometheus.Metric) { w.collect(sender{metrics}) }

// sender sends figures to a scrape.
type sender struct{ metrics chan<- prometheus.Metric }

func (s sender) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s sender) counter(d *prometheus.Desc, value float64, labels ...string) {
	s.metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

// describer makes descriptions that share their labels.
func describer(constant prometheus.Labels, variable ...string) func(name, help string) *prometheus.Desc {
	return func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, variable, constant)
	}
}
