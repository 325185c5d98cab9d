package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// meet brings to log to what log from holds and to lacks, in runs of at most maxBytes, and stops after
// that many of them; all when runs is negative. An author that to shuts is left at that.
func meet(tb testing.TB, from, to *eventlog.Log, runs, maxBytes int) {
	tb.Helper()
	ctx := tb.Context()
	wants, err := to.Wants(ctx, from.Frontier().Without(to.Shut()), 0)
	if err != nil {
		tb.Fatalf("wants: %v", err)
	}
	for _, want := range wants {
		segments, err := from.Plan(ctx, want)
		if err != nil {
			tb.Fatalf("plan: %v", err)
		}
		for i := 0; i < len(segments) && runs != 0; {
			run, err := from.Read(ctx, &segments[i], maxBytes)
			if err != nil {
				tb.Fatalf("read segment: %v", err)
			}
			if len(run.Ops) == 0 {
				i++
				continue
			}
			runs--
			outcomes, err := to.Apply(ctx, []crdt.Run{run})
			if err != nil {
				tb.Fatalf("apply run: %v", err)
			}
			if errors.Is(outcomes[0].Err, crdt.ErrShut) {
				break
			}
			if outcomes[0].Err != nil || outcomes[0].Decision == crdt.Pending {
				tb.Fatalf("apply run: %+v", outcomes[0])
			}
		}
	}
}

// TestShutAuthorIsTakenUpWhereItStopped has a log meet an author with more branches than it keeps: what
// it holds is valid and everybody else's is complete. With the limit raised the rest comes.
//
//	0 ─ 1 ─ 2 ─┬─ three ops    six times; kept are 3, then 4, then all
//	           ├─ three ops
//	           …
func TestShutAuthorIsTakenUpWhereItStopped(t *testing.T) {
	const branches = 6
	from := eventlogtest.OpenAs(t, "from")
	forker, other := newStranger(t, "forker"), newStranger(t, "other")
	trunk := forker.chain(crdt.Op{}, 3, "trunk")
	apply(t, from, trunk...)
	for i := range branches {
		apply(t, from, forker.chain(trunk[2], 3, fmt.Sprintf("branch %d ", i))...)
	}
	apply(t, from, other.chain(crdt.Op{}, 10, "other")...)
	mustAppend(t, from, "ours")

	dir, cfg := t.TempDir(), config("to")
	cfg.MaxBranches = 3
	to := eventlogtest.Create(t, dir, cfg)
	opBytes := trunk[0].Size()
	for _, limit := range []int{3, 4} {
		meet(t, from, to, -1, opBytes)
		if reason := to.ShutReasons()[forker.author()]; reason != eventlog.ShutBranches {
			t.Errorf("with a limit of %d: shut for %q", limit, reason)
		}
		f, err := to.ForkedFeed(t.Context(), forker.author())
		if err != nil || f.Heads != limit || f.Shut != eventlog.ShutBranches {
			t.Errorf("with a limit of %d: %d heads, shut for %q, %v", limit, f.Heads, f.Shut, err)
		}
		for _, fork := range f.Forks {
			for _, b := range fork.Branches {
				if b.Ops != 3 {
					t.Errorf("with a limit of %d: a branch has %d ops", limit, b.Ops)
				}
			}
		}
		shut := []crdt.Author{forker.author()}
		if !from.Frontier().Without(shut).Equal(to.Frontier().Without(shut)) {
			t.Errorf("with a limit of %d the others' feeds differ", limit)
		}
		before := to.Frontier()
		meet(t, from, to, -1, opBytes)
		if !to.Frontier().Equal(before) {
			t.Errorf("with a limit of %d more was taken of a shut author", limit)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		if cfg.MaxBranches = limit + 1; limit == 4 {
			cfg.MaxBranches = branches
		}
		to = eventlogtest.Reopen(t, dir, cfg)
		eventlogtest.Verify(t, to)
	}
	meet(t, from, to, -1, opBytes)
	if to.Root() != from.Root() || len(to.Shut()) != 0 {
		t.Errorf("with a limit of %d: shut %v, frontiers\n%v\n%v", branches, to.Shut(), from.Frontier(), to.Frontier())
	}
}

// twins is a number of logs on disk, the first two of them copies of one folder, that write, fork and
// meet in any order.
type twins struct {
	t     *testing.T
	logs  []*eventlog.Log
	texts []string    // of what was acked
	ops   [][]crdt.Op // of the forker, by the log that was given them
}

func newTwins(t *testing.T, rt *rapid.T, dir string) *twins {
	w := &twins{t: t, ops: make([][]crdt.Op, 4)}
	genesis := eventlogtest.Genesis(t)
	for i, seed := range []string{"twin", "twin", "third", "fourth"} {
		home := filepath.Join(dir, fmt.Sprint(i))
		var l *eventlog.Log
		var err error
		if i == 1 {
			if err = w.logs[0].Close(); err == nil {
				eventlogtest.Disguise(t, filepath.Join(dir, "0"))
				err = os.CopyFS(home, os.DirFS(filepath.Join(dir, "0")))
			}
			if err == nil {
				w.logs[0], err = eventlog.Open(filepath.Join(dir, "0"), config("twin"))
			}
			if err == nil {
				l, err = eventlog.Open(home, config("twin"))
			}
		} else {
			l, err = eventlog.Create(home, eventlog.Birth{Genesis: &genesis}, config(seed))
		}
		if err != nil {
			rt.Fatal(err)
		}
		w.logs = append(w.logs, eventlog.Unsynced(l))
		if i == 0 {
			for range rapid.IntRange(0, 3).Draw(rt, "entries before the copy") {
				w.append(rt, 0)
			}
		}
	}
	eventlog.Unsynced(w.logs[0])
	return w
}

func (w *twins) log(rt *rapid.T, what string) int {
	return rapid.IntRange(0, len(w.logs)-1).Draw(rt, what)
}

func (w *twins) append(rt *rapid.T, i int) {
	text := fmt.Sprint("entry ", len(w.texts))
	_, err := w.logs[i].Append(w.t.Context(), note(text))
	switch {
	case err == nil:
		w.texts = append(w.texts, text)
	case i > 1 || !errors.Is(err, eventlog.ErrSecondWriter) && !errors.Is(err, eventlog.ErrRecovering):
		rt.Fatalf("append on log %d: %v", i, err)
	}
}

// fork gives one log an op of an author who signs after any op that the log was given.
func (w *twins) fork(rt *rapid.T) {
	i := w.log(rt, "log")
	s := newStranger(w.t, "forker")
	var prev crdt.Op
	if n := len(w.ops[i]); n > 0 {
		prev = w.ops[i][max(0, n-1-rapid.IntRange(0, 2).Draw(rt, "back"))]
	}
	text := fmt.Sprint("entry ", len(w.texts))
	op := s.op(prev, text)
	if o := apply(w.t, w.logs[i], op); o.Err != nil || o.Ops != 1 {
		rt.Fatalf("op of the forker: %+v", o)
	}
	w.ops[i] = append(w.ops[i], op)
	w.texts = append(w.texts, text)
}

// meet brings some of what one log holds to another.
func (w *twins) meet(rt *rapid.T) {
	from, to := w.log(rt, "from"), w.log(rt, "to")
	runs := rapid.IntRange(-1, 3).Draw(rt, "runs")
	meet(w.t, w.logs[from], w.logs[to], runs, rapid.SampledFrom([]int{1, 400, 1 << 20}).Draw(rt, "bytes"))
}

// settle has all meet until they hold the same, and compares what they show.
func (w *twins) settle(rt *rapid.T) {
	equal := func() bool {
		return !slices.ContainsFunc(w.logs, func(l *eventlog.Log) bool { return l.Root() != w.logs[0].Root() })
	}
	for round := 0; !equal(); round++ {
		if round == len(w.logs) {
			rt.Fatalf("no equal frontiers after %d rounds", round)
		}
		for i, from := range w.logs {
			meet(w.t, from, w.logs[(i+1)%len(w.logs)], -1, 1<<20)
		}
	}
	for _, order := range []eventlog.Order{eventlog.ByAuthor, eventlog.Causal} {
		want := w.view(rt, w.logs[0], order)
		for i, l := range w.logs[1:] {
			if diff := cmp.Diff(want, w.view(rt, l, order)); diff != "" {
				rt.Fatalf("log %d in %s order (-log 0 +log %d):\n%s", i+1, order, i+1, diff)
			}
		}
	}
	got := texts(w.t, w.logs[0], eventlog.Query{})
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(slices.Values(w.texts)), got); diff != "" {
		rt.Fatalf("entries (-acked +held):\n%s", diff)
	}
	for i, l := range w.logs {
		report, err := l.Verify(w.t.Context())
		if err != nil || !report.OK() {
			rt.Fatalf("verify log %d: %v, %v", i, report.Problems, err)
		}
	}
}

