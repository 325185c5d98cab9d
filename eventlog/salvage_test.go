package eventlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// salvage salvages the file of these bytes and opens what was made.
func (s *sea) salvage(t *testing.T, b []byte) (*eventlog.Log, eventlog.SalvageReport) {
	t.Helper()
	dir := flood(t, b, max(s.size, int64(len(b))))
	report, err := eventlog.Salvage(t.Context(), dir, s.cfg, nil)
	must(t, err)
	if was, err := os.ReadFile(report.Damaged); err != nil || !bytes.HasPrefix(was, b) {
		t.Errorf("the damaged file is not kept as it was: %v", err)
	}
	return eventlogtest.Reopen(t, dir, s.cfg), report
}

// wantAll checks that a log shows what it showed before, and that its own feed recovers.
func (s *sea) wantAll(t *testing.T, l *eventlog.Log) {
	t.Helper()
	got := entries(t, l)
	if k := lacks(got, s.shown); k != "" {
		t.Errorf("it lacks %s", k)
	}
	if k := lacks(s.all, got); k != "" {
		t.Errorf("it shows %s", k)
	}
	if state := l.Recovering(); state == nil || state.Why != eventlog.WhyHead {
		t.Errorf("it recovers for %v", state)
	}
}

// TestSalvageKeepsAWholeFile: of a file that is whole everything stays as it is, offsets and followers too.
func TestSalvageKeepsAWholeFile(t *testing.T) {
	s := newSea(t, 1)
	var looked []uint64
	dir := flood(t, s.now(), s.size)
	report, err := eventlog.Salvage(t.Context(), dir, s.cfg, func(done, total uint64) { looked = append(looked, done, total) })
	must(t, err)
	if n := len(looked); n < 100 || looked[n-2] != looked[n-1] || looked[n-1] != uint64(s.size) {
		t.Errorf("in the end %d bytes of %d were looked at", looked[len(looked)-2], looked[len(looked)-1])
	}
	if !report.Current || !report.Genesis || len(report.Holes)+len(report.Lost) > 0 || report.Beside+report.Pages+report.Unwritten > 0 {
		t.Errorf("salvaged: %+v", report)
	}
	l := eventlogtest.Reopen(t, dir, s.cfg)
	s.wantAll(t, l)
	if state, cursor := toldTo(t, l); cursor != s.cursor || lacks(state, s.told)+lacks(s.told, state) != "" {
		t.Errorf("the follower stands at %d, and stood at %d", cursor, s.cursor)
	}
	if _, err := os.Stat(report.Damaged); err != nil || filepath.Dir(report.Damaged) != dir {
		t.Errorf("the damaged file: %v", err)
	}
}

// TestSalvageNeedsNoMeta zeroes both metas: the log is known by its ops, and what it began with is found.
func TestSalvageNeedsNoMeta(t *testing.T) {
	s := newSea(t, 2)
	b := bytes.Clone(s.now())
	clear(b[:2*pageSize])
	l, report := s.salvage(t, b)
	if !report.Genesis || report.Current || len(report.Lost) == 0 || report.Beside != report.Ops {
		t.Errorf("salvaged: %+v", report)
	}
	if g, known := l.Genesis(); !known || g.Log() != eventlogtest.Genesis(t).Log() {
		t.Error("it does not know what it began with")
	}
	s.wantAll(t, l)
}

// TestSalvageGoesBackToTheRootBefore zeroes the page of the newest root: what the one before reaches is all but what the
// last commit did beside ops.
func TestSalvageGoesBackToTheRootBefore(t *testing.T) {
	s := newSea(t, 3)
	b := bytes.Clone(s.now())
	root := rootOf(b)
	clear(b[root*pageSize:][:pageSize])
	l, report := s.salvage(t, b)
	if report.Current || len(report.Lost) > 0 || report.Authors != 5 {
		t.Errorf("salvaged: %+v", report)
	}
	s.wantAll(t, l)
}

// drift returns the file with something behind its pages, as if it were on a free one.
func (s *sea) drift(values ...record.Op) []byte {
	b := bytes.Clone(s.now())
	for _, v := range values {
		page := append(make([]byte, 100), v...)
		b = append(b, append(page, make([]byte, pageSize-len(page)%pageSize)...)...)
	}
	return b
}

// opAfter returns an op of an author's after another.
func (s *sea) opAfter(t *testing.T, seed string, prev crdt.Signed, text string) crdt.Op {
	t.Helper()
	h := crdt.Header{Log: eventlogtest.Genesis(t).Log(), First: prev.Next(), Prev: prev.ID, Clock: prev.Clock + 1, Floor: prev.Floor}
	op, err := crdt.NewOp(eventlogtest.Key(seed), h, s.cfg.Now(), note(text))
	must(t, err)
	return op
}

