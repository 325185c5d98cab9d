package transition

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// wasPruned is the op of what the laws take for pruned: a transition that names it comes after that.
var wasPruned = crdt.OpID{2}

func lawPruned(a After) bool { return a.Op == wasPruned }

// drawTransitions makes up a set of transitions by three authors, in causal order: chains, concurrent
// and early ones, such as come after what was pruned or are left out, forks, clocks that are ahead, and
// malformed ones.
func drawTransitions(t *rapid.T) []taken {
	stages := []string{"draft", "accepted", "acepted", "final", "withdrawn", "nowhere"}
	var all []taken
	seqs := make(map[byte]uint64)
	for i := range rapid.IntRange(0, 14).Draw(t, "transitions") {
		var tr taken
		author := rapid.ByteRange(1, 3).Draw(t, "author")
		tr.Subject = rapid.SampledFrom([]string{"a", "a", "b", ""}).Draw(t, "subject")
		tr.Entry.Subject = tr.Subject
		tr.Entry.Author, tr.Entry.Seq, tr.Entry.Op = crdt.Author{author}, seqs[author], crdt.OpID(sha256.Sum256([]byte{byte(i)}))
		if rapid.IntRange(0, 5).Draw(t, "goes on") > 0 {
			seqs[author]++
		}
		tr.Entry.Clock = crdt.Clock(rapid.IntRange(1, 30).Draw(t, "clock"))
		tr.To = rapid.SampledFrom(stages).Draw(t, "to")
		earlier := slices.DeleteFunc(slices.Clone(all), func(o taken) bool { return o.Subject != tr.Subject })
		if len(earlier) > 0 && rapid.IntRange(0, 5).Draw(t, "names") > 0 {
			after := earlier[len(earlier)-1-rapid.IntRange(0, min(2, len(earlier)-1)).Draw(t, "after")]
			tr.After, tr.From = after.Place(), after.To
			if rapid.Bool().Draw(t, "later") {
				tr.Entry.Clock = after.Entry.Clock + crdt.Clock(rapid.IntRange(0, 2).Draw(t, "ticks"))
			}
		}
		switch rapid.IntRange(0, 12).Draw(t, "oddity") {
		case 0:
			tr.After = After{Seq: 1, Op: crdt.OpID{1}}
		case 1:
			tr.From = rapid.SampledFrom(stages).Draw(t, "from")
		case 2:
			tr.Malformed = errors.New("made so")
		case 3:
			tr.After = After{Seq: 1, Op: wasPruned}
		case 4, 5:
			tr.out = true
		}
		all = append(all, tr)
	}
	slices.SortStableFunc(all, func(a, b taken) int {
		return compareRanked(rank(a.Entry.Clock), a.Place(), rank(b.Entry.Clock), b.Place())
	})
	return all
}

// honest makes of drawn transitions such as have clocks that are true to cause and effect and authors
// that did not fork.
func honest(all []taken) []taken {
	seqs := make(map[crdt.Author]uint64)
	places := make(map[After]After)
	for i := range all {
		tr := &all[i]
		was := tr.Place()
		tr.Entry.Seq, tr.Entry.Clock = seqs[tr.Entry.Author], crdt.Clock(i+1)
		seqs[tr.Entry.Author]++
		places[was] = tr.Place()
		if after, known := places[tr.After]; known {
			tr.After = after
		} else if !lawPruned(tr.After) {
			tr.After = After{} // it stood behind
		}
	}
	return all
}

// source yields what of all is about some subjects, or all of it.
func source(all []taken) func(context.Context, []string, bool) iter.Seq2[taken, error] {
	return func(_ context.Context, subjects []string, _ bool) iter.Seq2[taken, error] {
		return func(yield func(taken, error) bool) {
			for _, tr := range all {
				if (len(subjects) == 0 || slices.Contains(subjects, tr.Subject)) && !yield(tr, nil) {
					return
				}
			}
		}
	}
}

// lawMachine is what the laws check against.
var lawMachine = machine.Machine{
	States:  []machine.State{{Name: "draft"}, {Name: "accepted", Aliases: []string{"acepted"}}, {Name: "final"}, {Name: "withdrawn"}},
	Moves:   []machine.Move{{From: "draft", To: "accepted"}, {From: "accepted", To: "final"}, {From: machine.Any, To: "withdrawn"}},
	Initial: []string{"draft"}, Terminal: []string{"final", "withdrawn"},
}

// told returns findings as lines, in their order.
func told(all []Finding) []string {
	slices.SortFunc(all, func(a, b Finding) int { return a.compare(&b) })
	var lines []string
	for _, f := range all {
		lines = append(lines, fmt.Sprintf("%s %s %s %v %s", f.Transition.Subject, f.Transition.Place(), f.Class, f.Others, f.Why))
	}
	return lines
}