// view returns the entries of a log as every node shows them, and its forks.
func (w *twins) view(rt *rapid.T, l *eventlog.Log, order eventlog.Order) []string {
	var all []string
	disputed := make(map[crdt.Author]uint64)
	for e, err := range l.Entries(w.t.Context(), eventlog.Query{Order: order}) {
		if err != nil {
			rt.Fatal(err)
		}
		if e.Disputed {
			disputed[e.Author]++
		}
		all = append(all, fmt.Sprintf("%s %t %s", e.Place(), e.Disputed, e.Payload))
	}
	for f, err := range l.ForkedFeeds(w.t.Context()) {
		if err != nil {
			rt.Fatal(err)
		}
		if f.Entries != disputed[f.Author] {
			rt.Fatalf("feed %s: %d entries are disputed, its forks have %d", f.Author.Short(), disputed[f.Author], f.Entries)
		}
		for _, fork := range f.Forks {
			var branches []string
			for _, b := range fork.Branches {
				branches = append(branches, fmt.Sprintf("%s %d/%d to %s", b.First.ID, b.Ops, b.Entries, b.Last.ID))
			}
			all = append(all, fmt.Sprintf("fork after %s proved %t %v", fork.Prev.ID, fork.Proved, branches))
		}
	}
	return all
}

// TestForkedLogsConverge lets logs write, fork and meet in any order, with branches that grow on several
// of them between the meetings. Whatever came first where, all show the same in the end.
func TestForkedLogsConverge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "twins")
		if err != nil {
			t.Fatal(err)
		}
		w := newTwins(t, rt, dir)
		defer func() {
			for _, l := range w.logs {
				_ = l.Close()
			}
			_ = os.RemoveAll(dir)
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) { w.append(rt, w.log(rt, "log")) },
			"fork":   w.fork,
			"meet":   w.meet,
		})
		w.settle(rt)
	})
}