// headOf returns the last op but skip of an author's feed.
func (s *sea) headOf(t *testing.T, seed string, skip int) (op crdt.Signed) {
	t.Helper()
	var all []crdt.Signed
	a := crdt.AuthorOf(eventlogtest.Key(seed))
	wants, err := eventlogtest.OpenAs(t, "reader").Wants(t.Context(), s.peer.Frontier(), 0)
	must(t, err)
	for _, w := range wants {
		segments, err := s.peer.Plan(t.Context(), w)
		must(t, err)
		for _, seg := range segments {
			for w.Author == a {
				run, err := s.peer.Read(t.Context(), &seg, 1<<20)
				must(t, err)
				if len(run.Ops) == 0 {
					break
				}
				for _, op := range run.Ops {
					all = append(all, op.Signed)
				}
			}
		}
	}
	return all[len(all)-1-skip]
}

// TestSalvageTakesNoOpThatWasNotCommitted: what a crash has left of an op of ours on a page that is free was never told
// of, and another stands in its place. Where nobody can say so any more, all is kept.
func TestSalvageTakesNoOpThatWasNotCommitted(t *testing.T) {
	s := newSea(t, 4)
	never := s.opAfter(t, "own", s.headOf(t, "own", 1), "never")
	b := s.drift(record.NewOp(nil, 5, never))
	l, report := s.salvage(t, b)
	if report.Unwritten != 1 || report.Beside != 0 || slices.Contains(l.Forked(), never.Author) {
		t.Errorf("salvaged: %+v, forked %v", report, l.Forked())
	}
	s.wantAll(t, l)

	must(t, l.Close())
	clear(b[:2*pageSize])
	l, report = s.salvage(t, b)
	if report.Unwritten != 0 || !slices.Contains(l.Forked(), never.Author) {
		t.Errorf("without metas: %+v, forked %v", report, l.Forked())
	}
}

// TestSalvageTakesOpsOfOthersFromFreePages: one that was never here gets an offset of its own, whatever it says; one that
// its author gave leave to forget stays forgotten; and what nobody has signed is none.
func TestSalvageTakesOpsOfOthersFromFreePages(t *testing.T) {
	s := newSea(t, 5)
	taken := s.opAfter(t, "small", s.headOf(t, "small", 0), "new")
	var first crdt.Signed // what was pruned begins there
	forgotten := s.opAfter(t, "pruned", first, "forgotten")
	free := s.opAfter(t, "large", s.headOf(t, "large", 0), "free")
	forged := bytes.Clone(free.Bytes())
	forged[len(free.Signed.Bytes())-1] ^= 1
	bad, err := crdt.ParseOp(forged)
	must(t, err)
	l, report := s.salvage(t, s.drift(record.NewOp(nil, 3, taken), record.NewOp(nil, 0, forgotten), record.NewOp(nil, 0, bad), record.NewOp(nil, 1<<30, free)))
	if report.Beside != 2 || report.Forgotten == 0 || report.Next > 1000 || len(report.Lost)+len(report.Holes) > 0 {
		t.Errorf("salvaged: %+v", report)
	}
	if k := lacks(s.all, s.without(entries(t, l), free, taken)); k != "" {
		t.Errorf("it shows %s", k)
	}
	var texts []string
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		must(t, err)
		texts = append(texts, string(e.Payload))
	}
	if got := strings.Join(texts[len(texts)-2:], " "); got != `"new" "free"` {
		t.Errorf("the last to arrive are %s", got)
	}
}

// without returns entries less those of some ops.
func (s *sea) without(all map[string]string, ops ...crdt.Op) map[string]string {
	for _, op := range ops {
		delete(all, fmt.Sprintf("%s/%d@%s", op.Author, op.First, op.ID))
	}
	return all
}

// TestSalvageSaysWhyNot salvages what is no damaged file of ours: nothing changes.
func TestSalvageSaysWhyNot(t *testing.T) {
	s := newSea(t, 6)
	nothing := make([]byte, 1<<16)
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for name, test := range map[string]struct {
		b    []byte
		size int64
		key  string
		want func(error) bool
	}{
		"another's":   {s.now(), s.size, "another", is(eventlog.ErrWrongKey)},
		"nothing":     {nothing, 1 << 16, "own", func(err error) bool { return strings.Contains(err.Error(), "no op and no meta") }},
		"empty":       {nil, 0, "own", func(err error) bool { return strings.Contains(err.Error(), "no op and no meta") }},
		"no room":     {s.now(), 1 << 40, "own", is(syscall.ENOSPC)},
		"no such log": {nil, -1, "own", is(eventlog.ErrNotExist)},
	} {
		dir := t.TempDir()
		if test.size >= 0 {
			dir = flood(t, test.b, test.size)
		}
		cfg := s.cfg
		cfg.Key = eventlogtest.Key(test.key)
		if _, err := eventlog.Salvage(t.Context(), dir, cfg, nil); err == nil || !test.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if left := names(t, dir); test.size >= 0 && !slices.Equal(left, []string{"quipu.db"}) || test.size < 0 && len(left) > 0 {
			t.Errorf("%s: the folder has %q", name, left)
		}
	}
	dir := flood(t, s.now(), s.size)
	eventlogtest.Reopen(t, dir, s.cfg)
	var locked *eventlog.LockedError
	if _, err := eventlog.Salvage(t.Context(), dir, s.cfg, nil); !errors.As(err, &locked) {
		t.Errorf("a log that is open: %v", err)
	}
}

