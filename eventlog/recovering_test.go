package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// restored is a node that was restored from a backup: its log holds the first entries of the feed that the
// original went on with.
type restored struct {
	*eventlog.Log
	t        *testing.T
	dir      string
	cfg      eventlog.Config
	original *eventlog.Log
}

// newRestored makes a backup of a log after before entries, and appends after more to the original.
func newRestored(t *testing.T, before, after int) *restored {
	t.Helper()
	r := &restored{t: t, dir: t.TempDir(), cfg: config("author")}
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, r.cfg)
	for i := range before {
		mustAppend(t, l, fmt.Sprint("before ", i))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	eventlogtest.Disguise(t, dir)
	if err := os.CopyFS(r.dir, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	r.Log, r.original = eventlogtest.Reopen(t, r.dir, r.cfg), eventlogtest.Reopen(t, dir, r.cfg)
	for i := range after {
		mustAppend(t, r.original, fmt.Sprint("after ", i))
	}
	return r
}

func (r *restored) reopen() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.Log = eventlogtest.Reopen(r.t, r.dir, r.cfg)
}

// end returns where the feed ends.
func (r *restored) end() crdt.Head {
	heads := r.Feed(r.Author()).Heads()
	return heads[len(heads)-1]
}

// wantRecovering wants everything that appends to be refused, since the folder is older than the feed.
func (r *restored) wantRecovering(next uint64, op crdt.Op) {
	r.t.Helper()
	update := func(tx *eventlog.Tx) error {
		_, err := tx.Append(note("x"))
		return err
	}
	_, appended := r.Append(r.t.Context(), note("x"))
	_, pruned := r.Prune(r.t.Context(), eventlog.PruneRequest{Below: 1})
	_, planned := r.PlanPrune(r.t.Context(), eventlog.PruneRequest{Below: 1})
	for what, err := range map[string]error{
		"append": appended, "update": r.Update(r.t.Context(), update), "prune": pruned, "plan": planned, "health": r.Health().Mute,
	} {
		e, ok := errors.AsType[*eventlog.RecoveringError](err)
		if !ok || !errors.Is(err, eventlog.ErrRecovering) || errors.Is(err, eventlog.ErrSecondWriter) {
			r.t.Errorf("%s: %v", what, err)
		} else if e.Own.Next != next || e.Op.ID != op.ID {
			r.t.Errorf("%s: ended before %d, op %s/%d came back", what, e.Own.Next, e.Op.Author.Short(), e.Op.First)
		}
	}
	if err := r.Update(r.t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 1) }); err != nil {
		r.t.Errorf("update without an append: %v", err)
	}
}

// TestARestoredBackupIsNoSecondWriter: ops of our own that lie beyond our head contradict nothing. They are
// stored, nothing is appended, through restarts, until the feed is taken up at its end; and that is on
// record.
func TestARestoredBackupIsNoSecondWriter(t *testing.T) {
	r := newRestored(t, 2, 3)
	run := readAll(t, r.original, r.Author())
	if o := apply(t, r.Log, run.Ops[:3]...); o.Err != nil || o.Forked || o.Ops != 1 || o.Duplicates != 2 {
		t.Fatalf("an own op from beyond the head: %+v", o)
	}
	r.wantRecovering(2, run.Ops[2])
	old := r.end()
	if o := apply(t, r.Log, run.Ops...); o.Err != nil || o.Ops != 2 {
		t.Fatalf("the rest: %+v", o)
	}
	r.wantRecovering(2, run.Ops[2])
	r.reopen()
	r.wantRecovering(2, run.Ops[2])
	if _, err := r.Recover(t.Context(), eventlog.Recovery{End: old}); !errors.Is(err, eventlog.ErrMoved) {
		t.Errorf("recover at an end that has moved: %v", err)
	}
	asked, missing := crdt.AuthorOf(eventlogtest.Key("asked")), crdt.AuthorOf(eventlogtest.Key("missing"))
	done, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end(), Asked: []crdt.Author{asked}, Missing: []crdt.Author{missing}, Places: []string{"alpha:7946"}})
	if err != nil || done.Place.Seq != 5 || done.From.Next != 2 || done.From.ID != run.Ops[1].ID {
		t.Fatalf("recover: %+v, %v", done, err)
	}
	e, err := r.Lookup(t.Context(), done.Place)
	want := fmt.Sprintf(`{"why":"older","from":{"next":2,"op":"%s"},"end":{"next":5,"op":"%s"},"asked":["%s"],"missing":["%s"],"places":["alpha:7946"]}`,
		run.Ops[1].ID, run.Ops[4].ID, asked, missing)
	if err != nil || e.Kind != eventlog.RecoverKind || string(e.Payload) != want {
		t.Errorf("on record: %s %s, %v\nwant %s", e.Kind, e.Payload, err, want)
	}
	mustAppend(t, r.Log, "goes on")
	r.reopen()
	mustAppend(t, r.Log, "and on")
	if _, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end()}); !errors.Is(err, eventlog.ErrNotRecovering) {
		t.Errorf("recover again: %v", err)
	}
	if r.Recovering() != nil || r.Feed(r.Author()).Next() != 8 {
		t.Errorf("recovering %v, %d entries", r.Recovering(), r.Feed(r.Author()).Next())
	}
}

