package rebuild_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/rebuild"
)

// childDir names the variable that makes a test run as the child of another.
const childDir = "QUIPU_TEST_CHILD_DIR"

const (
	killEntries = 40_000
	killEvery   = 1000
)

var killKey = eventlogtest.Key("killed")

// TestAKilledProcessGoesOnAtItsCheckpoint kills a process in the middle of a rebuild with SIGKILL, again and again, until
// one comes to the end. None of them does again what a checkpoint has kept, the trims are held between, and the
// result is that of a rebuild that nobody has killed. Real processes over a real file: what system D had no test of.
func TestAKilledProcessGoesOnAtItsCheckpoint(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		rebuildInChild(t, dir)
		return
	}
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, eventlog.Config{Key: killKey})
	for range 10 {
		fill(t, l, killEntries/10)
	}
	want := fold(t, l, eventlog.Causal)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	applied, kills := 0, 0
	for finished := false; !finished; kills++ {
		did, ended := killChild(t, dir, 7_000)
		applied, finished = applied+did, ended
		l := eventlogtest.Reopen(t, dir, eventlog.Config{Key: killKey})
		eventlogtest.Verify(t, l)
		all, err := rebuild.List(t.Context(), l)
		if err != nil || len(all) != 1 || all[0].Finished.IsZero() == finished || all[0].Total != killEntries {
			t.Fatalf("after %d kills: %+v, %v", kills, all, err)
		}
		if holders, err := l.Holders(nil); err != nil || (len(holders) == 1) == finished {
			t.Fatalf("after %d kills trims are held by %+v, %v", kills, holders, err)
		}
		if finished {
			wantResult(t, l, "chain", want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if kills < 4 || applied < killEntries || applied > killEntries+kills*(killEvery+lines) {
		t.Errorf("%d entries were applied in all, for %d, in %d runs", applied, killEntries, kills)
	}
}

// lines is how many entries pass between two words of the child.
const lines = 100

// killChild runs a child until it has applied so many entries, and kills it. It returns how many it told of, and whether
// it was at its end before.
func killChild(t *testing.T, dir string, entries int) (applied int, ended bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessGoesOnAtItsCheckpoint$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for said := bufio.NewScanner(out); said.Scan(); {
		switch said.Text() {
		case "applied":
			if applied += lines; applied == entries {
				_ = cmd.Process.Kill()
			}
		case "finished":
			ended = true
		case "PASS":
		default:
			t.Fatalf("child: %s", said.Text())
		}
	}
	if err := cmd.Wait(); (err == nil) != ended {
		t.Fatalf("the child: %v, at its end: %v", err, ended)
	}
	return applied, ended
}

func rebuildInChild(t *testing.T, dir string) {
	l, err := eventlog.Open(dir, eventlog.Config{Key: ed25519.PrivateKey(killKey)})
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{name: "chain"}
	c.apply = func(uint64) error {
		if len(c.applied) > 0 && len(c.applied)%lines == 0 {
			fmt.Println("applied")
		}
		return nil
	}
	if _, err := rebuild.Run(context.Background(), l, "chain", rebuild.Config{Order: eventlog.Causal, MaxEntries: killEvery}, c); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("applied")
	fmt.Println("finished")
}
