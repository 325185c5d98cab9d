package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quipulog/quipu/eventlog"
)

// prefix begins every name.
const prefix = "quipu_"

// kind says how a metric moves.
type kind string

const (
	counter   kind = "counter"   // it only grows, until the process ends
	gauge     kind = "gauge"     // it goes up and down
	histogram kind = "histogram" // of observations, by their size
)

// metric is one row of the table.
type metric struct {
	name   string // without the prefix
	kind   kind
	help   string
	labels []string
	// most bounds the series: those with other values of the labels.
	most int
	// sampled says that it is as of the last sample.
	sampled bool
	// read puts the present values, each with one of every label. Of a histogram distribution returns what it has counted,
	// and in which parts of its unit.
	read         func(l *Look, put put)
	distribution func(l *Look) (d eventlog.Distribution, parts float64)

	desc *prometheus.Desc
}

// put takes a value with the values of its labels.
type put func(value float64, labels ...string)

// value returns a row without labels.
func value(k kind, name, help string, read func(l *Look) float64) metric {
	return metric{name: name, kind: k, help: help, most: 1, read: func(l *Look, put put) { put(read(l)) }}
}

// each returns a row with one label, which has as many values at most.
func each(k kind, name, help, label string, most int, read func(l *Look, put put)) metric {
	return metric{name: name, kind: k, help: help, labels: []string{label}, most: most, read: read}
}

// words returns a row with a label that has the given words as its values, all of them always.
func words[W ~string](k kind, name, help, label string, all []W, read func(l *Look) map[W]uint64) metric {
	return each(k, name, help, label, len(all), func(l *Look, put put) {
		counts := read(l)
		for _, w := range all {
			put(float64(counts[w]), string(w))
		}
	})
}

// spread returns a row that is a histogram.
func spread(name, help string, read func(l *Look) (d eventlog.Distribution, parts float64)) metric {
	return metric{name: name, kind: histogram, help: help, most: 1, distribution: read}
}

// sampled says of rows that they are as of the last sample, and absent before the first.
func sampled(rows ...metric) []metric {
	for i := range rows {
		read := rows[i].read
		rows[i].sampled = true
		rows[i].read = func(l *Look, put put) {
			if l.Sample != nil {
				read(l, put)
			}
		}
	}
	return rows
}

// series returns how many series the metric has at most.
func (m *metric) series(l *Look) int {
	if m.kind != histogram {
		return m.most
	}
	d, _ := m.distribution(l)
	return len(d.Counts) + 2 // and the sum, and the number
}

// truth returns 1 for what is so.
func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
