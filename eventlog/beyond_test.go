package eventlog_test

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// TestAnOwnOpThatIsNotPlacedIsToldOf: one that comes from beyond the end, and before those between, adds nothing. Whoever
// waits for a change learns of it all the same: it is what he has to settle.
func TestAnOwnOpThatIsNotPlacedIsToldOf(t *testing.T) {
	r := newRestored(t, 2, 3)
	run := readAll(t, r.original, r.Author())
	changed := r.Changed()
	if o := apply(t, r.Log, run.Ops[4:]...); o.Decision != crdt.Pending || o.Ops != 0 {
		t.Fatalf("an own op from beyond the end: %+v", o)
	}
	r.wantRecovering(2, run.Ops[4])
	select {
	case <-changed:
	default:
		t.Error("nobody is told that the end of the feed is not known")
	}
}

// TestAnOwnOpIsMetWhereOurFeedIsDamaged: a part of our own feed cannot be read, so a run that has the ops there cannot
// be decided on before that was put back. What lies beyond our end shows that the folder is old, in that run and in the
// next.
func TestAnOwnOpIsMetWhereOurFeedIsDamaged(t *testing.T) {
	for name, runs := range map[string][][2]int{"the next": {{2, 3}, {3, 5}, {5, 7}}, "that run": {{2, 7}}} {
		t.Run(name, func(t *testing.T) {
			r := newRestored(t, 5, 2)
			run := readAll(t, r.original, r.Author())
			must(t, r.Close())
			spoil(t, r.dir, string(run.Ops[2].Signed.Bytes()))
			l, err := eventlog.Open(r.dir, r.cfg) // and it is not whole at the end
			must(t, err)
			defer l.Close()
			for i, part := range runs {
				if o := apply(t, l, run.Ops[part[0]:part[1]]...); i == 0 && (o.Err != nil || o.Repaired != 1) {
					t.Errorf("run that begins where our feed is damaged: %+v", o)
				}
			}
			_, err = l.Append(t.Context(), note("x"))
			if state, ok := errors.AsType[*eventlog.RecoveringError](err); !ok || state.Why != eventlog.WhyOlder || state.Op.First != 5 {
				t.Errorf("append: %v", err)
			}
			other := newStranger(t, "other")
			if o := apply(t, l, other.op(crdt.Op{}, "x")); o.Err != nil || len(l.Shut()) != 0 {
				t.Errorf("another author's op: %+v, shut %v", o, l.Shut())
			}
		})
	}
}
