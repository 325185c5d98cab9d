package eventlog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestLateArrivalsOfKilledProcesses has a process append one entry a commit, and follow, until it is killed at random, again
// and again over one log, while another process reads the order of arrival all the time: what was acked is there, once and
// at its offset, nothing that was seen in an order comes in another, and each entry has had its effect once.
func TestLateArrivalsOfKilledProcesses(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		if os.Getenv("QUIPU_TEST_STEP") == "read" {
			readChild(t, dir)
		} else {
			lateChild(t, dir)
		}
		return
	}
	rounds := 10
	if os.Getenv("QUIPU_E2E") != "" && !testing.Short() {
		rounds = 150
	}
	dir := t.TempDir()
	if err := eventlogtest.Create(t, dir, config("killed")).Close(); err != nil {
		t.Fatal(err)
	}
	reader, end, out := startChild(t, dir, "read")
	var texts []string // of entries that were acked, or found since, by seq: there is one feed
	for round := range rounds {
		acked := killLate(t, dir, 1+rand.IntN(100))
		l, err := eventlog.Open(dir, config("killed"))
		if err != nil {
			t.Fatalf("open log of a killed child: %v", err)
		}
		if l.Recovering() != nil {
			t.Errorf("a kill has made it another file: %v", l.Recovering())
		}
		eventlogtest.Verify(t, l)
		checkTally(t, l)
		texts = checkOrder(t, l, texts)
		for seq, text := range acked {
			if seq >= len(texts) || texts[seq] != text {
				t.Errorf("entry %d was acked as %q and is not there", seq, text)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("after %d kills", round+1)
		}
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(out)
	if err := reader.Wait(); err != nil || !strings.Contains(string(said), fmt.Sprintf("read to the end: %d entries", len(texts))) {
		t.Errorf("who read meanwhile: %v: %s", err, said)
	}
	t.Logf("%d kills, %d entries; %s", rounds, len(texts), said)
}

// startChild starts this test as a child, and returns what it reads, open, and what it says.
func startChild(t *testing.T, dir, step string) (child *exec.Cmd, in io.WriteCloser, out io.ReadCloser) {
	t.Helper()
	child = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLateArrivalsOfKilledProcesses$", "-test.count=1")
	child.Env, child.Stderr = append(os.Environ(), childDir+"="+dir, "QUIPU_TEST_STEP="+step), os.Stderr
	in, err := child.StdinPipe()
	must(t, err)
	out, err = child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	return child, in, out
}

// killLate has a child append, kills it once it was told of some entries, and returns by seq which ones it was told of.
func killLate(t *testing.T, dir string, after int) map[int]string {
	t.Helper()
	child, _, out := startChild(t, dir, "append")
	acked, lines := map[int]string{}, bufio.NewScanner(out)
	for lines.Scan() {
		if seq, text, ok := strings.Cut(lines.Text(), " acked "); ok {
			n, err := strconv.Atoi(seq)
			must(t, err)
			acked[n] = text
		} else {
			t.Logf("child: %s", lines.Text())
		}
		if len(acked) == after {
			must(t, child.Process.Kill()) // what it has said since is read, too
		}
	}
	if err := child.Wait(); err == nil || len(acked) < after {
		t.Fatalf("a child that was killed after %d of %d entries: %v", len(acked), after, err)
	}
	return acked
}

// lateChild appends one entry a commit, and follows what there is.
func lateChild(t *testing.T, dir string) {
	l, err := eventlog.Open(dir, config("killed"))
	must(t, err)
	go func() {
		for n := 0; ; n++ {
			e := counted(n)
			p, err := l.Append(context.Background(), e)
			if err != nil {
				panic(err)
			}
			fmt.Printf("%d acked %s %s\n", p.Seq, e.Kind, e.Payload)
		}
	}()
	t.Fatal(l.Follow(context.Background(), "tally", eventlog.FollowConfig{MaxEntries: 5}, tally))
}

// checkOrder checks that a log of one feed shows its entries in order of arrival, each once and at its offset, those that
// were known among them, and returns what they are.
func checkOrder(t *testing.T, l *eventlog.Log, known []string) (all []string) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		if errors.Is(err, eventlog.ErrOvertaken) {
			return known
		}
		must(t, err)
		n, text := len(all), fmt.Sprintf("%s %s", e.Kind, e.Payload)
		if e.Offset != uint64(n) || e.Seq != uint64(n) || n < len(known) && text != known[n] {
			t.Fatalf("behind %d others there is entry %d %q at offset %d", n, e.Seq, text, e.Offset)
		}
		all = append(all, text)
	}
	if len(all) < len(known) {
		t.Fatalf("there are %d entries, and were %d", len(all), len(known))
	}
	return all
}

// readChild reads until there is nothing more to be read from its parent.
func readChild(t *testing.T, dir string) {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	var all []string
	for n, last := 1, false; ; n++ {
		l, err := eventlog.Open(dir, eventlog.Config{ReadOnly: true}) // which shows what there is now
		must(t, err)
		before := len(all)
		all = checkOrder(t, l, all)
		tailed := 0
		for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, Reverse: true, Limit: 100}) {
			if must(t, err); e.Offset != e.Seq || e.Offset < uint64(len(all)) && all[e.Offset] != fmt.Sprintf("%s %s", e.Kind, e.Payload) {
				t.Fatalf("from the end on there is entry %d at offset %d", e.Seq, e.Offset)
			}
			tailed++
		}
		if tailed < min(100, before) {
			t.Fatalf("from the end on there are %d entries of %d", tailed, before)
		}
		must(t, l.Close())
		if last {
			fmt.Printf("read to the end: %d entries, %d times\n", len(all), n)
			return
		}
		select {
		case <-ended:
			last = true // and once more
		default:
		}
	}
}
