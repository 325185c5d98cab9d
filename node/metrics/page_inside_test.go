package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/server"
)

var update = flag.Bool("update", false, "write docs/METRICS.md anew")

const page = "../../docs/METRICS.md"

// TestPage holds docs/METRICS.md against the table. With -update it is written.
func TestPage(t *testing.T) {
	switch is, err := os.ReadFile(page); {
	case *update:
		if err := os.WriteFile(page, []byte(explained()), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case string(is) != explained():
		t.Errorf("%s is another than the table: go test ./node/metrics -run Page -update", page)
	}
}

// explained returns docs/METRICS.md.
func explained() string {
	var b strings.Builder
	b.WriteString(`# Metrics

` + "`GET /metrics`" + ` answers Prometheus, on a node's socket and over the network with a token that has the scope ` + "`metrics`" + ` (` + "`read`" + ` includes it):
the text format, or OpenMetrics where that is accepted, compressed where that is.

` + "```sh" + `
quipu token create --dir D --name prometheus --scope metrics
` + "```" + `

` + "```yaml" + `
scrape_configs:
  - job_name: quipu
    authorization: {credentials_file: /etc/prometheus/quipu.token}
    static_configs:
      - targets: ["127.0.0.1:8080"]
` + "```" + `

The counters of the status (` + "`quipu status --format json`" + `, under ` + "`counts`" + `) are the same ones under the same names. Answering reads nothing of the log's
file. What takes reading, marked *sampled*, the node reads by itself every 5 seconds, and is as of then. Counters begin anew with the process,
but for those of followers, which the log keeps.

Labels have few values, whatever others do. Of authors the node's own is shown and those that wrote last, 50 in all, by the first 8 digits of
their keys (the whole key where two are alike); the author ` + "`other`" + ` is the sum of the rest. Of peers 100 are shown, those that are linked first,
of followers 100, those that run and those that are furthest behind first. All other labels have the words of a closed list, all of which are
always there, so that the first of its kind is an increase; but for HTTP, where a route and a status are there once they were met, ` + fmt.Sprint(server.MaxAnswered) + `
of them at most.
`)
	for _, g := range table {
		fmt.Fprintf(&b, "\n## %s\n\n| name | type | labels | meaning |\n|---|---|---|---|\n", g.title)
		for _, m := range g.rows {
			labels, help := strings.Join(m.labels, ", "), m.help
			if m.sampled {
				help += " *Sampled.*"
			}
			fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s |\n", prefix, m.name, m.kind, labels, help)
		}
	}
	b.WriteString(`
## Go's own

` + "`go_…`" + ` and ` + "`process_…`" + ` are what Prometheus's library for Go tells of the runtime and of the process: goroutines, memory, collections, open
files, processor time. Profiles are there for whoever has a token with the scope ` + "`admin`" + `, below ` + "`/debug/pprof/`" + `:

` + "```sh" + `
curl -s --unix-socket D/quipu.sock "http://quipu/debug/pprof/profile?seconds=10" >cpu.prof
go tool pprof -top cpu.prof
` + "```" + `
`)
	return b.String()
}
