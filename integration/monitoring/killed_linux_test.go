package monitoring

import (
	"fmt"
	"testing"
)

// nodesAreKilled kills two of three nodes, and then one of them again and again. The third cannot stop with what they lack. A
// Prometheus that knows of none says so.
func nodesAreKilled(t *testing.T, watch watch) {
	nodes := newCluster(t)
	a, b, others := nodes[0], nodes[1], nodes[1:]
	p := watch(nodes...)
	p.until(func() string { return missing(p, `quipu_unreplicated_entries{instance="a"} == 0`, 1) })
	for _, n := range others {
		n.Kill()
	}
	a.post(t, "/v1/entries", `{"kind":"note"}`)
	for _, n := range others {
		p.fires("QuipuNodeDown", n.name, true)
	}
	p.fires("QuipuUnlinked", "a", true)
	p.fires("QuipuUnreplicated", "a", true)
	p.fires("QuipuNotReady", "a", false) // that others are out of reach makes no node unready
	for _, n := range others {
		n.Start(t)
		p.fires("QuipuNodeDown", n.name, false)
	}
	p.fires("QuipuUnlinked", "a", false)
	p.fires("QuipuUnreplicated", "a", false)

	p.fires("QuipuRestarts", "b", false)
	for starts := 2; starts <= 4; starts++ {
		b.Kill()
		b.Start(t)
		p.until(func() string {
			return missing(p, fmt.Sprintf(`changes(process_start_time_seconds{instance="b"}[1h]) == %d`, starts), 1)
		})
	}
	p.fires("QuipuRestarts", "b", true)

	for _, n := range others {
		n.Kill()
	}
	a.post(t, "/v1/entries", `{"kind":"note"}`)
	p.fires("QuipuNotReady", "a", false)
	stopped := make(chan error, 1)
	go func() {
		_, err := a.Try(t, "stop", "--wait", "5m")
		stopped <- err
	}()
	p.fires("QuipuNotReady", "a", true) // nobody takes its entry, so that it goes on stopping
	b.Start(t)
	if err := <-stopped; err != nil {
		t.Error(err)
	}

	watch().fires("QuipuNotScraped", "", true)
}
