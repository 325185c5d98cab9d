package eventlog_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// shutFor returns why an outcome's author is shut, "" if it is not.
func shutFor(o crdt.Outcome) eventlog.ShutReason {
	if shut, ok := errors.AsType[*eventlog.ShutError](o.Err); ok {
		return shut.Reason
	}
	return ""
}

// An author that wants more than its share of the disk is shut, and nobody else is: what is held of it
// stays, and a higher limit takes it up where it stopped.
func TestOneHugeAuthorIsShut(t *testing.T) {
	for name, limit := range map[string]func(*eventlog.Config, uint64){
		"share": func(c *eventlog.Config, n uint64) { c.MaxAuthorBytes = n },
		"quota": func(c *eventlog.Config, n uint64) { c.MaxBytes = n },
	} {
		t.Run(name, func(t *testing.T) {
			dir, cfg := t.TempDir(), config("a")
			limit(&cfg, 20<<10)
			l := eventlogtest.Create(t, dir, cfg)
			huge, other := newStranger(t, "huge"), newStranger(t, "other")
			apply(t, l, other.chain(crdt.Op{}, 1, "first")...)
			ops := huge.chain(crdt.Op{}, 60, fmt.Sprintf("%01000d", 0))
			o := apply(t, l, ops...)
			if shutFor(o) == "" || o.Ops < 5 || o.Ops > 20 {
				t.Fatalf("60 ops of a kilobyte where there is room for 20: %+v", o)
			}
			if again := apply(t, l, ops...); shutFor(again) != shutFor(o) || again.Ops != 0 {
				t.Errorf("once more: %+v", again)
			}
			if reasons := l.ShutReasons(); len(reasons) != 1 || reasons[huge.author()] != shutFor(o) {
				t.Errorf("shut: %v", reasons)
			}
			if next := l.Feed(huge.author()).Next(); next != uint64(o.Ops) {
				t.Errorf("%d entries are held of %d that were taken", next, o.Ops)
			}
			if name == "share" {
				if o := apply(t, l, other.chain(crdt.Op{}, 5, "more")[0]); o.Err != nil {
					t.Errorf("the other author: %+v", o)
				}
			}
			if _, err := l.Append(t.Context(), note("our own")); err != nil {
				t.Errorf("our own feed: %v", err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			limit(&cfg, 1<<20)
			l = eventlogtest.Reopen(t, dir, cfg)
			if n := len(l.Shut()); n != 0 {
				t.Errorf("%d authors are shut under the higher limit", n)
			}
			if again := apply(t, l, ops...); again.Err != nil || again.Ops != len(ops)-o.Ops || again.Duplicates != o.Ops {
				t.Errorf("under the higher limit: %+v", again)
			}
		})
	}
}

// What a trim frees is room for an author that was shut for want of it.
func TestTrimmingOpensAnAuthorAgain(t *testing.T) {
	cfg := config("a")
	cfg.MaxAuthorBytes, cfg.Trim = 30<<10, eventlog.TrimPolicy{MinAge: -1, MinCount: 1}
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	s := newStranger(t, "s")
	var ops []crdt.Op
	h := crdt.Header{Log: s.log, Clock: 1, Retention: crdt.Trimmable}
	for range 40 {
		e := note(fmt.Sprintf("%01000d", 0))
		e.Retention = crdt.Trimmable
		op, err := crdt.NewOp(s.key, h, s.now, e)
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, op)
		h.First, h.Prev, h.Clock = op.Next(), op.ID, op.Clock+1
	}
	o := apply(t, l, ops...)
	if shutFor(o) != eventlog.ShutShare {
		t.Fatalf("%+v", o)
	}
	if _, err := l.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Shut()); n != 0 {
		t.Fatalf("%d authors are shut after the trim", n)
	}
	if again := apply(t, l, ops[o.Ops:]...); again.Ops < 5 {
		t.Errorf("after the trim: %+v", again)
	}
}

// Authors beyond the limit cost neither memory nor disk, however many are made up. The first few thousand
// are told by name, and that there are more.
func TestManyAuthors(t *testing.T) {
	dir, cfg := t.TempDir(), config("a")
	cfg.MaxAuthors = 10
	l := eventlogtest.Create(t, dir, cfg)
	first := newStranger(t, "author 0")
	flood := func(from, to int) (taken int) {
		t.Helper()
		var runs []crdt.Run
		for i := from; i < to; i++ {
			runs = append(runs, crdt.Run{Ops: newStranger(t, fmt.Sprint("author ", i)).chain(crdt.Op{}, 1, "x")})
		}
		outcomes, err := l.Apply(t.Context(), runs)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			if taken += o.Ops; o.Ops == 0 && shutFor(o) != eventlog.ShutAuthors {
				t.Fatalf("%+v", o)
			}
		}
		return taken
	}
	if n := flood(0, 200); n != 10 {
		t.Errorf("%d authors were taken", n)
	}
	if wants, err := l.Wants(t.Context(), crdt.Frontier{{7}: {{Next: 1, ID: crdt.OpID{1}}}}, 0); err != nil || len(wants) != 0 {
		t.Errorf("an eleventh author is wanted: %v, %v", wants, err)
	}
	before, size := eventlogtest.HeapAlive(), l.Stats().Bytes
	if n := flood(200, 5000); n != 0 {
		t.Errorf("%d more authors were taken", n)
	}
	if grown := eventlogtest.HeapAlive() - before; grown > 1<<20 || l.Stats().Bytes > size {
		t.Errorf("turning away 4,800 authors took %d bytes of memory and %d of the file", grown, l.Stats().Bytes-size)
	}
	if s := l.Stats(); s.Authors != 10 || s.Shut < 4000 || s.Shut > 4500 || !s.Turned || len(l.Shut()) != s.Shut {
		t.Errorf("%+v", s)
	}
	if o := apply(t, l, first.chain(crdt.Op{}, 2, "x")[0]); o.Err != nil {
		t.Errorf("an author that was there before: %+v", o)
	}
	if _, err := l.Append(t.Context(), note("our own")); err != nil {
		t.Errorf("our own feed: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxAuthors = 300
	l = eventlogtest.Reopen(t, dir, cfg)
	if n := flood(10, 200); n != 190 || len(l.Shut()) != 0 {
		t.Errorf("under the higher limit %d authors were taken, and %d are shut", n, len(l.Shut()))
	}
}
