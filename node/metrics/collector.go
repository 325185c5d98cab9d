package metrics

import (
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/quipulog/quipu/eventlog"
)

// Handler answers Prometheus with what look returns, and with what Go and the system say of the process. Each answer
// looks once.
func Handler(look func() Look) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(&collector{look: look}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// collector is the table, as Prometheus's library reads it.
type collector struct {
	look func() Look

	mu    sync.Mutex // guards what follows
	shown shown
}

// Describe tells what there is.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range table {
		for i := range g.rows {
			to <- g.rows[i].desc
		}
	}
}

// Collect tells the present values.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	l := c.look()
	c.mu.Lock()
	c.shown.choose(&l)
	c.mu.Unlock()
	for _, g := range table {
		for i := range g.rows {
			g.rows[i].collect(&l, to)
		}
	}
}

// collect tells the present values of one metric. Two with the same labels would fail the answer as a whole: the first
// counts.
func (m *metric) collect(l *Look, to chan<- prometheus.Metric) {
	if m.kind == histogram {
		d, parts := m.distribution(l)
		to <- prometheus.MustNewConstHistogram(m.desc, d.Count(), float64(d.Sum)/parts, cumulated(d, parts))
		return
	}
	of := prometheus.GaugeValue
	if m.kind == counter {
		of = prometheus.CounterValue
	}
	told := make(map[string]bool)
	m.read(l, func(v float64, labels ...string) {
		for i, text := range labels {
			labels[i] = strings.ToValidUTF8(text, "\ufffd")
		}
		if key := strings.Join(labels, "\xff"); len(labels) > 0 && told[key] {
			return
		} else if len(labels) > 0 {
			told[key] = true
		}
		to <- prometheus.MustNewConstMetric(m.desc, of, v, labels...)
	})
}

// cumulated returns the places of a distribution as Prometheus has them: each with all below it.
func cumulated(d eventlog.Distribution, parts float64) map[float64]uint64 {
	all, n := make(map[float64]uint64, len(d.Bounds)), uint64(0)
	for i, bound := range d.Bounds {
		n += d.Counts[i]
		all[float64(bound)/parts] = n
	}
	return all
}