// What a check finds while it holds one track for each subject is what it would find in whole histories.
func TestSurveyFindsWhatAWholeReplayDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawTransitions(t)
		c := newChecker(&lawMachine, 0)
		c.survey.causal, c.survey.pruned = source(all), lawPruned
		if err := c.run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		whole, err := replay(source(all)(context.Background(), nil, false), lawPruned)
		if err != nil {
			t.Fatal(err)
		}
		twin := newChecker(&lawMachine, 0)
		var contested []string
		for _, s := range whole.Subjects() {
			for i := range s.History {
				twin.step(&s.History[i])
			}
			if s.Contested() {
				contested = append(contested, s.Name)
			}
			track := c.survey.tracks[s.Name]
			if !track.tangled() {
				if diff := cmp.Diff(s.state(), track.state(s.Name), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("state of %s:\n%s", s.Name, diff)
				}
			}
		}
		for i := range whole.Malformed {
			twin.malformed(&whole.Malformed[i])
		}
		if diff := cmp.Diff(told(twin.findings.all), told(c.findings.all)); diff != "" {
			t.Fatalf("findings (-whole +survey):\n%s", diff)
		}
		r := c.report
		in := len(slices.DeleteFunc(slices.Clone(all), func(tr taken) bool { return tr.out }))
		if int(r.Transitions) != in || twin.report.Pruned != r.Pruned || r.Sound+r.Odd != r.Transitions || int(r.Subjects) != len(whole.Subjects()) || len(contested) != len(r.Contested) {
			t.Fatalf("%d transitions, contested %v: %+v", in, contested, r)
		}
		if diff := cmp.Diff(twin.edges, c.edges, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("edges:\n%s", diff)
		}
	})
}

// The same set gives the same findings and the same states, in whatever order it arrived.
func TestFindingsDependOnTheSetAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawTransitions(t)
		seed := rapid.Uint64().Draw(t, "shuffle")
		results := make([][]string, 2)
		for i := range results {
			whole, err := replay(source(all)(context.Background(), nil, false), lawPruned)
			if err != nil {
				t.Fatal(err)
			}
			c := newChecker(&lawMachine, 0)
			for _, s := range whole.Subjects() {
				for j := range s.History {
					c.step(&s.History[j])
				}
				results[i] = append(results[i], fmt.Sprint(s.state()))
			}
			results[i] = append(results[i], told(c.findings.all)...)
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
		}
		if diff := cmp.Diff(results[0], results[1]); diff != "" {
			t.Fatalf("the order matters:\n%s", diff)
		}
	})
}

// A prune makes nothing odd that was not: what is left has the findings that it had, or fewer.
func TestAPruneMakesNothingOdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := honest(drawTransitions(t))
		floors := map[byte]uint64{}
		for author := byte(1); author <= 3; author++ {
			floors[author] = rapid.Uint64Range(0, 6).Draw(t, "floor")
		}
		below := func(a After) bool { return a.Seq < floors[a.Author[0]] }
		left := slices.DeleteFunc(slices.Clone(all), func(tr taken) bool { return below(tr.Place()) })
		odd := func(all []taken, pruned func(After) bool) map[string]bool {
			whole, err := replay(source(all)(context.Background(), nil, false), pruned)
			if err != nil {
				t.Fatal(err)
			}
			c := newChecker(&lawMachine, 0)
			for _, s := range whole.Subjects() {
				for j := range s.History {
					c.step(&s.History[j])
				}
			}
			found := map[string]bool{}
			for _, f := range c.findings.all {
				if f.Class == Forked {
					f.Class = Concurrent // the others of another author may be gone
				}
				found[fmt.Sprint(f.Transition.Place(), f.Class)] = true
			}
			return found
		}
		before := odd(all, lawPruned)
		for found := range odd(left, func(a After) bool { return lawPruned(a) || below(a) }) {
			if !before[found] {
				t.Fatalf("%s is odd since the prune", found)
			}
		}
	})
}

// A prune that comes between the two readings of a survey takes a part of what it has seen: the rest is
// said, each once.
func TestASurveyThatAPruneOvertakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := honest(drawTransitions(t))
		floor := rapid.Uint64Range(0, 6).Draw(t, "floor")
		below := func(a After) bool { return a.Author == crdt.Author{1} && a.Seq < floor }
		left := slices.DeleteFunc(slices.Clone(all), func(tr taken) bool { return below(tr.Place()) })
		readings := 0
		c := newChecker(&lawMachine, 0)
		c.survey.pruned = func(a After) bool { return lawPruned(a) || readings > 1 && below(a) }
		c.survey.causal = func(ctx context.Context, subjects []string, beyond bool) iter.Seq2[taken, error] {
			if readings++; readings > 1 {
				return source(left)(ctx, subjects, beyond)
			}
			return source(all)(ctx, subjects, beyond)
		}
		if err := c.run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		least := len(slices.DeleteFunc(slices.Clone(left), func(tr taken) bool { return tr.out }))
		most := len(slices.DeleteFunc(slices.Clone(all), func(tr taken) bool { return tr.out }))
		if r := c.report; int(r.Transitions) < least || int(r.Transitions) > most || r.Sound+r.Odd != r.Transitions {
			t.Fatalf("%d to %d transitions: %+v", least, most, r)
		}
	})
}
