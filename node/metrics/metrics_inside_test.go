package metrics

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/wire"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/server"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// author returns the author of a number.
func author(i int) (a crdt.Author) {
	binary.BigEndian.PutUint32(a[:], uint32(i))
	return a
}

// feed returns what is held of an author who wrote so long ago.
func feed(i int, ago time.Duration) eventlog.FeedStats {
	return eventlog.FeedStats{Author: author(i), Next: 7, Entries: 5, Bytes: 1000, Clock: crdt.NextClock(now.Add(-ago), 0, 0)}
}

// crowd is the look of a node that has as much to tell as there can be: of so many authors, and of more peers, followers and
// calls than are shown.
func crowd(t testing.TB, authors int) Look {
	l := eventlogtest.Open(t)
	if _, err := l.Append(t.Context(), crdt.Event{Kind: "sale"}); err != nil {
		t.Fatal(err)
	}
	free := uint64(1 << 30)
	look := Look{
		At: now, Version: "1", Self: author(0), Log: l.Meters(), Conditions: []gossip.Condition{wire.ConditionStuck},
		Feeds: func(visit func(eventlog.FeedStats)) {
			for i := range authors {
				visit(feed(i, time.Duration(i)*time.Second))
			}
		},
		Heads: make(map[crdt.Author]uint64),
		Calls: server.Counts{Answered: make(map[server.Answered]uint64), Refused: map[api.Code]uint64{api.Busy: 3}},
		Trims: Trims{Last: now},

		Certificate: &x509.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},

		Sample: &Sample{Alone: &elsewhere.Alone{Known: true, Entries: 4, Since: now.Add(-time.Minute)}, DiskFree: &free},
	}
	for i := range 300 {
		a := author(i)
		look.Network.Members = append(look.Network.Members, gossip.Member{
			Author: a, State: gossip.Alive, Linked: i >= 150, RTT: time.Millisecond, ClockKnown: true, Compared: now, Lacks: 2, LacksSince: now.Add(-time.Second),
		})
		look.Heads[a] = 3
		look.Sample.Followers = append(look.Sample.Followers, eventlog.FollowerStatus{Name: fmt.Sprint("f", i), Lag: uint64(i)})
		look.Trims.Held = append(look.Trims.Held, eventlog.HeldBack{Hold: eventlog.Hold{Name: fmt.Sprint("f", i)}, Entries: 1})
	}
	for i := range server.MaxAnswered {
		look.Calls.Answered[server.Answered{Route: fmt.Sprint("GET /v1/", i/20), Status: 200 + i%20}] = 1
	}
	return look
}

// answer returns what Prometheus is told of a look.
func answer(t testing.TB, l Look) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(func() Look { return l }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// seriesIn returns the series of an answer.
func seriesIn(text string) (all []string) {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return all
}

// most is how many series a node has at most.
const most = 3000

// TestSeriesAreFew: however many authors, peers, followers and routes there are, the series are few: those that are there,
// and those that there could be by what the table says.
func TestSeriesAreFew(t *testing.T) {
	l := crowd(t, 10_000)
	text := answer(t, l)
	all := seriesIn(text)
	could := 0
	for _, s := range all {
		if !strings.HasPrefix(s, prefix) {
			could++ // Go's own
		}
	}
	for _, g := range table {
		for i := range g.rows {
			m := &g.rows[i]
			n := 0
			for _, s := range all {
				name, _, _ := strings.Cut(s, "{")
				if name = strings.TrimPrefix(name, prefix+m.name); name == "" || name == "_bucket" {
					n++
				}
			}
			if m.kind != histogram && n > m.most || n == 0 {
				t.Errorf("%s has %d series, at most %d are expected and one at least", m.name, n, m.most)
			}
			could += m.series(&l)
		}
	}
	t.Logf("%d series in %d bytes; there could be %d", len(all), len(text), could)
	if could > most || len(all) > could {
		t.Errorf("%d series, %d could be, %d may", len(all), could, most)
	}
}

// TestPrometheusLikesIt runs Prometheus's own check of names, types and help.
func TestPrometheusLikesIt(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("QUIPU_E2E") == "" {
		t.Skip("there is no promtool here: it comes with Debian's prometheus")
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(answer(t, crowd(t, 100)))
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestNamesAndHelp: each metric has a name of its own and says in a sentence what it is.
func TestNamesAndHelp(t *testing.T) {
	names := make(map[string]bool)
	for _, g := range table {
		for _, m := range g.rows {
			if names[m.name] || !strings.HasSuffix(m.help, ".") || (m.kind == counter) != strings.HasSuffix(m.name, "_total") || m.most < 1 {
				t.Errorf("%+v", m)
			}
			names[m.name] = true
		}
	}
	if last := wire.ConditionClock + 1; slices.Contains(conditions, last.String()) || !strings.ContainsAny(last.String(), "0123456789") {
		t.Errorf("condition %s is not among those that are told", last)
	}
}

// authorsOf returns what a metric of authors says of each.
func authorsOf(t *testing.T, c *collector, name string) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == prefix+name {
				values[m.Label[0].GetValue()] = m.Gauge.GetValue()
			}
		}
	}
	return values
}

