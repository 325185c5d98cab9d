package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/node/folder"
)

// rebuilt is what `quipu rebuild transitions --format json` prints.
type rebuilt struct {
	Entries, Gone, Resumed uint64
	Subjects               int
	State                  string
}

func rebuiltOf(t *testing.T, out string) rebuilt {
	t.Helper()
	var all []rebuilt
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || len(all[0].State) != 64 {
		t.Fatalf("%v:\n%s", err, out)
	}
	return all[0]
}

// rebuilds makes the stages of a member anew.
func (m *member) rebuilds(flags ...string) rebuilt {
	m.t.Helper()
	return rebuiltOf(m.t, m.on("rebuild", append([]string{"transitions", "--format", "json"}, flags...)...))
}

// underway is what `quipu rebuild --status` says of one; Done is 0 where there is none.
type underway struct {
	Name        string
	Done, Total uint64
	Finished    time.Time
}

func (m *member) underway() underway {
	m.t.Helper()
	var all []underway
	if err := json.Unmarshal([]byte(m.on("rebuild", "--status", "--format", "json")), &all); err != nil || len(all) > 1 {
		m.t.Fatalf("%+v, %v", all, err)
	}
	if len(all) == 0 {
		return underway{}
	}
	return all[0]
}

// rebuilding is a rebuild command that runs.
type rebuilding struct {
	*exec.Cmd
	out, errs bytes.Buffer
	ended     chan error
}

func (m *member) beginRebuild(flags ...string) *rebuilding {
	m.t.Helper()
	name, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	r := &rebuilding{ended: make(chan error, 1)}
	r.Cmd = exec.CommandContext(m.t.Context(), name, append([]string{"rebuild", "--dir", m.dir, "transitions", "--format", "json"}, flags...)...)
	r.Stdout, r.Stderr = &r.out, &r.errs
	if err := r.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() { r.ended <- r.Wait() }()
	return r
}

// code waits until it has ended, and returns its exit code.
func (r *rebuilding) code(t *testing.T) int {
	t.Helper()
	select {
	case err := <-r.ended:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		t.Fatalf("the rebuild does not end; it said %q", &r.errs)
		return -1
	}
}

// moves appends n entries, half of them moves of subjects.
func (m *member) moves(n int) {
	m.t.Helper()
	var lines strings.Builder
	for i := range n {
		if i%2 == 0 {
			fmt.Fprintf(&lines, `{"kind":"load","subject":"s%d","payload":{"n":%d}}`+"\n", i%3000, i)
		} else {
			fmt.Fprintf(&lines, `{"kind":"quipu.transition","subject":"s%d","payload":{"to":"stage %d of %s"}}`+"\n", i%3000, i, m.author[:8])
		}
	}
	if _, stderr, code := m.try(lines.String(), "append", "--dir", m.dir, "--ndjson", "-"); code != 0 {
		m.t.Fatal(stderr)
	}
}

// frontierFile writes what a member holds to a file.
func (m *member) frontierFile() string {
	m.t.Helper()
	file := filepath.Join(m.t.TempDir(), "frontier.json")
	if err := os.WriteFile(file, []byte(m.on("frontier", "--format", "json")), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return file
}

// TestARebuildWaitsForWhatOthersHave: what only others hold is named by place, and waited for until gossip has brought it:
// what is ahead of what is here, and what is damaged in its middle. Who is told to end does.
func TestARebuildWaitsForWhatOthersHave(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 3)
	a, b, c := members[0], members[1], members[2]
	startAll(members)
	a.moves(300)
	b.moves(300)
	converged(t, members)
	c.stop()
	a.moves(500)
	b.moves(100)
	converged(t, members[:2])
	to := a.frontierFile()
	want := a.rebuilds("--to", to)
	a.stop()
	b.stop()
	c.join = nil
	c.start()

	lacking := func(said string) {
		t.Helper()
		for author, place := range map[string]string{a.author: "300 to 799", b.author: "300 to 399"} {
			if want := author + "/" + place; !strings.Contains(said, want) {
				t.Errorf("it does not say that %s are missing: %s", want, said)
			}
		}
	}
	if _, said, code := c.try("", "rebuild", "--dir", c.dir, "transitions", "--to", to); code != 3 {
		t.Errorf("exit code %d: %s", code, said)
	} else {
		lacking(said)
	}
	if _, said, code := c.try("", "rebuild", "--dir", c.dir, "transitions", "--to", to, "--wait", "300ms"); code != 3 {
		t.Errorf("exit code %d: %s", code, said)
	} else if lacking(said); !regexp.MustCompile(`after \S+ still not here: .*; the same command goes on\n$`).MatchString(said) {
		t.Error(said)
	}

	c.on("followers", "remove", "rebuild:quipu.transition", "--yes")
	r := c.beginRebuild("--to", to, "--wait", "1h")
	waits := func() bool { u := c.underway(); return u.Name != "" && u.Finished.IsZero() }
	eventually(t, "rebuild that waits", waits, c.stderr.String)
	if err := r.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := r.code(t); code != 1 || !strings.Contains(r.errs.String(), "interrupt signal received; the same command goes on") {
		t.Errorf("SIGINT: exit code %d, %q", code, &r.errs)
	}

	r = c.beginRebuild("--to", to, "--wait", "1h")
	a.join = []string{c.listen}
	b.join = a.join
	a.start()
	b.start()
	if code := r.code(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, &r.errs)
	}
	if got := rebuiltOf(t, r.out.String()); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}

	// And the same of what C holds, once its file is damaged.
	a.stop()
	b.stop()
	c.stop()
	damage(t, filepath.Join(c.dir, "quipu.db"), "stage 251 of "+a.author[:8])
	c.start()
	r = c.beginRebuild("--to", to, "--wait", "1h")
	eventually(t, "rebuild that waits", waits, c.stderr.String)
	if _, said, code := c.try("", "log", "--dir", c.dir); code != 1 || !strings.Contains(said, "damaged") {
		t.Errorf("the log is read with exit code %d: %s", code, said)
	}
	a.start()
	if code := r.code(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, &r.errs)
	}
	if got := rebuiltOf(t, r.out.String()); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	b.start()
	sameLogsThatVerify(t, members)
}

