package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// TrimmedError is returned to whoever asks for entries that are not here any more, or never were with their
// bodies: those were trimmed, or the ops were pruned. A [Log.Tail] or a page that a trim overtakes gets it,
// [Log.Lookup], and a follower that is behind. It says where to go on.
type TrimmedError struct {
	// Author and Seq name the first entry that is gone; the zero Author where it is not known any more
	// whose it was.
	Author crdt.Author
	Seq    uint64
	// Gone is how many entries are gone at once, from there on: along the feed for readings by author, in
	// causal order and of one place; for those in arrival order, tails and followers all that lie before Offset, whosever
	// they are.
	Gone uint64
	// First is the first place of the author's feed, after those, that is here; zero when Author is.
	First crdt.Place
	// Offset is the first offset, after those, that a tail or a follower can go on at.
	Offset uint64
	// Pruned says that their author had them forgotten, on every node.
	Pruned bool
	// Elsewhere says that they came without their bodies, which other nodes had trimmed. Where neither is
	// true this node has trimmed them, or some of them.
	Elsewhere bool
}

func (e *TrimmedError) Error() string {
	what := "trimmed here"
	switch {
	case e.Pruned:
		what = "pruned"
	case e.Elsewhere:
		what = "trimmed elsewhere before they came"
	}
	if e.Author.IsZero() {
		return fmt.Sprintf("%d entries are gone, which were %s: go on at offset %d", e.Gone, what, e.Offset)
	}
	return fmt.Sprintf("%d entries from %s/%d on are gone, which were %s: go on at %s, or at offset %d",
		e.Gone, e.Author, e.Seq, what, e.First, e.Offset)
}

// Gone says what a reading does about entries whose bodies are gone.
type Gone uint8

const (
	// SkipGone leaves out what was gone when the reading began, or when it came to this node. What goes
	// from here while the reading is under way is a [*TrimmedError], unless [Query].GoOn says otherwise.
	SkipGone Gone = iota
	// ShowGone yields an entry for each run of trimmed ones that one op held, with Gone set, whatever
	// kinds, modules, subjects or times the query takes: nobody knows theirs. What is pruned while the
	// reading is under way is a [*TrimmedError], what was before is left out: see [Log.Gone].
	ShowGone
	// StopAtGone ends the reading with a [*TrimmedError].
	StopAtGone
)

// String returns "skip", "show" or "stop".
func (g Gone) String() string {
	switch g {
	case SkipGone:
		return "skip"
	case ShowGone:
		return "show"
	case StopAtGone:
		return "stop"
	}
	return fmt.Sprintf("gone(%d)", uint8(g))
}

// ParseGone reads the text form; the empty text is the default, [SkipGone].
func ParseGone(s string) (Gone, error) {
	switch s {
	case "", "skip":
		return SkipGone, nil
	case "show":
		return ShowGone, nil
	case "stop":
		return StopAtGone, nil
	}
	return 0, fmt.Errorf("%w: gone %q: expected skip, show or stop", ErrQuery, s)
}

// gonePolicy is what a reading does about what is gone.
type gonePolicy struct {
	want  Gone
	sweep uint64 // the last when the reading began
	// after is where the page before ended, nil for none; reverse says in which direction.
	after   *pageEnd
	reverse bool
	from    uint64 // offsets below it are not asked for
	// arrivals says that the reading goes forward along the arrivals.
	arrivals bool
}

// ends returns the error that ends the reading at an op without its body, which the cursor is at; nil if
// it goes on.
func (p gonePolicy) ends(s crdt.Signed, c *opCursor) error {
	sweep := c.value.Sweep()
	if sweep > c.sweep {
		return damagedOp(c.author, c.key, fmt.Errorf("its body went with sweep %d, where the last was %d", sweep, c.sweep))
	}
	if !p.overtakes(sweep) {
		return nil
	}
	e := &goneError{author: s.Author, seq: s.First, next: s.Next(), offset: c.offset(), arrivals: p.arrivals}
	if e.offset < p.from {
		e.seq = min(e.next, e.seq+p.from-e.offset)
	}
	if p.after != nil && p.after.op == s.ID && !p.reverse {
		e.seq = max(e.seq, p.after.seq+1)
	}
	if p.after != nil && p.after.op == s.ID && p.reverse {
		e.next = p.after.seq
	}
	if e.seq >= e.next {
		return nil // all that is asked for of it was read
	}
	e.offset += e.seq - s.First
	return e
}

// overtakes reports whether a body that went with the given sweep, 0 if it never was here, ends the
// reading.
func (p gonePolicy) overtakes(sweep uint64) bool {
	return p.want == StopAtGone || p.want == SkipGone && sweep > p.sweep
}

// prunedBy reports whether what the given sweep has pruned, or what was never here if it is 0, ends the
// reading. Nothing is left to be shown of it.
func (p gonePolicy) prunedBy(sweep uint64) bool { return p.want == StopAtGone || sweep > p.sweep }
