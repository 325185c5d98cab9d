package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/gossip/wire"
)

// monitoring is the folder of what an operator gives Prometheus and Grafana.
const monitoring = "../docs/monitoring"

// promtool runs Debian's promtool in that folder, which must find nothing wrong.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	name, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatal("no promtool here: it comes with Debian's prometheus")
		}
		t.Skip("no promtool here")
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = monitoring
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "SUCCESS") {
		t.Errorf("%s: %v\n%s", cmd, err, out)
	}
}

// TestAlertsFire has Prometheus read the alerts, and say when they fire and when they do not.
func TestAlertsFire(t *testing.T) {
	promtool(t, "check", "rules", "alerts.yaml")
	promtool(t, "test", "rules", "alerts_test.yaml")
}

// alert is a rule.
type alert struct {
	Alert, Expr, For string
	Labels           struct{ Severity string }
	Annotations      struct{ Summary, Description, Runbook string }
}

// readYAML reads a file of that folder.
func readYAML(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// alerts returns the rules.
func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []alert }
	}
	readYAML(t, "alerts.yaml", &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestAlertsAreTested: of each alert there is a test in which it is silent and then fires, and of no other.
func TestAlertsAreTested(t *testing.T) {
	var file struct {
		Tests []struct {
			Name  string
			Exprs []struct {
				Expr    string
				Samples []struct{ Labels string } `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	readYAML(t, "alerts_test.yaml", &file)
	var tested, named []string
	for _, test := range file.Tests {
		tested = append(tested, test.Name)
		if len(test.Exprs) != 2 || len(test.Exprs[0].Samples) != 0 || len(test.Exprs[1].Samples) != 1 || test.Exprs[0].Expr != test.Exprs[1].Expr {
			t.Errorf("%s: expected a look that finds nothing, and the same look later that finds the alert", test.Name)
			continue
		}
		if fires := test.Exprs[1].Samples[0].Labels; !strings.Contains(fires, `alertname="`+test.Name+`"`) {
			t.Errorf("%s expects %s to fire", test.Name, fires)
		}
	}
	for _, a := range alerts(t) {
		named = append(named, a.Alert)
	}
	slices.Sort(tested)
	slices.Sort(named)
	if !slices.Equal(tested, named) {
		t.Errorf("tests are of\n%q\nand alerts are\n%q", tested, named)
	}
}

// TestAlertsAreExplained: each alert says what is so and how bad it is, and leads to a part of docs/OPERATIONS.md that says what to
// do. No such part is left over.
func TestAlertsAreExplained(t *testing.T) {
	text, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## Alerts\n")
	if !found {
		t.Fatal("docs/OPERATIONS.md has no section Alerts")
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	explained := make(map[string]bool)
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)\n.{20}`).FindAllStringSubmatch(section, -1) {
		explained[heading[1]] = true
	}
	for _, a := range alerts(t) {
		if !explained[a.Alert] {
			t.Errorf("docs/OPERATIONS.md does not say under ### %s what to do", a.Alert)
		}
		delete(explained, a.Alert)
		if want := "docs/OPERATIONS.md#" + strings.ToLower(a.Alert); a.Annotations.Runbook != want {
			t.Errorf("%s: the runbook is %q, expected %q", a.Alert, a.Annotations.Runbook, want)
		}
		if s := a.Labels.Severity; s != "critical" && s != "warning" {
			t.Errorf("%s: the severity is %q, expected critical or warning", a.Alert, s)
		}
		if a.Annotations.Summary == "" || !strings.HasSuffix(a.Annotations.Description, ".") {
			t.Errorf("%s: expected a summary, and a description of whole sentences", a.Alert)
		}
	}
	for name := range explained {
		t.Errorf("docs/OPERATIONS.md explains %s, and there is no such alert", name)
	}
}

// TestAlertsAreOfMetricsThatThereAre: what the alerts and the dashboard look at is in docs/METRICS.md, and there is an alert for each condition.
func TestAlertsAreOfMetricsThatThereAre(t *testing.T) {
	page, err := os.ReadFile("../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `(quipu_\\w+)` \\| (\\w+) ").FindAllStringSubmatch(string(page), -1) {
		exists[row[1]] = true
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			exists[row[1]+part] = row[2] == "histogram"
		}
	}
	conditions := make(map[string]bool)
	for _, a := range alerts(t) {
		for _, name := range regexp.MustCompile(`quipu_\w+`).FindAllString(a.Expr, -1) {
			if !exists[name] {
				t.Errorf("%s looks at %s, which is not in docs/METRICS.md", a.Alert, name)
			}
		}
		if c := regexp.MustCompile(`^quipu_condition\{condition="([^"]+)"\} == 1$`).FindStringSubmatch(a.Expr); c != nil {
			conditions[c[1]] = true
		}
	}
	board, err := os.ReadFile(filepath.Join(monitoring, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`quipu_\w+`).FindAllString(string(board), -1) {
		if !exists[name] {
			t.Errorf("the dashboard shows %s, which is not in docs/METRICS.md", name)
		}
	}
	for c := wire.ConditionStuck; c <= wire.ConditionClock; c++ {
		if !conditions[c.String()] {
			t.Errorf("there is no alert for the condition %s", c)
		}
	}
}
