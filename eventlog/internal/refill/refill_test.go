package refill_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
	"github.com/quipulog/quipu/eventlog/internal/schema"
)

// put is what is put of an op.
type put struct {
	op            crdt.Op
	offset, sweep uint64
}

// source is a log's file as it was read.
type source struct {
	log   crdt.LogID
	ops   []put // in arrival order
	pairs []pair
}

type pair struct {
	path       [][]byte
	key, value []byte
}

// look calls see with what the file of the log in dir, which is not open, has.
func look(t *testing.T, dir string, see func(tx *disk.Tx)) {
	t.Helper()
	f, err := disk.Open(filepath.Join(dir, schema.FileName))
	must(t, err)
	defer f.Close()
	tx, err := f.Begin(false)
	must(t, err)
	defer tx.Rollback()
	see(tx)
}

// read reads the file of the log in dir, which is not open.
func read(t *testing.T, dir string) (s source) {
	t.Helper()
	look(t, dir, func(tx *disk.Tx) {
		c := arrivals.Of(tx).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			a, err := record.ParseArrival(k, v)
			must(t, err)
			key := record.OpKey(a.Key)
			v := record.Op(bytes.Clone(tx.Tree(schema.Ops).Child(a.Author[:]).Growing().Get(key[:])))
			op, err := v.Verify(a.Author, a.Key)
			must(t, err)
			s.ops = append(s.ops, put{op, a.Offset, v.Sweep()})
			s.log = op.Log
		}
		for _, name := range [][]byte{schema.Meta, schema.Feeds, schema.Followers, schema.Times} {
			c := tx.Tree(name).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				s.pairs = append(s.pairs, pair{[][]byte{name}, bytes.Clone(k), bytes.Clone(v)})
			}
		}
	})
	return s
}

// without returns the source without what is known of the feeds.
func (s source) without() source {
	s.pairs = slices.DeleteFunc(slices.Clone(s.pairs), func(p pair) bool { return bytes.Equal(p.path[0], schema.Feeds) })
	return s
}

// fill makes a file of the source in a new folder, of the ops in the given order.
func (s source) fill(t *testing.T, order []int) (string, refill.Report, error) {
	t.Helper()
	dir := t.TempDir()
	m, err := refill.New(filepath.Join(dir, schema.FileName), s.log)
	must(t, err)
	defer m.Drop()
	for _, i := range order {
		must(t, m.Op(s.ops[i].op, s.ops[i].offset, s.ops[i].sweep))
	}
	for _, p := range s.pairs {
		must(t, m.Pair(p.path, p.key, p.value))
	}
	report, err := m.Finish(time.Now())
	files, _ := os.ReadDir(dir)
	if (err == nil) != (len(files) == 1 && files[0].Name() == schema.FileName) {
		t.Errorf("after %v the folder has %v", err, files)
	}
	return dir, report, err
}

// tangled makes a log with a forked feed, a pruned one, trimmed entries and a follower, and closes it.
func tangled(t *testing.T) (dir string, cfg eventlog.Config) {
	t.Helper()
	dir, cfg = t.TempDir(), eventlog.Config{Key: eventlogtest.Key("own"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 3}}
	l := eventlogtest.Create(t, dir, cfg)
	eventlogtest.Tangle(t, l, func(tx *eventlog.Tx) error { return tx.SetCursor("f", l.Stats().Next) })
	must(t, l.Close())
	return dir, cfg
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shown is what a log shows of what it holds.
type shown struct {
	Entries   []string
	Stats     eventlog.Stats
	Frontier  crdt.Frontier
	Gone      []eventlog.GoneFrom
	Forks     []crdt.Author
	Followers []eventlog.FollowerStatus
}

// show returns what the log in dir, which is not open, shows; it is verified in the end.
func show(t *testing.T, dir string, cfg eventlog.Config) (s shown) {
	t.Helper()
	l := eventlogtest.Reopen(t, dir, cfg)
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, Gone: eventlog.ShowGone}) {
		must(t, err)
		s.Entries = append(s.Entries, e.Place().String()+" "+string(e.Payload))
	}
	s.Stats, s.Frontier, s.Gone, s.Forks = l.Stats(), l.Frontier(), l.Gone(), l.Forked()
	var err error
	s.Followers, err = l.Followers(t.Context())
	must(t, err)
	for i := range s.Followers {
		s.Followers[i].LagTime = 0 // it grows
	}
	eventlogtest.Verify(t, l)
	must(t, l.Close())
	return s
}

