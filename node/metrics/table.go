package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// group is the rows about one thing.
type group struct {
	title string
	rows  []metric
}

// table is all that there is, in the order in which it is explained.
var table = func() []group {
	all := []group{
		{"The node", self}, {"Appends", appends}, {"The file", file}, {"What is held", feeds}, {"Followers", followers},
		{"Lag", lag}, {"Links", traffic}, {"What others send in vain", rejects}, {"Queues", queues}, {"HTTP", calls},
	}
	for _, g := range all {
		for i := range g.rows {
			m := &g.rows[i]
			m.desc = prometheus.NewDesc(prefix+m.name, m.help, m.labels, nil)
		}
	}
	return all
}()
