package monitoring

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/gossip/find/findtest"
)

// scenarios are what is done to nodes, each with the alerts that fire of it for real: every one of docs/monitoring/alerts.yaml
// stands here.
var scenarios = []struct {
	does   string
	run    func(t *testing.T, watch watch)
	alone  bool // in a network of its own
	alerts []string
}{
	{
		does: "nodes are killed, and one again and again", run: nodesAreKilled,
		alerts: []string{"QuipuNodeDown", "QuipuUnlinked", "QuipuUnreplicated", "QuipuRestarts", "QuipuNotReady", "QuipuNotScraped"},
	},
	{
		does: "the network is cut", run: theNetworkIsCut, alone: true,
		alerts: []string{"QuipuUnlinked", "QuipuUnreplicated"},
	},
	{
		does: "a disk is full", run: aDiskIsFull,
		alerts: []string{"QuipuDiskLow", "QuipuDiskFills", "QuipuStuck", "QuipuHTTPErrors", "QuipuBehind", "QuipuPeerLacks", "QuipuPeerCondition"},
	},
	{
		does: "a disk fails, and is slow", run: aDiskFails,
		alerts: []string{"QuipuReadOnly", "QuipuAppendsFail", "QuipuTrimFails", "QuipuSyncSlow", "QuipuFilesRunOut"},
	},
	{
		does: "a file is spoilt", run: aFileIsSpoilt,
		alerts: []string{"QuipuDamaged"},
	},
	{
		does: "a folder is copied", run: aFolderIsCopied,
		alerts: []string{"QuipuRecovering", "QuipuSecondWriter", "QuipuForkedAuthor"},
	},
	{
		does: "a node has another version, a wrong clock and too much to record", run: aNodeIsOdd,
		alerts: []string{"QuipuVersionSkew", "QuipuClockOff", "QuipuAuthorAhead", "QuipuGaps"},
	},
	{
		does: "strangers call", run: strangersCall,
		alerts: []string{"QuipuBadPeer", "QuipuLinksBreak", "QuipuNotUnderstood", "QuipuNotAdmitted", "QuipuPending", "QuipuTokensRefused"},
	},
	{
		does: "room is scarce, and bodies are gone", run: roomIsScarce,
		alerts: []string{"QuipuQuotaNear", "QuipuShutAuthor", "QuipuTrimHeldBack", "QuipuStarved"},
	},
	{
		does: "a certificate ends", run: aCertificateEnds,
		alerts: []string{"QuipuCertificateEnds"},
	},
	{
		does: "consumers fail", run: consumersFail,
		alerts: []string{"QuipuFollowerStuck", "QuipuFollowerLag", "QuipuFollowerParked"},
	},
}

// watch starts a Prometheus that scrapes nodes, and whose alerts have no patience.
type watch func(nodes ...*node) *prometheus

// TestEveryAlertIsMadeToFire: the scenarios list each alert, and no other.
func TestEveryAlertIsMadeToFire(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(files(t), "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fires := make(map[string]bool)
	for _, s := range scenarios {
		for _, name := range s.alerts {
			fires[name] = true
		}
	}
	for _, alert := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(text, -1) {
		if name := string(alert[1]); !fires[name] {
			t.Errorf("%s is made to fire by no scenario: add it to one that does what it is for", name)
		} else {
			delete(fires, name)
		}
	}
	for name := range fires {
		t.Errorf("a scenario lists %s, and there is no such alert", name)
	}
}

// TestAlertsFireForReal does to nodes what each alert is for, sees it fire, and be over where that comes soon after it is.
func TestAlertsFireForReal(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.does, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes most of a minute")
			}
			t.Parallel()
			if s.alone && !findtest.Alone(t, "link set lo up") {
				return
			}
			rules, fired := hasty(t), make(map[string]bool)
			s.run(t, func(nodes ...*node) *prometheus {
				p := newPrometheus(t, rules, nodes)
				p.fired = fired
				p.until(func() string { return missing(p, `up{job="quipu"} == 1`, len(nodes)) })
				return p
			})
			did, want := slices.Sorted(maps.Keys(fired)), slices.Sorted(slices.Values(s.alerts))
			if !t.Failed() && !slices.Equal(did, want) {
				t.Errorf("%q have fired, expected %q", did, want)
			}
		})
	}
}

// hasty writes the alerts anew with no patience: nothing is given minutes to pass, and what may last for minutes, or grows for
// hours, does so for seconds.
func hasty(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(files(t), "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range [][2]string{
		{`(?m)^( +)for: \w+$`, "${1}for: 0s"},
		{`_seconds > \d+\n`, "_seconds > 3\n"},
		{`(predict_linear\(\w+)\[6h\]`, "$1[20s]"},
		{`offset 3h`, "offset 10s"},
	} {
		of := regexp.MustCompile(h[0])
		if !of.Match(text) {
			t.Fatalf("no alert has %s", h[0])
		}
		text = of.ReplaceAll(text, []byte(h[1]))
	}
	name := filepath.Join(t.TempDir(), "alerts.yaml")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// fires waits until an alert fires of a node, or is over, and holds what it says against its labels. An alert that is of no
// node is of "".
func (p *prometheus) fires(name, node string, want bool) {
	p.t.Helper()
	p.until(func() string {
		is := false
		for _, r := range p.alerts() {
			for _, a := range r.Alerts {
				if r.Name != name || a.Labels["instance"] != node {
					continue
				}
				is = true
				for what, says := range a.Annotations {
					if strings.Contains(says, "<") || says == "" {
						p.t.Errorf("%s has the %s %q", name, what, says)
					}
				}
				if !strings.Contains(a.Annotations["summary"]+a.Annotations["description"], node) {
					p.t.Errorf("%s does not name node %s: %q", name, node, a.Annotations)
				}
			}
		}
		if is != want {
			return fmt.Sprintf("%s of node %s fires: %v, expected %v", name, node, is, want)
		}
		return ""
	})
	if want {
		p.fired[name] = true
	}
}
