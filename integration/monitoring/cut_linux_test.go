package monitoring

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// theNetworkIsCut has no packet between three nodes arrive, while Prometheus reaches each of them.
func theNetworkIsCut(t *testing.T, watch watch) {
	nodes := newCluster(t)
	p := watch(nodes...)
	for _, n := range nodes {
		p.until(func() string {
			return missing(p, fmt.Sprintf(`quipu_unreplicated_entries{instance=%q} == 0`, n.name), 1)
		})
	}
	var ports []string
	for _, n := range nodes {
		_, port, _ := strings.Cut(n.Addr, ":")
		ports = append(ports, port)
	}
	to := strings.Join(ports, ", ") // each stream and packet goes to one of these or comes from one
	nft(t, fmt.Sprintf(`table inet cut {
		chain input {
			type filter hook input priority 0
			meta l4proto { tcp, udp } th dport { %s } drop
			meta l4proto { tcp, udp } th sport { %s } drop
		}
	}`, to, to))
	for _, n := range nodes {
		n.post(t, "/v1/entries", `{"kind":"note"}`)
	}
	for _, n := range nodes {
		p.fires("QuipuUnlinked", n.name, true)
		p.fires("QuipuUnreplicated", n.name, true)
		p.fires("QuipuNotReady", n.name, false)
		p.fires("QuipuNodeDown", n.name, false)
	}
	nft(t, "delete table inet cut")
	for _, n := range nodes {
		p.fires("QuipuUnlinked", n.name, false)
		p.fires("QuipuUnreplicated", n.name, false)
	}
}

// nft changes the rules by which packets pass, which must be those of a network of the test's own.
func nft(t *testing.T, rules string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "nft"), "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
}
