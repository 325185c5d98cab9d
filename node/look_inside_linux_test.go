package node

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/node/metrics"
)

// unrun is a node that does not run, so that nobody but the test touches its file, with some entries of so many authors.
func unrun(tb testing.TB, authors int) *Node {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "node")
	if _, _, err := Init(Birth{Dir: dir}); err != nil {
		tb.Fatal(err)
	}
	n, err := New(Config{Dir: dir, Listen: "127.0.0.1:0", Profile: gossip.Local, Secret: bytes.Repeat([]byte{1}, transport.SecretSize)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { n.Close() })
	if _, err := n.log.AppendBatch(tb.Context(), []crdt.Event{{Kind: "a"}, {Kind: "b"}}); err != nil {
		tb.Fatal(err)
	}
	var runs []crdt.Run
	for i := range authors - 1 {
		key := eventlogtest.Key(fmt.Sprint("author ", i))
		op, err := crdt.NewOp(key, crdt.Header{Log: n.log.ID(), Clock: crdt.NextClock(time.Now(), 0, 0)}, time.Now(), crdt.Event{Kind: "x"})
		if err != nil {
			tb.Fatal(err)
		}
		runs = append(runs, crdt.Run{Ops: []crdt.Op{op}})
	}
	if _, err := n.log.Apply(tb.Context(), runs); err != nil {
		tb.Fatal(err)
	}
	return n
}

// scrape answers Prometheus once.
func scrape(tb testing.TB, n *Node) int {
	tb.Helper()
	w := httptest.NewRecorder()
	metrics.Handler(func() metrics.Look { return n.look(n.gossip.Status()) }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		tb.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.Len()
}

// mapping is where a file is mapped into the memory of this process.
type mapping struct{ from, to uintptr }

// mapped returns where bbolt has mapped a file.
func mapped(t *testing.T, path string) (m mapping) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(strings.TrimSpace(line), path) {
			if _, err := fmt.Sscanf(line, "%x-%x", &m.from, &m.to); err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	t.Fatalf("%s is not mapped:\n%s", path, maps)
	return m
}

// forget has the process hold no page of the mapping, so that whoever looks at one has it brought again.
func (m mapping) forget(t *testing.T) {
	t.Helper()
	if _, _, err := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); err != 0 {
		t.Fatal(err)
	}
}

// looked returns how many KiB of the mapping were looked at since.
func (m mapping) looked(t *testing.T) (kib int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var from, to uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = from >= m.from && to <= m.to
		} else if inside && strings.HasPrefix(line, "Rss:") {
			var rss int
			if _, err := fmt.Sscanf(line, "Rss: %d kB", &rss); err != nil {
				t.Fatal(err)
			}
			kib += rss
		}
	}
	return kib
}

// reads returns how often this process has asked the system to read.
func reads(t *testing.T) (n int) {
	t.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("the system does not count who reads: %v", err)
	}
	_, after, found := strings.Cut(string(io), "syscr: ")
	if _, err := fmt.Sscanf(after, "%d", &n); err != nil || !found {
		t.Fatalf("%v in %s", err, io)
	}
	return n
}

// TestScrapeReadsNothing: to answer Prometheus touches no page of the log's file, and asks the system to read nothing of it;
// a sample does, which shows that the test would see it.
func TestScrapeReadsNothing(t *testing.T) {
	n := unrun(t, 200)
	if err := n.log.Update(context.Background(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 1) }); err != nil {
		t.Fatal(err)
	}
	if err := n.takeSample(t.Context(), new(metrics.Sample), new(gaps)); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.EvalSymlinks(n.folder.Log())
	if err != nil {
		t.Fatal(err)
	}
	at := mapped(t, path)
	scrape(t, n) // what is made on the first time
	at.forget(t)
	if kib := at.looked(t); kib != 0 {
		t.Fatalf("%d KiB are there still", kib)
	}
	for range 3 {
		scrape(t, n)
	}
	if kib := at.looked(t); kib != 0 {
		t.Errorf("answering has looked at %d KiB of the file", kib)
	}

	// What Prometheus's library tells of the process it reads from the system: so only what the node tells is counted here.
	each := -reads(t) + reads(t) // by counting
	before := reads(t)
	l := n.look(n.gossip.Status())
	metrics.Counts(l)
	l.Feeds(func(eventlog.FeedStats) {})
	if got := reads(t) - before; got != each {
		t.Errorf("looking has asked the system to read %d times", got-each)
	}

	if err := n.takeSample(t.Context(), new(metrics.Sample), new(gaps)); err != nil {
		t.Fatal(err)
	}
	if at.looked(t) == 0 {
		t.Error("a sample has looked at nothing of the file: the test would not see it")
	}
}

// BenchmarkScrape answers Prometheus at few authors and at many.
func BenchmarkScrape(b *testing.B) {
	for _, authors := range []int{10, 10_000} {
		b.Run(fmt.Sprint("authors=", authors), func(b *testing.B) {
			n := unrun(b, authors)
			size := scrape(b, n)
			for b.Loop() {
				scrape(b, n)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
