package metrics

import "fmt"

// Counts returns the counters of a look by name, as the status has them: those with a label of few words with the label, as
// Prometheus shows them, those of authors, peers, followers and routes not at all. Of what has a label there is what is not 0.
func Counts(l Look) map[string]uint64 {
	all := make(map[string]uint64)
	for _, g := range table {
		for i := range g.rows {
			m := &g.rows[i]
			if m.kind != counter || m.sampled || len(m.labels) > 1 {
				continue
			}
			m.read(&l, func(v float64, labels ...string) {
				switch {
				case len(labels) == 0:
					all[prefix+m.name] = uint64(v)
				case v > 0:
					all[fmt.Sprintf("%s%s{%s=%q}", prefix, m.name, m.labels[0], labels[0])] = uint64(v)
				}
			})
		}
	}
	return all
}
