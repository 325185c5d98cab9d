package postings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

var (
	incarnation = [16]byte{1, 2, 3}
	errKilled   = errors.New("killed")
)

// testFile is a file with a tree, and the index in it.
type testFile struct {
	*Index
	t    *testing.T
	file *disk.File
	left int // so many writes succeed before one fails
}

var treeName = []byte("index")

func newTestFile(t *testing.T) *testFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, disk.Create(path, func(tx *disk.Tx) error { _, err := tx.Root().Create(treeName); return err }))
	file, err := disk.Open(path)
	must(t, err)
	t.Cleanup(func() { must(t, file.Close()) })
	f := &testFile{t: t, file: file, left: 1 << 30}
	f.open()
	return f
}

// open makes the index that a new process would have.
func (f *testFile) open() {
	f.Index = &Index{Incarnation: incarnation, View: f.view, Write: func(_ context.Context, fn func(*disk.Tree) error) error {
		if f.left--; f.left < 0 {
			return errKilled
		}
		return f.write(fn)
	}}
}

func (f *testFile) view(fn func(*disk.Tree) error) error {
	tx, err := f.file.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return tx.Do(func() error { return fn(tx.Tree(treeName)) })
}

func (f *testFile) write(fn func(*disk.Tree) error) error {
	return f.file.Update(func(tx *disk.Tx) error { return fn(tx.Tree(treeName)) })
}

// keys returns the keys in the tree.
func (f *testFile) keys() (keys [][]byte) {
	f.t.Helper()
	must(f.t, f.view(func(t *disk.Tree) error {
		c := t.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		return nil
	}))
	return keys
}

func (f *testFile) layers() Layers {
	f.t.Helper()
	layers, err := f.Layers()
	must(f.t, err)
	return layers
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// thing stands at an offset and reaches up to end. It has texts, each of the class that is its first byte.
type thing struct {
	offset, end uint64
	texts       []string
}

// grow adds a few things behind those that there are, beyond a gap.
func grow(rng *rand.Rand, things []thing, gap uint64) []thing {
	for range 1 + rng.IntN(12) {
		t := thing{offset: end(things) + gap}
		gap = 0
		t.end = t.offset + 1 + rng.Uint64N(span)
		for range rng.IntN(4) {
			t.texts = append(t.texts, draw(rng))
		}
		things = append(things, t)
	}
	return things
}

// span is the most offsets that a thing reaches over.
const span = 3

func draw(rng *rand.Rand) string { return fmt.Sprintf("%c%d", 1+rng.IntN(2), rng.IntN(9)) }

func end(things []thing) uint64 {
	if len(things) == 0 {
		return 0
	}
	return things[len(things)-1].end
}

// eachText calls add with what stands at from ≤ offset < to.
func eachText(things []thing, from, to uint64, add func(class byte, text string, offset uint64)) {
	for _, t := range things {
		for _, text := range t.texts {
			if t.offset >= from && t.offset < to {
				add(text[0], text[1:], t.offset)
			}
		}
	}
}

// An index of things that come little by little, and of which the first go again, finds what a look at all of them
// does, wherever a process that kept it was killed. Merges of two levels come by.
func TestIndexFindsWhatThereIs(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 7))
		f := newTestFile(t)
		var things []thing
		kills, highest := 0, uint8(0)
		for i := 0; highest < 2 && i < 10*fan; i++ {
			gap := uint64(0)
			if i < fan-1 {
				gap = MaxBatch // of level 1 at once
			}
			things = grow(rng, things, gap)
			things = things[max(0, len(things)-150):]
			for f.left = rng.IntN(5); ; f.left = rng.IntN(5) {
				err := f.catchUp(things)
				if err == nil {
					break
				}
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				kills++
				f.open()
				f.wantFound(rng, things)
			}
			f.wantFound(rng, things)
			highest = f.layers()[0].level
		}
		f.wantWhole(things)
		if highest < 2 || kills == 0 || things[0].offset == 0 {
			t.Errorf("seed %d: the first layer has level %d, %d kills, and the first thing offset %d", seed, highest, kills, things[0].offset)
		}
	}
}

// catchUp brings the index up to date.
func (f *testFile) catchUp(things []thing) error {
	layers := f.layers()
	if from := layers.Reached(); from < end(things) {
		b := f.NewBatch()
		eachText(things, from, end(things), b.Add)
		if err := f.Extend(f.t.Context(), layers, end(things), 0, b); err != nil {
			return err
		}
	}
	for merged := true; merged; {
		var err error
		if merged, err = f.Tidy(f.t.Context(), f.layers()); err != nil {
			return err
		}
	}
	return nil
}