// TestWhichAuthorsAreShown: the node's own, and those that wrote last, each as long as it writes at all; the rest as a sum.
func TestWhichAuthorsAreShown(t *testing.T) {
	l := crowd(t, 10_000)
	c := &collector{look: func() Look { return l }}
	short := func(i int) string { return author(i).Short() }
	l.Self = author(9999)
	entries := authorsOf(t, c, "author_entries")
	if len(entries) != maxAuthors+1 || entries[rest] != 5*(10_000-maxAuthors) || entries[short(9999)] != 5 {
		t.Fatalf("%d authors are shown, the rest has %v entries, this node %v", len(entries), entries[rest], entries[short(9999)])
	}
	for i := range maxAuthors - 1 {
		if entries[short(i)] != 5 {
			t.Errorf("author %d, who wrote %d s ago, is not shown", i, i)
		}
	}

	// Those before them write no more for a while, all others do: who was shown stays so until it is silent for long.
	silent := stays - 10*time.Minute
	l.Feeds = func(visit func(eventlog.FeedStats)) {
		for i := range 10_000 {
			if i < maxAuthors {
				visit(feed(i, silent))
			} else {
				visit(feed(i, time.Duration(i)*time.Millisecond))
			}
		}
	}
	if again := authorsOf(t, c, "author_entries"); again[short(3)] != 5 || again[short(maxAuthors)] != 0 {
		t.Error("authors make room who have written lately")
	}
	silent = stays + time.Second
	if later := authorsOf(t, c, "author_entries"); later[short(3)] != 0 || later[short(maxAuthors)] != 5 || later[short(9999)] != 5 {
		t.Error("authors are shown who have not written for long, or this node is not")
	}
	l.Feeds = func(visit func(eventlog.FeedStats)) { visit(feed(1, 0)) }
	if one := authorsOf(t, c, "author_bytes"); len(one) != 1 || one[short(1)] != 1000 {
		t.Errorf("of one author: %v", one)
	}
}

