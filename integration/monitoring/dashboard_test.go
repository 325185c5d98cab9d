package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files returns where the files for operators are.
func files(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../docs/monitoring")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// panel is one of the dashboard, or a row of them.
type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct{ Expr, LegendFormat string }
}

// dashboard returns the panels.
func dashboard(t *testing.T) (rows, panels []panel) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(files(t), "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		SchemaVersion int
		Panels        []panel
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type == "row" {
			rows = append(rows, p)
		} else {
			panels = append(panels, p)
		}
	}
	return rows, panels
}

// TestDashboardIsInOrder: each panel says what it shows, of the data source that is chosen, and lies on no other.
func TestDashboardIsInOrder(t *testing.T) {
	rows, panels := dashboard(t)
	var titles []string
	for _, r := range rows {
		titles = append(titles, r.Title)
	}
	if want := []string{"Cluster at a glance", "Replication", "Appends and disk", "Followers", "HTTP", "Process"}; !slices.Equal(titles, want) {
		t.Errorf("the rows are %q, expected %q", titles, want)
	}
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range slices.Concat(rows, panels) {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: expected a number of its own and a title", p.ID, p.Title)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X+g.W > 24 {
			t.Errorf("%s reaches over the edge", p.Title)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, there := taken[[2]int{x, y}]; there {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	for _, p := range panels {
		if !strings.HasSuffix(p.Description, ".") || p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%s: expected a description, the data source of the dashboard, a unit and an expression", p.Title)
		}
	}
}

// variables stand for what Grafana puts in their place.
var variables = strings.NewReplacer("$__rate_interval", "30s", "$instance", ".*")

// selector is a metric with what is asked of its labels.
var selector = regexp.MustCompile(`(\w+)\{([^}]*)\}`)

// matcher asks for one of some words, in the place of a pattern.
var matcher = regexp.MustCompile(`(\w+)!?=~?"([\w \-|]+)"`)

// words returns a selector for each word that an expression asks for, of a metric all of whose words are always there.
func words(expr string) (each []string) {
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if m[1] == "job" { // whose word is Prometheus's
				continue
			}
			for word := range strings.SplitSeq(m[2], "|") {
				each = append(each, fmt.Sprintf("%s{%s=%q}", s[1], m[1], word))
			}
		}
	}
	return each
}

// TestEveryPanelShowsACluster: a cluster that is used has something to show in each panel, whose expressions Prometheus takes; and every
// word of a label that they or the alerts ask for is one that nodes have. Of the alerts none fires while all is well.
func TestEveryPanelShowsACluster(t *testing.T) {
	t.Parallel()
	_, panels := dashboard(t)
	nodes := newCluster(t)
	for _, n := range nodes {
		n.use(t)
	}
	p := newPrometheus(t, filepath.Join(files(t), "alerts.yaml"), nodes)
	p.until(func() string { return missing(p, `up{job="quipu"} == 1`, len(nodes)) })
	shown := 0
	var asked []string
	for _, panel := range panels {
		for _, target := range panel.Targets {
			expr := variables.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: %s has a variable that is not known here", panel.Title, expr)
				continue
			}
			p.until(func() string { return missing(p, expr, 1) })
			shown++
			asked = append(asked, words(expr)...)
		}
	}
	rules := p.alerts()
	for _, r := range rules {
		asked = append(asked, words(r.Query)...)
		if r.State != "inactive" {
			t.Errorf("%s is %s, and all is well", r.Name, r.State)
		}
	}
	slices.Sort(asked)
	asked = slices.Compact(asked)
	for _, s := range asked {
		if len(p.query(s)) == 0 {
			t.Errorf("no node has %s", s)
		}
	}
	t.Logf("%d expressions of %d panels, %d alerts, %d words", shown, len(panels), len(rules), len(asked))
	if shown < 60 || len(rules) < 30 {
		t.Error("there are more: the test is broken")
	}
}

// missing returns "" if an expression has so many series.
func missing(p *prometheus, expr string, least int) string {
	if n := len(p.query(expr)); n < least {
		return fmt.Sprintf("%s has %d series, at least %d are expected", expr, n, least)
	}
	return ""
}