// wantFound looks for things that have one of two texts, or two of four, and reach into a stretch of offsets.
func (f *testFile) wantFound(rng *rand.Rand, things []thing) {
	f.t.Helper()
	layers := f.layers()
	one := things[rng.IntN(len(things))]
	s := &Search{Layers: layers, From: one.offset + rng.Uint64N(5), Span: span, Most: 1 << 20}
	s.To = min(layers.Reached(), s.From+1+rng.Uint64N(2*MaxBatch))
	var sets [2][]string
	var terms [2][]Term
	for i := range 1 + rng.IntN(2) {
		a, b := draw(rng), draw(rng)
		sets[i] = []string{a, a[:1] + b[1:]}
		terms[i] = Terms(incarnation, a[0], []string{a[1:], b[1:]})
	}
	var got []uint64
	must(f.t, f.view(func(t *disk.Tree) (err error) {
		s.Tree = t
		got, _, err = s.Find(terms[:]...)
		return err
	}))
	for _, t := range things {
		has := !slices.ContainsFunc(sets[:], func(set []string) bool {
			return set != nil && !slices.Contains(t.texts, set[0]) && !slices.Contains(t.texts, set[1])
		})
		found := slices.Contains(got, t.offset)
		if want := has && t.end > s.From && t.offset < s.To; want && !found || found && !(has && t.offset+span > s.From && t.offset < s.To) {
			f.t.Fatalf("%q from %d to %d: %+v is found: %t, of %v", sets, s.From, s.To, t, found, got)
		}
	}
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		f.t.Fatalf("found %v", got)
	}
}

// wantWhole fails the test unless the layers have the things, and those that have gone since, and nothing else is
// in the tree.
func (f *testFile) wantWhole(things []thing) {
	f.t.Helper()
	keys := f.keys()
	blocks := 0
	for _, layer := range f.layers() {
		a := f.NewAudit(layer)
		eachText(things, layer.From, layer.To, a.Add)
		stored, stale, err := a.End()
		if err != nil || stored != layer.Postings || (stale > 0) != (things[0].offset > layer.From) {
			f.t.Fatalf("layer %+v: %d postings, %d stale, %v", layer, stored, stale, err)
		}
		for _, k := range keys {
			if layer.owns(k) {
				blocks++
			}
		}
	}
	if len(keys) != blocks+1 {
		f.t.Fatalf("%d keys, want %d blocks and the record: %x", len(keys), blocks, keys)
	}
}

// A search that finds too much of one set goes by the others, and by none where all find too much.
func TestSearchFindsFew(t *testing.T) {
	f := newTestFile(t)
	b := f.NewBatch()
	for offset := range uint64(5_000) {
		b.Add(1, "often", offset)
		b.Add(1, fmt.Sprint("of ten ", offset/10), offset)
	}
	must(t, f.Extend(t.Context(), nil, 5_000, 0, b))
	often, ten := Terms(incarnation, 1, []string{"often"}), Terms(incarnation, 1, []string{"of ten 7"})
	for _, test := range []struct {
		most  int
		sets  [][]Term
		want  int
		found bool
	}{
		{5_000, [][]Term{often}, 5_000, true},
		{4_999, [][]Term{often}, 0, false},
		{4_999, [][]Term{often, ten}, 10, true},
		{5_000, [][]Term{ten, often}, 10, true},
		{9, [][]Term{ten, often}, 0, false},
		{5_000, [][]Term{nil, ten}, 10, true},
		{5_000, nil, 0, false},
		{5_000, [][]Term{make([]Term, maxProbes+1)}, 0, false},
		{5_000, [][]Term{Terms(incarnation, 2, []string{"often"})}, 0, true},
	} {
		var got []uint64
		var found bool
		must(t, f.view(func(tree *disk.Tree) (err error) {
			got, found, err = (&Search{Tree: tree, Layers: f.layers(), To: 1 << 40, Span: 1, Most: test.most}).Find(test.sets...)
			return err
		}))
		if len(got) != test.want || found != test.found {
			t.Errorf("most %d of %x: %d offsets, found %t", test.most, test.sets, len(got), found)
		}
	}
}

// What no layer names is removed, whatever its key is.
func TestStrayKeysAreRemoved(t *testing.T) {
	f := newTestFile(t)
	b := f.NewBatch()
	b.Add(1, "a", 5)
	must(t, f.Extend(t.Context(), nil, 10, 0, b))
	layers, keys := f.layers(), f.keys()
	must(t, f.write(func(t *disk.Tree) error {
		for _, key := range [][]byte{{0}, []byte("layer"), []byte("layers2"), layers[0].blockKey(endOfLayer), (Layer{level: 1}).blockKey(posting{})} {
			if err := t.Put(key, []byte("stray")); err != nil {
				return err
			}
		}
		return nil
	}))
	f.open()
	if merged, err := f.Tidy(t.Context(), layers); merged || err != nil {
		t.Fatal(merged, err)
	}
	if got := f.keys(); !slices.EqualFunc(got, keys, bytes.Equal) {
		t.Errorf("the keys are %x, want %x", got, keys)
	}
	must(t, f.Drop(t.Context()))
	_, err := f.Tidy(t.Context(), nil)
	must(t, err)
	if got := f.keys(); len(got) != 1 || f.layers() != nil {
		t.Errorf("dropped, the keys are %x", got)
	}
}