// TestSalvageEndsAtAnyStep ends it at each call that changes what is on disk: the damaged file is in its place or the new
// one, and the next salvage makes of either what the first would have. Without QUIPU_E2E=1 it is each third of them.
func TestSalvageEndsAtAnyStep(t *testing.T) {
	s := newSea(t, 7)
	b := bytes.Clone(s.now())
	clear(b[rootOf(b)*pageSize:][:pageSize])
	ended := errors.New("the process ended")
	first, step := sampled(3)
	for last := 1 + first; ; last += step {
		dir := flood(t, b, s.size)
		calls := 0
		stop := sys.Watch(dir, func(_ *sys.Call, do func() error) error {
			if calls++; calls > last {
				return ended
			}
			return do()
		})
		_, err := eventlog.Salvage(t.Context(), dir, s.cfg, nil)
		stop()
		if err == nil {
			if calls < 10 {
				t.Errorf("it makes %d calls", calls)
			}
			return
		}
		if _, err := os.Stat(filepath.Join(dir, "quipu.db")); errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("after %d calls there is no file", last)
		}
		_, err = eventlog.Salvage(t.Context(), dir, s.cfg, nil)
		must(t, err)
		l, err := eventlog.Open(dir, s.cfg)
		must(t, err)
		s.wantAll(t, l)
		must(t, l.Close())
		for _, name := range names(t, dir) {
			if name != "quipu.db" && name != "quipu.db.seen" && !strings.Contains(name, ".damaged-") {
				t.Errorf("after %d calls, and another salvage, there is %s", last, name)
			}
		}
	}
}

// TestSalvageOfDamagedNames damages the name of one bucket after the other, and what the log began with: what is in it is
// said to be lost, the entries are all there, and the log that is made is one.
func TestSalvageOfDamagedNames(t *testing.T) {
	s, began := newSea(t, 5), eventlogtest.Genesis(t)
	for _, name := range []string{"arrivals", "feeds", "followers", "index", "meta", "ops", "parked", "state", "times"} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(s.now())
			root := b[rootOf(b)*pageSize:][:pageSize]
			at := bytes.Index(root, []byte(name))
			root[at+len(name)-1]++
			l, report := s.salvage(t, b)
			if said := fmt.Sprintf("%q", root[at:at+len(name)]); !strings.Contains(fmt.Sprint(report.Lost), said) {
				t.Errorf("lost, of %s: %v", said, report.Lost)
			}
			if k := lacks(entries(t, l), s.shown); k != "" {
				t.Errorf("it lacks %s", k)
			}
		})
	}
	t.Run("genesis", func(t *testing.T) {
		b, g := bytes.Clone(s.now()), began.Encode()
		for i := bytes.Index(b, g); i >= 0; i = bytes.Index(b, g) {
			b[i+20] ^= 1
		}
		l, report := s.salvage(t, b)
		if _, known := l.Genesis(); known || report.Genesis {
			t.Error("it knows what it began with by what is damaged")
		}
		s.wantAll(t, l)
	})
}

// TestSalvageOfDamagedMeta changes one byte of meta after the other: whatever it says, the entries are all there. Of another
// version of the file's format nobody here knows what it is.
func TestSalvageOfDamagedMeta(t *testing.T) {
	s := newSea(t, 6)
	root := rootOf(s.now()) * pageSize
	from := int(root) + bytes.Index(s.now()[root:][:pageSize], []byte("meta"))
	version := from + bytes.Index(s.now()[from:], []byte("format")) + len("format")
	for at := from + 4; at < from+600; at += 13 {
		b := bytes.Clone(s.now())
		if b[at] ^= 0x15; at == version {
			continue
		}
		dir := flood(t, b, s.size)
		if _, err := eventlog.Salvage(t.Context(), dir, s.cfg, nil); err != nil {
			t.Fatalf("byte %d of meta: %v", at-from, err)
		}
		if k := lacks(entries(t, eventlogtest.Reopen(t, dir, s.cfg)), s.shown); k != "" {
			t.Fatalf("byte %d of meta: it lacks %s", at-from, k)
		}
	}
}
