package recorder_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/gap"
	"github.com/quipulog/quipu/eventlog/recorder"
)

// childDir and childOverflow name the variables that make a test run as the child of another.
const (
	childDir      = "QUIPU_TEST_CHILD_DIR"
	childOverflow = "QUIPU_TEST_CHILD_OVERFLOW"
)

// TestAKilledProcessSaysExactlyWhatWasAtRisk kills a process that records without a pause, again and
// again over one log. Of each event of which the child told that Record had returned nil, the log has
// the entry, or a gap names it; and no gap names more, but for one event whose Record had not returned.
func TestAKilledProcessSaysExactlyWhatWasAtRisk(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		recordForEver(t, dir, os.Getenv(childOverflow))
	}
	for _, overflow := range []recorder.Overflow{recorder.Wait, recorder.Spill} {
		dir := t.TempDir()
		l := eventlogtest.Create(t, dir, eventlog.Config{Key: eventlogtest.Key("killed")})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for round := range 3 {
			checkKilled(t, dir, killOne(t, dir, overflow, 500*round+700))
		}
	}
}

func killConfig(dir string) recorder.Config {
	return recorder.Config{Dir: dir + "/recorder", Buffer: 150, FlushCount: 40}
}

// killOne runs a child until it has told of a number of events, and returns the last number that it
// told of.
func killOne(t *testing.T, dir string, overflow recorder.Overflow, events int) (told uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessSaysExactlyWhatWasAtRisk$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childOverflow+"="+overflow.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == events {
			_ = cmd.Process.Kill()
		}
		if _, err := fmt.Sscanf(lines.Text(), "recorded %d", &told); err != nil {
			t.Fatalf("child: %s", lines.Text())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
	return told
}

// recordForEver is the child. It goes on with the number after the last one that the log tells of.
func recordForEver(t *testing.T, dir, overflow string) {
	l, err := eventlog.Open(dir, eventlog.Config{Key: eventlogtest.Key("killed")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := killConfig(dir)
	if overflow == "spill" {
		cfg.Overflow = recorder.Spill
	} else {
		cfg.Overflow = recorder.Wait
	}
	r := newRecorder(t, l, cfg)
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	go r.Run(context.Background())
	for n := lastNumber(t, l) + 1; ; n++ {
		if err := r.Record(tick(int(n))); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Println("recorded", n); err != nil {
			os.Exit(1)
		}
	}
}

// lastNumber returns the last number that the log tells of.
func lastNumber(t *testing.T, l *eventlog.Log) (last uint64) {
	found, _ := found(t, l)
	if len(found) > 0 {
		last = found[len(found)-1]
	}
	return last
}

// found returns the numbers that the log tells of, in order, and how many of them gaps name.
func found(t *testing.T, l *eventlog.Log) (all []uint64, lost int) {
	for e, err := range l.Entries(context.Background(), eventlog.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != gap.Kind {
			var n uint64
			if _, err := fmt.Sscan(e.Subject, &n); err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
			continue
		}
		g, err := gap.Parse(e)
		if err != nil || g.AtMost {
			t.Fatalf("gap %+v, %v", g, err)
		}
		for n := g.First; n <= g.Last; n++ {
			all = append(all, n)
			lost++
		}
	}
	slices.Sort(all)
	return all, lost
}

// checkKilled checks the log of a child that was killed after it told of an event.
func checkKilled(t *testing.T, dir string, told uint64) {
	t.Helper()
	l := eventlogtest.Reopen(t, dir, eventlog.Config{Key: eventlogtest.Key("killed")})
	defer l.Close()
	r := newRecorder(t, l, killConfig(dir))
	stats := r.Stats()
	closeRecorder(t, r)
	all, lost := found(t, l)
	t.Logf("told of %d: the log tells of %d, %d of them are lost; this time %d are lost and %d recovered", told, len(all), lost, stats.Lost, stats.Recovered)
	if n := uint64(len(all)); n != told && n != told+1 {
		t.Errorf("the child told of %d events, the log of %d", told, n)
	}
	for i, n := range all {
		if n != uint64(i+1) {
			t.Fatalf("the log tells of event %d where %d is expected", n, i+1)
		}
	}
	if stats.Lost > 150 || stats.LostAtMost {
		t.Errorf("%d of a buffer of 150 are lost", stats.Lost)
	}
	eventlogtest.Verify(t, l)
}