// damage changes a byte of a text wherever it stands in a file.
func damage(t *testing.T, file, text string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.ReplaceAll(b, []byte(text), append([]byte{text[0] ^ 1}, text[1:]...))
	if bytes.Equal(b, changed) {
		t.Fatalf("%s does not hold %q", file, text)
	}
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOneRangeOnManyNodes: nodes that hold a fork, pruned feeds, trimmed bodies and kinds that nobody knows come to the same
// stages, in either order, and whatever has come since. One that has forgotten something that others have not says so.
func TestOneRangeOnManyNodes(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 3)
	a, b, c := members[0], members[1], members[2]
	a.moves(200)
	twin := copyOf(t, a)
	a.moves(100)
	twin.moves(140)
	startAll([]*member{b, c})
	for _, m := range []*member{a, twin} {
		m.join = []string{b.listen}
		m.start()
	}
	b.moves(400)
	c.moves(100)
	if _, said, code := b.try(strings.Repeat(`{"kind":"weird","retention":"trimmable"}`+"\n", 50), "append", "--dir", b.dir, "--ndjson", "-"); code != 0 {
		t.Fatal(said)
	}
	for _, m := range append(members, twin) { // what is pruned before the first trim goes with it
		trimmed := func() bool { return strings.Contains(m.on("status", "--format", "json"), `"lastTrim"`) }
		eventually(t, "first trim", trimmed, func() string { return m.dir })
	}
	b.on("prune", "--below", "150", "--yes")
	converged(t, append(members, twin))
	to := b.frontierFile()
	b.moves(30)
	all := c.rebuilds("--to", to, "--order", "causal")
	if all.Entries < 990 || all.Gone != 0 || all.Subjects == 0 {
		t.Errorf("%+v", all)
	}
	same := func(want rebuilt) {
		t.Helper()
		for _, order := range []string{"author", "causal"} {
			for _, m := range append(members, twin) {
				if got := m.rebuilds("--to", to, "--order", order); got != want {
					t.Errorf("%s of %s: %+v, want %+v", order, m.dir, got, want)
				}
			}
		}
	}
	same(all)
	forget := func(m *member) { m.on("trim", "--force", "--min-age", "0s", "--min-count", "0") }
	forget(b)
	less := b.rebuilds("--to", to)
	if less.Entries != all.Entries || less.Gone < 150 || less.State == all.State {
		t.Errorf("%+v, and before a trim %+v", less, all)
	}
	for _, m := range append(members, twin) {
		forget(m)
	}
	same(less)
	for _, m := range append(members, twin) {
		m.on("verify")
	}
}

// TestAStateThatNobodyKnows: a rebuild that another program has begun, and kept in a form or with a state that this one does
// not know, is told of as it is, by what lists rebuilds too, and begins anew only where it is to. Beside it all else is
// made.
func TestAStateThatNobodyKnows(t *testing.T) {
	t.Parallel()
	members := newCluster(t, 2)
	m := members[0]
	m.moves(100)
	members[1].moves(1)
	for _, unknown := range []struct{ known, other, said, listed string }{
		{`"version":1`, `"version":7`, "the saved state is of version 7, and this program knows version 1", "under way"},
		{`"form":1`, `"form":7`, "the saved checkpoint is of version 7, and this program knows version 1", "unknown .* of version 7"},
	} {
		m.start()
		if _, said, code := m.try("", "rebuild", "--dir", m.dir, "transitions", "--to", members[1].frontierFile(), "--wait", "1ms"); code != 3 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		m.stop()
		m.rewrites(unknown.known, unknown.other)
		for range 2 {
			out, said, code := m.try("", "rebuild", "--dir", m.dir, "--all")
			want := "quipu: rebuild transitions: " + unknown.said + ": go on with the program that has saved it, or begin anew with --anew\n"
			if code != 1 || out != "index: all of 100 entries\n" || said != want {
				t.Errorf("exit code %d, %q, %q", code, out, said)
			}
		}
		if out := m.on("rebuild", "--status"); !regexp.MustCompile("(?m)^transitions .* " + unknown.listed).MatchString(out) {
			t.Errorf("it is listed as\n%s", out)
		}
		if got := m.rebuilds("--anew"); got.Entries != 100 || got.Resumed != 0 {
			t.Errorf("%+v", got)
		}
	}
}

// rewrites replaces a part of what is kept of the rebuild of a member whose daemon does not run.
func (m *member) rewrites(was, is string) {
	m.t.Helper()
	key, err := folder.Folder(m.dir).ReadKey()
	if err != nil {
		m.t.Fatal(err)
	}
	log, err := eventlog.Open(m.dir, eventlog.Config{Key: key})
	if err != nil {
		m.t.Fatal(err)
	}
	err = log.Update(m.t.Context(), func(tx *eventlog.Tx) error {
		records, name := tx.Bucket("quipu.rebuild"), []byte(transition.Kind)
		kept := records.Get(name)
		if !bytes.Contains(kept, []byte(was)) {
			return fmt.Errorf("%s does not hold %s", kept, was)
		}
		return records.Put(name, bytes.Replace(kept, []byte(was), []byte(is), 1))
	})
	if err := errors.Join(err, log.Close()); err != nil {
		m.t.Fatal(err)
	}
}
