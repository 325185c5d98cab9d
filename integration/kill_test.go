package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// writer appends to one member from a process of its own and remembers what was acked: a place that
// was printed is a promise, whatever happens to the daemon next.
type writer struct {
	m     *member
	next  atomic.Int64 // number of the next entry, which its subject and payload carry
	mu    sync.Mutex
	acked map[string]string // place → subject
}

// newWriter returns a writer to m that has written nothing yet.
func newWriter(m *member) *writer { return &writer{m: m, acked: make(map[string]string)} }

// begin has the writer write until ctx ends or the daemon under it is gone, which wg waits for.
func (w *writer) begin(ctx context.Context, wg *sync.WaitGroup) {
	wg.Go(func() {
		if err := w.write(ctx); err != nil {
			w.m.t.Error(err)
		}
	})
}

// write appends through one `quipu append --ndjson` until ctx ends or the daemon under it is gone.
func (w *writer) write(ctx context.Context) error {
	name, err := binary()
	if err != nil {
		return err
	}
	cmd := exec.Command(name, "append", "--dir", w.m.dir, "--ndjson", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// The places come in input order, so the lines that were written are what they belong to.
	subjects := make(chan string, 1<<16)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer stdin.Close()
		defer close(subjects)
		rest := rests(ctx)
		for written := 1; ctx.Err() == nil; written++ {
			if written%100 == 0 {
				rest()
			}
			n := w.next.Add(1)
			subject := fmt.Sprintf("%s-%d", w.m.author[:8], n)
			select {
			case subjects <- subject:
			case <-ctx.Done():
				return
			}
			if _, err := fmt.Fprintf(stdin, `{"kind":"load","subject":%q,"payload":{"n":%d}}`+"\n", subject, n); err != nil {
				return
			}
		}
	})
	w.collect(stdout, subjects)
	// The feeder ends with its pipe; drain what it still offers so that it can.
	for range subjects {
		continue
	}
	wg.Wait()
	cmd.Wait() // killed daemons make it fail: what it printed counts all the same
	return nil
}

// rests returns what a writer does after each hundred lines: nothing with QUIPU_E2E=1, where it writes as fast as it can. Else it
// waits until 50 ms have passed since the last time, or ctx has ended: hundreds of entries a step show what tens of thousands
// do.
func rests(ctx context.Context) func() {
	if os.Getenv("QUIPU_E2E") != "" {
		return func() {}
	}
	pace := time.NewTicker(50 * time.Millisecond)
	return func() {
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
}

func (w *writer) collect(stdout io.Reader, subjects <-chan string) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		w.mu.Lock()
		w.acked[strings.TrimSpace(lines.Text())] = <-subjects
		w.mu.Unlock()
	}
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

// TestAckedEntriesSurviveSIGKILL runs three daemons under load from all three and kills one of them
// with SIGKILL again and again. After the last restart every acked entry is on every node, once, at
// the place that was acked; no seq is missing or doubled; every file verifies.
func TestAckedEntriesSurviveSIGKILL(t *testing.T) {
	t.Parallel()
	kills := 6
	if testing.Short() {
		kills = 2
	}
	members := newCluster(t, 3)
	startAll(members)
	ctx, stopWriting := context.WithCancel(t.Context())
	defer stopWriting()

	var writers []*writer
	var wg sync.WaitGroup
	for _, m := range members {
		w := newWriter(m)
		writers = append(writers, w)
		if m == members[2] {
			continue // its writers live as long as its daemons do
		}
		w.begin(ctx, &wg)
	}
	victim := writers[2]
	for range kills {
		before := victim.count()
		var done sync.WaitGroup
		victim.begin(ctx, &done)
		eventually(t, "acks from the victim", func() bool { return victim.count() > before+200 },
			func() string { return victim.m.stderr.String() })
		victim.m.kill()
		done.Wait()
		victim.m.start()
	}
	stopWriting()
	wg.Wait()

	all := sameLogsThatVerify(t, members)
	checkAcked(t, writers, all)
}

// checkAcked holds a log against what was acked.
func checkAcked(t *testing.T, writers []*writer, all []entry) {
	t.Helper()
	at := make(map[string]string, len(all))
	next := make(map[string]uint64)
	subjects := make(map[string]bool, len(all))
	for _, e := range all {
		if e.Kind != "load" {
			t.Errorf("entry %s of kind %q: nobody wrote it", e.place(), e.Kind)
		}
		if e.Seq != next[e.Author] {
			t.Errorf("author %s: seq %d where %d was due", e.Author[:8], e.Seq, next[e.Author])
		}
		next[e.Author] = e.Seq + 1
		if subjects[e.Subject] {
			t.Errorf("entry %s stands twice", e.Subject)
		}
		subjects[e.Subject] = true
		at[e.place()] = e.Subject
		var payload struct{ N int64 }
		if err := json.Unmarshal(e.Payload, &payload); err != nil || !strings.HasSuffix(e.Subject, fmt.Sprintf("-%d", payload.N)) {
			t.Errorf("entry %s has payload %s", e.Subject, e.Payload)
		}
	}
	total := 0
	for _, w := range writers {
		for place, subject := range maps.All(w.acked) {
			if at[place] != subject {
				t.Errorf("acked %s at %s: the log has %q there", subject, place, at[place])
			}
		}
		total += len(w.acked)
	}
	if total == 0 {
		t.Fatal("nothing was acked")
	}
	t.Logf("%d entries acked, %d in the log", total, len(all))
}