// TestAnEmptyFolderOfAnOldKey gets its own feed back from the beginning.
func TestAnEmptyFolderOfAnOldKey(t *testing.T) {
	r := newRestored(t, 0, 2)
	run := readAll(t, r.original, r.Author())
	apply(t, r.Log, run.Ops...)
	r.wantRecovering(0, run.Ops[0])
	r.reopen()
	r.wantRecovering(0, run.Ops[0])
	done, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end()})
	if err != nil || done.Place.Seq != 2 || done.From != (crdt.Head{}) {
		t.Fatalf("recover: %+v, %v", done, err)
	}
}

// TestARestoredBackupThatWroteForks: what stands beside our own ops is a second writer's, in whatever order
// it comes, and cannot be recovered from.
//
//	before 0 ─┬─ after 0 ─ after 1      the original
//	          └─ mine                   the restored
func TestARestoredBackupThatWroteForks(t *testing.T) {
	for name, order := range map[string][][2]int{
		"in order":                        {{0, 3}},
		"what cannot be placed yet first": {{2, 3}, {0, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRestored(t, 1, 2)
			mustAppend(t, r.Log, "mine")
			run := readAll(t, r.original, r.Author())
			for i, part := range order {
				apply(t, r.Log, run.Ops[part[0]:part[1]]...)
				if i < len(order)-1 {
					r.wantRecovering(2, run.Ops[2])
				}
			}
			check := func() {
				t.Helper()
				if err := r.Health().Mute; !errors.Is(err, eventlog.ErrSecondWriter) {
					t.Errorf("health: %v", err)
				}
				if _, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end()}); !errors.Is(err, eventlog.ErrSecondWriter) {
					t.Errorf("recover: %v", err)
				}
				f, err := r.ForkedFeed(t.Context(), r.Author())
				if err != nil || f.OwnEnd.Next != 2 {
					t.Errorf("our own writing ended before %d, %v", f.OwnEnd.Next, err)
				}
			}
			check()
			r.reopen()
			check()
		})
	}
}

// TestARestoredBackupOlderThanAPrune: the original has pruned what lies between, so that the feed comes back
// in two pieces. It is taken up at the end of the higher one.
func TestARestoredBackupOlderThanAPrune(t *testing.T) {
	r := newRestored(t, 2, 6)
	if _, err := r.original.Prune(t.Context(), eventlog.PruneRequest{Below: 5}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.original.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		t.Fatal(err)
	}
	run := readAll(t, r.original, r.Author())
	if o := applyRun(t, r.Log, run); o.Err != nil || o.Forked || o.Ops != 4 {
		t.Fatalf("what is left of our feed: %+v", o)
	}
	r.wantRecovering(2, run.Ops[0])
	r.reopen()
	r.wantRecovering(2, run.Ops[0])
	if _, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end()}); err != nil {
		t.Fatal(err)
	}
	r.reopen()
	if p := mustAppend(t, r.Log, "goes on"); p.Seq != 10 {
		t.Errorf("appended at %d", p.Seq)
	}
	heads := []uint64{}
	for _, h := range r.Feed(r.Author()).Heads() {
		heads = append(heads, h.Next)
	}
	if diff := cmp.Diff([]uint64{11}, heads); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
}

// TestRecoverIsOneCommit looks at the file as a kill would leave it: recovering before, and on record after.
func TestRecoverIsOneCommit(t *testing.T) {
	r := newRestored(t, 1, 1)
	apply(t, r.Log, readAll(t, r.original, r.Author()).Ops...)
	killed := func(when string) *eventlog.Log {
		b, err := os.ReadFile(r.Path())
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(r.Path())), b, 0o600); err != nil {
			t.Fatal(when, err)
		}
		eventlogtest.Disguise(t, dir)
		return eventlogtest.Reopen(t, dir, r.cfg)
	}
	if err := killed("before").Health().Mute; !errors.Is(err, eventlog.ErrRecovering) {
		t.Errorf("killed before: %v", err)
	}
	if _, err := r.Recover(t.Context(), eventlog.Recovery{End: r.end()}); err != nil {
		t.Fatal(err)
	}
	after := killed("after")
	if err := after.Health().Mute; err != nil || after.Feed(r.Author()).Next() != 3 {
		t.Errorf("killed after: %v, %d entries", err, after.Feed(r.Author()).Next())
	}
}
