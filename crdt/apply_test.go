package crdt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// stories are told by TestApply, and stand in docs/vectors/laws.json.
var stories = []struct {
	name, drawing string
	steps         []string
}{
	{"one after the other", "a-b-c", []string{
		"a: accepted | a | -",
		"b: accepted | b | -",
		"a b: duplicate | b | -",
		"a b c: accepted | c | -",
	}},
	{"the last first", "a-b2-c", []string{
		"c: pending | | -",
		"b: pending | | -",
		"a: accepted | c | -",
		"c: duplicate | c | -",
	}},
	{"a fork", `
		a-b-c-d
		  \-x-y`, []string{
		"a b c: accepted | c | -",
		"x: forked | c x | 2",
		"x y: accepted | c y | 2",
		"d: accepted | d y | 2",
	}},
	{"a fork at the first op", `
		a-b
		x-y`, []string{
		"a b: accepted | b | -",
		"x y: forked | b y | 0",
	}},
	{"forks of forks", `
		a-b-c-d
		  \-x-y-z
		    \-p
		    \-q`, []string{
		"a b c d: accepted | d | -",
		"q: pending | d | -",
		"x y z: forked | d q z | 2",
		"p: forked | d p q z | 2",
	}},
	{"other cuts of the same seqs", `
		a-b3-c
		\-x-y-z-w`, []string{
		"a b c: accepted | c | -",
		"x y: forked | c y | 1",
		"z w: accepted | c w | 1",
	}},
	{"an anchor is looked for at 64 ops and no further", "a-" + manyUnsigned(64), []string{
		"a " + unsigned(64) + ": unsigned | | -",
		"a " + unsigned(63) + ": accepted, the rest unsigned | a | -",
	}},
	{"a bad signature counts where a good one covers it", "a-b!-c!-d-e!", []string{
		"a b: accepted, the rest unsigned | a | -",
		"b c d e: accepted, the rest unsigned | d | -",
	}},
	{"rules that an op breaks", `
		a2-b^2@7-c
		   \-x@7
		   \-y^0@9
		   \-z@9/4`, []string{
		"a b: accepted | b | -",
		"x: rejected | b | -", // its clock does not follow
		"y: rejected | b | -", // it takes back a floor
		"z: rejected | b | -", // it leaves a hole
		"c: accepted | c | -",
		"x: rejected | c | -",
		"z: pending | c | -",
	}},
	{"a newcomer begins at a floor", "a-b-c-d-e^2-f", []string{
		"c: pending | | -",
		"[e] d: accepted | d | -",
		"d e: accepted | e | -",
		"a: duplicate | e | -",
		"a b: duplicate | e | -",
		"f: accepted | f | -",
	}},
	{"below a floor that no op held has, the prefix is taken", "a-b-c-d-e^2-f", []string{
		"[e] c: accepted | c | -",
		"a: accepted | a c | -", // nothing is known between the two: that is no fork
		"b: accepted | c | -",
		"d e f: accepted | f | -",
	}},
	{"away while a prefix was pruned", "a-b-c-d-e-f^4-g", []string{
		"a b: accepted | b | -",
		"[f] e: accepted | b e | -",
		"f: accepted | f | -", // b lies below the floor now, and so is no head
		"d: accepted | f | -",
		"c: accepted | f | -",
	}},
	{"forks that end below a floor are forgotten", `
		a-b-c-d-e^3-f
		  \-x`, []string{
		"a b x: accepted | x | -",
		"c d: forked | d x | 2",
		"e: accepted | e | 2",
	}},
	{"a branch that parted below a floor is taken", `
		a-b-c-d-e^3-f
		  \-x-y`, []string{
		"[e] d e f: accepted | f | -",
		"x: duplicate | f | -",
		"x y: forked | f y | 3",
	}},
	{"at a floor, an op need not follow the one that it names", `
		a-b@7-c-d^2-e
		  \-x@6-y`, []string{
		"a b: accepted | b | -",
		"x y: rejected | b | -",
		"[d] x y: accepted | b y | -",
		"c d: forked | d y | 0", // nothing held tells where y parted
		"b x: rejected | d y | 0",
		"e: accepted | e y | 0",
	}},
	{"the op that gives leave is leave enough", `
		a-b-c-d^2-e
		?2-x`, []string{
		"a b c: accepted | c | -",
		"x: pending | c | -",
		"d: forked | d x | 0",
		"e: accepted | e x | 0",
	}},
	{"a leave without a signature of its own waits for one", `
		a-b-c-d!^2-e
		?2-x`, []string{
		"x: pending | | -",
		"a b c d: accepted, the rest unsigned | c | -",
		"a b c d e: forked | e x | 0",
	}},
	{"nor does it join that one later", `
		a-b@7-c-d^2-e
		  \-x@6-y`, []string{
		"[d] x y: accepted | y | -",
		"a b: accepted | b y | -",
		"c d e: forked | e y | 0",
	}},
	{"two branches join what they part from", `
		a-b-c-d^2
		  \-x-y`, []string{
		"[d] x y: accepted | y | -",
		"c: forked | c y | 2",
		"b: accepted | c y | 2",
		"a: accepted | c y | 2",
		"d: accepted | d y | 2",
	}},
	{"an op that overlaps what stands at a floor makes a fork", `
		a-b-c-d-e^3
		\-x3-y`, []string{
		"a: accepted | a | -",
		"[e] d: accepted | a d | -",
		"x: forked | d x | 0",
	}},
}

// unsigned returns the names of n ops whose own signatures are bad, as [manyUnsigned] draws them.
func unsigned(n int) string {
	return strings.ReplaceAll(strings.ReplaceAll(manyUnsigned(n), "!", ""), "-", " ")
}

// manyUnsigned draws a chain of n ops whose own signatures are bad.
func manyUnsigned(n int) string {
	ops := make([]string, n)
	for i := range ops {
		ops[i] = fmt.Sprintf("n%c%c!", 'a'+i/26, 'a'+i%26)
	}
	return strings.Join(ops, "-")
}

// TestApply tells stories: a drawing, and what becomes of the runs that are offered in turn. A step
// is "run: outcome | heads | seq from which on the feed is disputed".
func TestApply(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			p := draw(t, 0, story.drawing)
			set := NewSet(vectorLog)
			for _, step := range story.steps {
				names, _, _ := strings.Cut(step, ":")
				out := apply(t, set, p.run(names))
				if got := names + ": " + told(p, set, out); got != step {
					t.Errorf("got  %s\nwant %s", got, step)
				}
			}
			checkSet(t, set)
		})
	}
}

// told says what became of a run as the steps of a story do.
func told(p picture, set *Set, out Outcome) string {
	outcome := out.Decision.String()
	switch {
	case errors.Is(out.Err, ErrInvalid):
		outcome = "rejected"
	case errors.Is(out.Err, ErrSignature) && out.Decision == Duplicate && out.Duplicates == 0:
		outcome = "unsigned" // there is no anchor: nothing of the run was looked at
	case errors.Is(out.Err, ErrSignature):
		outcome += ", the rest unsigned"
	case out.Err != nil:
		outcome = out.Err.Error()
	case out.Forked:
		outcome = "forked"
	}
	f, _ := set.Feed(out.Author)
	heads := p.heads(f.Heads())
	if heads != "" {
		heads += " "
	}
	from, forked := f.Disputed()
	if !forked {
		return fmt.Sprintf("%s | %s| -", outcome, heads)
	}
	return fmt.Sprintf("%s | %s| %d", outcome, heads, from)
}