// TestTheSameLog: a file that is made of another one's ops, in any order, is the same log, with what was known of its
// feeds and without.
func TestTheSameLog(t *testing.T) {
	dir, cfg := tangled(t)
	want, s := show(t, dir, cfg), read(t, dir)
	order := make([]int, len(s.ops))
	for i := range order {
		order[i] = i
	}
	for i := range 10 {
		got, report, err := s.fill(t, order)
		must(t, err)
		if report.Next != want.Stats.Next || len(report.Holes) != 0 || report.Ops != uint64(len(order)) {
			t.Errorf("report: %+v", report)
		}
		same(t, want, show(t, got, cfg))
		if i == 0 {
			got, _, err = s.without().fill(t, order)
			if _, ok := errors.AsType[*refill.FeedError](err); !ok { // how many entries were pruned nobody knows
				t.Errorf("with nothing known of the feeds: %v, in %s", err, got)
			}
		}
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
}

func same(t *testing.T, want, got shown) {
	t.Helper()
	want.Stats.Bytes, got.Stats.Bytes, want.Stats.Free, got.Stats.Free = 0, 0, 0, 0
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(crdt.Signed{})); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

// TestHoles: what is missing is told by place, and the record says that it is held.
func TestHoles(t *testing.T) {
	dir, cfg := tangled(t)
	s := read(t, dir)
	own := crdt.AuthorOf(cfg.Key)
	for i, p := range s.ops {
		if i == len(s.ops)-1 { // without what arrived last it is not known how much arrived
			continue
		}
		order := slices.Delete(indices(len(s.ops)), i, i+1)
		_, report, err := s.fill(t, order)
		must(t, err)
		want := []refill.Hole{{Author: p.op.Author, From: p.op.First, To: p.op.Next()}}
		if p.op.Author == own && !slices.Equal(report.Holes, want) || len(report.Holes) == 0 || report.Holes[0].Author != p.op.Author {
			t.Errorf("without %s/%d: %v", p.op.Author.Short(), p.op.First, report.Holes)
		}
	}
}

func indices(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// TestRefusals: what is no op of the log, or has others' offsets, is refused, and the next one is not.
func TestRefusals(t *testing.T) {
	dir, _ := tangled(t)
	s := read(t, dir)
	m, err := refill.New(filepath.Join(t.TempDir(), schema.FileName), s.log)
	must(t, err)
	defer m.Drop()
	must(t, m.Op(s.ops[2].op, s.ops[2].offset, s.ops[2].sweep))
	b := bytes.Clone(s.ops[len(s.ops)-1].op.Bytes())
	b[bytes.LastIndexByte(b, 'k')] = 'x' // the kind of the entry
	altered, err := crdt.ParseOp(b)
	must(t, err)
	foreign, err := crdt.NewOp(eventlogtest.Key("own"), crdt.Header{Log: crdt.LogID{1}, Clock: 1}, time.Now(), crdt.Event{Kind: "k"})
	must(t, err)
	last := s.ops[len(s.ops)-1]
	for about, c := range map[string]struct {
		p    put
		want error
	}{
		"another body":   {put{altered, last.offset, 0}, crdt.ErrBody},
		"another log":    {put{foreign, last.offset, 0}, crdt.ErrInvalid},
		"taken":          {put{s.ops[3].op, s.ops[2].offset, s.ops[3].sweep}, refill.ErrTaken},
		"body and stamp": {put{last.op, last.offset, 1}, crdt.ErrInvalid},
		"beyond":         {put{last.op, crdt.MaxSeq, 0}, crdt.ErrInvalid},
	} {
		if err := m.Op(c.p.op, c.p.offset, c.p.sweep); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.p.op.Author.Short()) {
			t.Errorf("%s: %v", about, err)
		}
	}
	must(t, m.Op(s.ops[2].op, 1000, 0)) // it is there
	must(t, m.Op(s.ops[3].op, s.ops[3].offset, s.ops[3].sweep))
}

// TestThereIsAFile: a file that is there stays.
func TestThereIsAFile(t *testing.T) {
	dir, _ := tangled(t)
	s, path := read(t, dir), filepath.Join(dir, schema.FileName)
	before, err := os.ReadFile(path)
	must(t, err)
	m, err := refill.New(path, s.log)
	must(t, err)
	for _, p := range s.ops {
		must(t, m.Op(p.op, p.offset, p.sweep))
	}
	for _, p := range s.pairs {
		must(t, m.Pair(p.path, p.key, p.value))
	}
	if _, err := m.Finish(time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("finish: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, or %v", err)
	}
}

// TestScrapsOfFeedsWithoutOps: of a feed of which nothing is left but that its ops have arrived, what is missing is said, and
// what is made is a log.
func TestScrapsOfFeedsWithoutOps(t *testing.T) {
	from, cfg := tangled(t)
	s := read(t, from)
	own := crdt.AuthorOf(cfg.Key)
	next := uint64(0)
	for _, p := range s.ops {
		if p.op.Author == own {
			next = max(next, p.op.Next())
		}
	}
	s.ops = slices.DeleteFunc(s.ops, func(p put) bool { return p.op.Author == own })
	s.pairs = slices.DeleteFunc(s.without().pairs, func(p pair) bool { return string(p.path[0]) == string(schema.Followers) })
	s.pairs = append(s.pairs, arrived(t, from)...)
	dir := t.TempDir()
	m, err := refill.New(filepath.Join(dir, schema.FileName), s.log)
	must(t, err)
	defer m.Drop()
	m.Scraps()
	for _, p := range s.ops {
		must(t, m.Op(p.op, p.offset, p.sweep))
	}
	for _, p := range s.pairs {
		must(t, m.Pair(p.path, p.key, p.value))
	}
	report, err := m.Finish(time.Now())
	must(t, err)
	if want := (refill.Hole{Author: own, To: next}); !slices.Contains(report.Holes, want) {
		t.Errorf("missing: %v, want %v", report.Holes, want)
	}
	if shown := show(t, dir, cfg); len(shown.Entries) == 0 || len(shown.Frontier[own]) > 0 {
		t.Errorf("it shows %d entries, and of the feed that is gone %v", len(shown.Entries), shown.Frontier[own])
	}
}

// arrived returns the arrivals of the log in dir.
func arrived(t *testing.T, dir string) (all []pair) {
	t.Helper()
	look(t, dir, func(tx *disk.Tx) {
		c := arrivals.Of(tx).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			all = append(all, pair{[][]byte{schema.Arrivals}, bytes.Clone(k), bytes.Clone(v)})
		}
	})
	return all
}

