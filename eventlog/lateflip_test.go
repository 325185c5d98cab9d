package eventlog

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// TestFlipsInAnOpThatIsLate flips each byte of the key and the value of an op whose arrival is late, in the file: whoever
// reads is shown what was there before, in the order that it had, and told of the rest; verify tells of it by its place; and
// with what a salvage or a peer gives back all is what it was, at the offsets that it had. A plain run takes a sample.
func TestFlipsInAnOpThatIsLate(t *testing.T) {
	c := newCords(t, 3400, 1, 0)
	l, peer := c.as("who reads"), c.as("the peer")
	defer func() { must(t, peer.Close()) }()
	c.grow(l, 2)
	for i := range 40 {
		own(t, l, 1+i%3)
	}
	_, err := l.Compact(t.Context()) // what is on no page in use would be found, too
	must(t, err)
	f := flipped{c: c, peer: peer, author: l.Author(), cfg: l.store.cfg, before: make(map[Order][]Entry)}
	var value record.Op
	var runs []crdt.Run
	must(t, l.store.view(func(tx *readTx) error {
		for i, a := range arrived(t, l, tx) {
			v := slices.Clone(tx.value(a.Author, a.Key))
			op, err := verifiedAt(a.Author, a.Key, v)
			must(t, err)
			if runs = append(runs, crdt.Run{Ops: []crdt.Op{op}}); i == 20 {
				f.key, value = a.Key, v
			}
		}
		return nil
	}))
	if n := late(t, l); n != 40 {
		t.Fatalf("%d ops are late", n)
	}
	_, err = peer.Apply(t.Context(), runs)
	must(t, err)
	for _, order := range []Order{ByAuthor, Causal, Arrival} {
		f.before[order], _, _ = shown(t, l, order)
	}
	must(t, l.Close())
	f.file, err = os.ReadFile(l.Path())
	must(t, err)
	k := record.OpKey(f.key)
	element := append(k[:], value...)
	at := bytes.Index(f.file, element)
	if at < 0 || bytes.Contains(f.file[at+1:], k[:]) {
		t.Fatalf("the op is not there once, at %d", at)
	}
	step, inKey := 1, 0
	if os.Getenv("QUIPU_E2E") == "" || testing.Short() {
		step = 11
	}
	for i := rand.IntN(step); i < len(element); i += step {
		f.flip(t, at+i, byte(1<<rand.IntN(8)), i%2 == 0)
		if i >= len(k) && f.salvaged > inKey {
			t.Errorf("byte %d of the value was not repaired by a peer", i-len(k))
		}
		if i < len(k) {
			inKey = f.salvaged
		}
	}
	t.Logf("%d flips of %d bytes: %d were repaired by a peer, %d salvaged before", f.repaired+f.salvaged, len(element), f.repaired, f.salvaged)
}

// flipped is a log of which a byte is to be flipped.
type flipped struct {
	c      *cords
	peer   *Log
	cfg    Config
	author crdt.Author
	key    crdt.Key
	file   []byte
	before map[Order][]Entry

	repaired, salvaged int
}

func sameEntry(a, b Entry) bool {
	return a.Op == b.Op && a.Seq == b.Seq && a.Offset == b.Offset && bytes.Equal(a.Payload, b.Payload)
}

// flip flips bits of the byte at a place of the file. Then the arrivals are written at once, or not.
func (f *flipped) flip(t *testing.T, at int, by byte, written bool) {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	b := slices.Clone(f.file)
	b[at] ^= by
	must(t, os.WriteFile(filepath.Join(dir, fileName), b, 0o600))
	l, err := Open(dir, f.cfg)
	if err == nil {
		err = f.look(t, l, at)
		if err == nil && written {
			err = l.store.exclusively(t.Context(), func(tx *writeTx) error { tx.arrivals.Tree(); return nil })
		}
		for err == nil && fill(t, l, f.peer) > 0 {
		}
		if report, failed := l.Verify(t.Context()); err == nil && failed == nil && report.OK() {
			f.repaired++
			f.whole(t, l, at)
			must(t, l.Close())
			return
		}
		_ = l.Close()
	}
	f.salvaged++
	_, err = Salvage(t.Context(), dir, f.cfg, nil)
	must(t, err)
	l, err = Open(dir, f.cfg)
	must(t, err)
	for fill(t, l, f.peer) > 0 {
	}
	f.whole(t, l, at)
	must(t, l.Close())
}

// look reads what can be read. Its error is damage that keeps peers from giving back what is missing.
func (f *flipped) look(t *testing.T, l *Log, at int) error {
	t.Helper()
	told := false
	for order, before := range f.before {
		n := 0
		for e, err := range l.Entries(t.Context(), Query{Order: order}) {
			if err != nil {
				if !isDamaged(err) {
					t.Errorf("byte %d, %s: %v", at, order, err)
				}
				told = true
				break
			}
			if n >= len(before) || !sameEntry(e, before[n]) {
				t.Fatalf("byte %d, %s: entry %d is %s at offset %d", at, order, n, e.Place(), e.Offset)
			}
			n++
		}
		if !told && n < len(before) {
			t.Errorf("byte %d, %s: %d entries of %d and no error", at, order, n, len(before))
		}
	}
	report, err := l.Verify(t.Context())
	must(t, err)
	byPlace := slices.ContainsFunc(report.Problems, func(p Problem) bool { return p.op != nil && p.op.Author == f.author && p.op.Seq == f.key.First })
	inHole := slices.ContainsFunc(report.Holes, func(h crdt.Span) bool { return h.From <= f.key.First && f.key.First < h.Upto })
	if report.OK() {
		t.Errorf("byte %d: verify finds nothing; told when read: %t", at, told)
	}
	if !byPlace && !inHole {
		t.Logf("byte %d: %v", at, report.Problems)
		return errors.New("not by place")
	}
	return nil
}

// whole checks that a log shows what it did.
func (f *flipped) whole(t *testing.T, l *Log, at int) {
	t.Helper()
	if report, err := l.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("byte %d: verify: %v, %v", at, report.Problems, err)
	}
	checkArrivals(t, l)
	for order, before := range f.before {
		if after, _, _ := shown(t, l, order); !slices.EqualFunc(before, after, sameEntry) {
			t.Errorf("byte %d, %s: the entries are not what they were, at the offsets that they had", at, order)
		}
	}
}
