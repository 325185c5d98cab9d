package eventlog_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// killSteps are the moments of a commit at which a child is killed.
var killSteps = []string{
	"before the first page", // nothing of the commit is in the file
	"between pages",
	"before the meta page", // after the first sync
	"after the meta page",  // before the second sync
	"after the commit",
}

// childDir names the variable that makes a test run as the child of another, in that directory.
const childDir = "QUIPU_TEST_CHILD_DIR"

// runChild runs the named test of this binary in a process of its own.
func runChild(t *testing.T, test, dir string, env ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.count=1")
	cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if errs.Len() > 0 {
		t.Logf("child: %s", errs.String())
	}
	return out.String(), err
}

// TestKill kills a process at each step of a commit, again and again over one log.
func TestKill(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		killChild(t, dir, os.Getenv("QUIPU_TEST_STEP"))
		return
	}
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("killed"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	acked := 0
	for round := range 2 {
		for _, step := range killSteps {
			out, err := runChild(t, "TestKill", dir, "QUIPU_TEST_STEP="+step)
			if err == nil {
				t.Fatalf("child survived a kill %s", step)
			}
			acked += checkKilled(t, dir, acked, step, out)
			if t.Failed() {
				t.Fatalf("round %d, killed %s", round, step)
			}
		}
	}
}

// checkKilled opens the log of a child that was killed: what the child was told is there, in its place,
// and nothing but one whole batch more. It returns how many entries the child has added.
func checkKilled(t *testing.T, dir string, before int, step, out string) int {
	t.Helper()
	l, err := eventlog.Open(dir, config("killed"))
	if err != nil {
		t.Fatalf("open log of a child killed %s: %v", step, err)
	}
	defer l.Close()
	if state := l.Recovering(); state != nil {
		t.Errorf("killed %s: it is taken for another file: %v", step, state)
	}
	eventlogtest.Verify(t, l)
	got := texts(t, l, eventlog.Query{})
	told := 0
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		seq, text, ok := strings.Cut(lines.Text(), " acked ")
		if !ok {
			continue
		}
		n, _ := strconv.Atoi(seq)
		if n >= len(got) || got[n] != text {
			t.Errorf("killed %s: entry %d was acked as %q and is not there", step, n, text)
		}
		told++
	}
	more := len(got) - before - told
	if more != 0 && more != 3 {
		t.Errorf("killed %s: %d entries, %d were there before and %d acked", step, len(got), before, told)
	}
	if more == 3 && step != "after the meta page" && step != "after the commit" {
		t.Errorf("killed %s: an entry is there that was not made visible", step)
	}
	if told == 0 {
		t.Errorf("killed %s: the child did nothing", step)
	}
	return len(got) - before
}

// killChild appends batches of three and kills itself at a step of the third commit.
func killChild(t *testing.T, dir, step string) {
	l, err := eventlog.Open(dir, config("killed"))
	if err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} }
	for n := range 3 {
		if n == 2 {
			armKill(newDisk(t, l), step, kill)
		}
		var events []crdt.Event
		for i := range 3 {
			events = append(events, note(fmt.Sprintf("%s, %d/%d of %d", step, n, i, os.Getpid())))
		}
		places, err := l.AppendBatch(context.Background(), events)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range places {
			fmt.Printf("%d acked %s, %d/%d of %d\n", p.Seq, step, n, i, os.Getpid())
		}
	}
	kill()
}

// armKill makes d kill the process at a step of the next commit.
func armKill(d *disk, step string, kill func()) {
	pages := 0
	d.before = func(meta bool) error {
		if !meta {
			pages++
		}
		if step == "before the first page" || step == "between pages" && pages == 2 || step == "before the meta page" && meta {
			kill()
		}
		return nil
	}
	d.after = func(meta bool) {
		if step == "after the meta page" && meta {
			kill()
		}
	}
}

// TestLittleAddressSpace opens a log where 64 GiB cannot be mapped.
func TestLittleAddressSpace(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		most := uint64(addressSpace(t)) + 8<<30
		if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, eventlogtest.Reopen(t, dir, config("a")), "in little room")
		return
	}
	dir := t.TempDir()
	if err := eventlogtest.Create(t, dir, config("a")).Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := runChild(t, "TestLittleAddressSpace", dir); err != nil {
		t.Fatalf("child: %v: %s", err, out)
	}
	wantTexts(t, eventlogtest.Reopen(t, dir, config("a")), "in little room")
}

// addressSpace returns how much of it the process has mapped, in bytes.
func addressSpace(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestTwoProcesses opens a log that another process has open.
func TestTwoProcesses(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		_, err := eventlog.Open(dir, config("a"))
		fmt.Printf("child: %v\n", err)
		return
	}
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	mustAppend(t, l, "x")
	out, err := runChild(t, "TestTwoProcesses", dir)
	if want := l.Path() + " is in use by another process"; err != nil || !strings.Contains(out, want) {
		t.Errorf("a second process: %v: %q, want %q", err, out, want)
	}
}