// TestScrapsOfDamagedArrivals: an arrival of a missing op whose id is not that which the op behind it names is none: what comes
// back would not be found under it.
func TestScrapsOfDamagedArrivals(t *testing.T) {
	from, cfg := tangled(t)
	s, all := read(t, from), arrived(t, from)
	own := crdt.AuthorOf(cfg.Key)
	var ops []put
	for _, p := range s.ops {
		if p.op.Author == own {
			ops = append(ops, p)
		}
	}
	lost := ops[len(ops)-3]
	for _, damaged := range []bool{false, true} {
		dir := t.TempDir()
		m, err := refill.New(filepath.Join(dir, schema.FileName), s.log)
		must(t, err)
		m.Scraps()
		for _, p := range s.ops {
			if p.op.ID != lost.op.ID {
				must(t, m.Op(p.op, p.offset, p.sweep))
			}
		}
		for _, p := range s.pairs {
			must(t, m.Pair(p.path, p.key, p.value))
		}
		for _, p := range all {
			v := bytes.Clone(p.value)
			if i := bytes.Index(v, lost.op.ID[:]); i >= 0 && damaged {
				v[i] ^= 1
			}
			must(t, m.Pair(p.path, p.key, v))
		}
		_, err = m.Finish(time.Now())
		must(t, err)
		kept := false
		for _, p := range arrived(t, dir) {
			a, err := record.ParseArrival(p.key, p.value)
			must(t, err)
			kept = kept || a.Offset == lost.offset
		}
		if kept == damaged {
			t.Errorf("its id damaged %v: the arrival is kept: %v", damaged, kept)
		}
		m.Drop()
	}
}