// TestNamesThatAreAlike: authors whose short forms are the same have their whole keys as names, and names of followers that
// look like each other, or are no text, take nothing from the others.
func TestNamesThatAreAlike(t *testing.T) {
	a, b := author(7), author(7)
	b[31] = 1
	l := crowd(t, 0)
	l.Feeds = func(visit func(eventlog.FeedStats)) {
		visit(eventlog.FeedStats{Author: a, Entries: 1})
		visit(eventlog.FeedStats{Author: b, Entries: 2})
	}
	l.Sample.Followers = []eventlog.FollowerStatus{{Name: "x\xff"}, {Name: "x\ufffd"}, {Name: "a\nb\"c"}}
	text := answer(t, l)
	for _, want := range []string{
		`quipu_author_entries{author="` + a.String() + `"} 1`, `quipu_author_entries{author="` + b.String() + `"} 2`,
		"quipu_follower_offset{follower=\"x\ufffd\"} 0", `quipu_follower_offset{follower="a\nb\"c"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestCounts: the status has the counters that Prometheus has, under the same names and with the same values.
func TestCounts(t *testing.T) {
	l := crowd(t, 3)
	l.Network.Counts.Duplicates, l.Network.Counts.Faults = 5, map[gossip.Reason]uint64{gossip.Reasons[0]: 2}
	counts, told := Counts(l), make(map[string]string)
	for line := range strings.Lines(answer(t, l)) {
		at := strings.LastIndexByte(line, ' ')
		told[line[:at]] = strings.TrimSpace(line[at:])
	}
	if counts["quipu_appends_total"] != 1 || counts["quipu_duplicate_ops_total"] != 5 || counts[`quipu_rejects_total{reason="malformed"}`] != 2 || len(counts) < 30 {
		t.Errorf("%v", counts)
	}
	for name, n := range counts {
		if told[name] != fmt.Sprint(n) {
			t.Errorf("%s is %d in the status and %q for Prometheus", name, n, told[name])
		}
	}
}

// TestHistograms: what the log counts by size adds up in Prometheus's form.
func TestHistograms(t *testing.T) {
	log := eventlogtest.Open(t)
	for n := range 3 {
		events := slices.Repeat([]crdt.Event{{Kind: "sale"}}, 1+n*5)
		if _, err := log.AppendBatch(context.Background(), events); err != nil {
			t.Fatal(err)
		}
	}
	l := crowd(t, 1)
	l.Log = log.Meters()
	text := answer(t, l)
	for _, want := range []string{
		`quipu_commit_entries_bucket{le="1"} 1`, `quipu_commit_entries_bucket{le="4"} 1`, `quipu_commit_entries_bucket{le="8"} 2`,
		`quipu_commit_entries_bucket{le="16"} 3`, `quipu_commit_entries_bucket{le="+Inf"} 3`, "quipu_commit_entries_sum 18", "quipu_commit_entries_count 3",
		`quipu_commit_gather_seconds_bucket{le="1e-05"}`, "quipu_appended_entries_total 18", "quipu_appends_total 3",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestHowItIsAnswered: compressed and as OpenMetrics for those who take that.
func TestHowItIsAnswered(t *testing.T) {
	l := crowd(t, 1)
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	Handler(func() Look { return l }).ServeHTTP(w, r)
	body, err := io.ReadAll(bufio.NewReader(bytes.NewReader(w.Body.Bytes())))
	if kind := w.Header().Get("Content-Type"); err != nil || w.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(kind, "application/openmetrics-text") || !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		t.Errorf("%v, %d bytes, %v", w.Header(), len(body), err)
	}
	if problems, err := testutil.CollectAndLint(&collector{look: func() Look { return l }}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestOtherVersions: those that say that they have another version are counted, where this node says which it has.
func TestOtherVersions(t *testing.T) {
	l := crowd(t, 1)
	for i, version := range []string{"v1", "v2", "v1.1", "v2"} {
		l.Network.Members[i].Version = version
	}
	for own, want := range map[string]int{"": 0, "v1": 3, "v2": 2, "v3": 4} {
		l.Network.Version = own
		if series := fmt.Sprintf("\nquipu_other_version_peers %d\n", want); !strings.Contains(answer(t, l), series) {
			t.Errorf("as version %q it does not say %q", own, series)
		}
	}
}

// TestCertificate: its times are told where there is one.
func TestCertificate(t *testing.T) {
	l := crowd(t, 1)
	text := answer(t, l)
	for _, series := range []string{
		fmt.Sprintf("\nquipu_http_certificate_begin_timestamp_seconds %g\n", float64(now.Unix()-3600)),
		fmt.Sprintf("\nquipu_http_certificate_end_timestamp_seconds %g\n", float64(now.Unix()+3600)),
	} {
		if !strings.Contains(text, series) {
			t.Errorf("it does not say %q", series)
		}
	}
	l.Certificate = nil
	if strings.Contains(answer(t, l), "\nquipu_http_certificate") {
		t.Error("a certificate is told that is not there")
	}
}
