package monitoring

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/daemon"
)

// TestMain runs more tests at once than there are processors, unless told otherwise: they wait more than they work.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	daemon.Main(m)
}

// patience bounds a test. It is no measure of speed: a machine under load may need most of it.
const patience = 4 * time.Minute

// prometheus is one that runs until the test ends.
type prometheus struct {
	t   *testing.T
	ctx context.Context // ends when patience does
	url string

	fired map[string]bool // the alerts that were seen to
}

// tool returns the path of a program. Where it is not here, the test is skipped, or fails if QUIPU_E2E is set.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lacking(t, fmt.Sprintf("no %s here", name))
	}
	return path
}

// lacking skips a test for which something is not here, or fails it if QUIPU_E2E is set.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("QUIPU_E2E") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// newPrometheus starts one that scrapes nodes each second, as the job that docs/METRICS.md shows, and has the given rules.
func newPrometheus(t *testing.T, rules string, nodes []*node) *prometheus {
	t.Helper()
	name := tool(t, "prometheus")
	dir := t.TempDir()
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n", rules)
	for _, n := range nodes { // each with its own token: so each needs a section
		scheme, address, _ := strings.Cut(n.URL, "://")
		fmt.Fprintf(&config, "  - job_name: %s\n    scheme: %s\n    tls_config: {insecure_skip_verify: true}\n    authorization: {credentials: %s}\n    static_configs: [{targets: [%q], labels: {job: quipu, instance: %s}}]\n",
			n.name, scheme, n.reader, address, n.name)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	cmd := exec.Command(name, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0")
	logged, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer close(heard)
		listens, at := regexp.MustCompile(`msg="Listening on" address=(\S+)`), ""
		for lines := bufio.NewScanner(logged); lines.Scan(); {
			if says := listens.FindStringSubmatch(lines.Text()); says != nil {
				at = says[1]
			}
			if strings.Contains(lines.Text(), "Server is ready") && len(heard) == 0 {
				heard <- at
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = cmd.Process.Kill()
		<-over
		_ = cmd.Wait() // killed
	})
	select {
	case at, ok := <-heard:
		if !ok {
			t.Fatalf("prometheus has ended; it was told\n%s", &config)
		}
		return &prometheus{t: t, ctx: ctx, url: "http://" + at}
	case <-ctx.Done():
		t.Fatal("prometheus does not say where it listens")
	}
	panic("unreachable")
}

// ask makes a call of the API, and reads its data.
func (p *prometheus) ask(call string, query url.Values, to any) error {
	request, err := http.NewRequestWithContext(p.ctx, http.MethodGet, p.url+"/api/v1/"+call+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %s: %w", call, response.Status, err)
	}
	if answer.Error != "" {
		return fmt.Errorf("%s %v: %s", call, query, answer.Error)
	}
	return json.Unmarshal(answer.Data, to)
}

// sample is a series with its present value.
type sample struct {
	Metric map[string]string
	Value  [2]any // when, and what
}

// query returns what an expression is now, without what is no number.
func (p *prometheus) query(expr string) (numbers []sample) {
	p.t.Helper()
	var data struct{ Result []sample }
	if err := p.ask("query", url.Values{"query": {expr}}, &data); err != nil {
		p.t.Fatal(err)
	}
	for _, s := range data.Result {
		if s.Value[1] != "NaN" {
			numbers = append(numbers, s)
		}
	}
	return numbers
}

// rule is an alert as Prometheus knows it.
type rule struct {
	Name, Query, State, Health, LastError string
	Alerts                                []struct{ Labels, Annotations map[string]string }
}

// alerts returns the alerts, each of which was looked at without an error.
func (p *prometheus) alerts() (all []rule) {
	p.t.Helper()
	p.until(func() string {
		var data struct{ Groups []struct{ Rules []rule } }
		if err := p.ask("rules", url.Values{"type": {"alert"}}, &data); err != nil {
			p.t.Fatal(err)
		}
		all = nil
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				if all = append(all, r); r.Health != "ok" {
					return fmt.Sprintf("%s: %s: %s", r.Name, r.Health, r.LastError)
				}
			}
		}
		return ""
	})
	return all
}

// until looks again and again, until what it looks for is there; missing says what is not.
func (p *prometheus) until(missing func() string) {
	p.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for what := missing(); what != ""; what = missing() {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			p.t.Fatal(what)
		}
	}
}
