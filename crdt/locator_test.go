package crdt

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
)

// vast is a feed of any height whose ops are not there: each branch has one op of one entry at each
// seq, whose id tells branch and seq.
type vast struct{ feed Feed }

// newVast returns a feed whose first branch begins at 0, the others above each other from parted on.
func newVast(branches int, parted, height uint64) vast {
	v := vast{Feed{Author: Author{1}}}
	for i := range branches {
		start := uint64(0)
		if i > 0 {
			start = parted + uint64(i)
		}
		next := height + uint64(i)
		v.feed.Branches = append(v.feed.Branches, Branch{
			Start: v.op(i, start).Key(), Parent: v.op(0, start-1).ID, Rooted: true, Head: v.op(i, next-1).Head(),
		})
	}
	return v
}

func (v vast) op(branch int, seq uint64) Signed {
	op := Signed{Header: Header{Author: v.feed.Author, First: seq, Count: 1}}
	op.ID[0] = byte(branch)
	binary.BigEndian.PutUint64(op.ID[24:], seq)
	return op
}

func (v vast) Feed(Author) (Feed, error) { return v.feed, nil }

func (v vast) Get(_ Author, key Key) (Signed, bool, error) {
	for i, b := range v.feed.Branches {
		if op := v.op(i, key.First); op.Key() == key && b.crosses(key.First) {
			return op, true, nil
		}
	}
	return Signed{}, false, nil
}

func (v vast) Find(a Author, head Head) (Signed, bool, error) {
	return v.Get(a, Key{First: head.Next - 1, ID: head.ID})
}

func (v vast) Ops(_ Author, first uint64) iter.Seq2[Signed, error] {
	return func(yield func(Signed, error) bool) {
		for seq := first; ; seq++ {
			some := false
			for i, b := range v.feed.Branches {
				if !b.crosses(seq) {
					continue
				}
				some = true
				if !yield(v.op(i, seq), nil) {
					return
				}
			}
			if !some {
				return
			}
		}
	}
}

func TestLocatorOfVastFeeds(t *testing.T) {
	for _, branches := range []int{1, 2, 5, 64, 100} {
		for _, height := range []uint64{1, 7, 1000, 1 << 40, MaxSeq - 200} {
			t.Run(fmt.Sprintf("branches=%d/height=%d", branches, height), func(t *testing.T) {
				held := newVast(branches, height/2, height)
				l, err := locate(held, held.feed)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(l.Heads) + len(l.Back); n > MaxLocator {
					t.Errorf("%d items", n)
				}
				if want := min(branches, maxLocatorHeads); len(l.Heads) != want {
					t.Errorf("%d heads, want %d", len(l.Heads), want)
				}
				if !slices.ContainsFunc(l.Back, func(k Key) bool { return k.First == 0 }) && height > 1 {
					t.Errorf("the steps do not go back to the first op: %v", l.Back)
				}
				common, err := l.common(held, held.feed.Author)
				if err != nil || len(common) != len(l.Heads)+len(l.Back) {
					t.Errorf("%d of %d items are held, %v", len(common), len(l.Heads)+len(l.Back), err)
				}
			})
		}
	}
}

// Of a feed that is not forked, a peer that holds a prefix finds an item of which it lacks at most as
// much again as is missing.
func TestLocatorSteps(t *testing.T) {
	const height = 1 << 40
	held := newVast(1, 0, height)
	l, err := locate(held, held.feed)
	if err != nil {
		t.Fatal(err)
	}
	for missing := uint64(1); missing < height; missing = missing*3 + 1 {
		prefix := newVast(1, 0, height-missing)
		common, err := l.common(prefix, held.feed.Author)
		if err != nil {
			t.Fatal(err)
		}
		known, err := knownOnBranches(prefix, prefix.feed, common)
		if err != nil {
			t.Fatal(err)
		}
		if again := height - missing - known[0].Next; again > missing {
			t.Errorf("%d are missing, %d would be sent again", missing, again)
		}
	}
}

func TestLocate(t *testing.T) {
	p := draw(t, 0, `
		a-b-c-d-e-f-g-h-i
		    \-x-y`)
	for _, test := range []struct {
		runs        []string
		heads, back string // back in the order of the locator
	}{
		{nil, "", ""},
		{[]string{"a"}, "a", "a"},
		{[]string{"a b c d e f g h i"}, "i", "i h f b a"},
		// From the heads of both branches down to the fork, then below it.
		{[]string{"a b c d e f g h i", "x y"}, "i y", "i h f x e d c b a"},
	} {
		set := NewSet(vectorLog)
		for _, names := range test.runs {
			apply(t, set, p.run(names))
		}
		f, _ := set.Feed(p.op("a").Author)
		l, err := locate(set, f)
		if err != nil {
			t.Fatal(err)
		}
		var back []string
		for _, k := range l.Back {
			op, _, _ := set.Get(f.Author, k)
			back = append(back, p.heads([]Head{op.Head()}))
		}
		if got := strings.Join(back, " "); p.heads(l.Heads) != test.heads || got != test.back {
			t.Errorf("%q: heads %s, back %s; want %s, %s", test.runs, p.heads(l.Heads), got, test.heads, test.back)
		}
	}
}
