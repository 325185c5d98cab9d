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

// drawTransitions makes up a set of transitions by three authors, in causal order: chains, concurrent
// and early ones, forks, clocks that are ahead, and malformed ones.
func drawTransitions(t *rapid.T) []Transition {
	stages := []string{"draft", "accepted", "acepted", "final", "withdrawn", "nowhere"}
	var all []Transition
	seqs := make(map[byte]uint64)
	for i := range rapid.IntRange(0, 14).Draw(t, "transitions") {
		var tr Transition
		author := rapid.ByteRange(1, 3).Draw(t, "author")
		tr.Subject = rapid.SampledFrom([]string{"a", "a", "b", ""}).Draw(t, "subject")
		tr.Entry.Subject = tr.Subject
		tr.Entry.Author, tr.Entry.Seq, tr.Entry.Op = crdt.Author{author}, seqs[author], crdt.OpID(sha256.Sum256([]byte{byte(i)}))
		if rapid.IntRange(0, 5).Draw(t, "goes on") > 0 {
			seqs[author]++
		}
		tr.Entry.Clock = crdt.Clock(rapid.IntRange(1, 30).Draw(t, "clock"))
		tr.To = rapid.SampledFrom(stages).Draw(t, "to")
		earlier := slices.DeleteFunc(slices.Clone(all), func(o Transition) bool { return o.Subject != tr.Subject })
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
		}
		all = append(all, tr)
	}
	slices.SortStableFunc(all, func(a, b Transition) int {
		return compareRanked(rank(a.Entry.Clock), a.Place(), rank(b.Entry.Clock), b.Place())
	})
	return all
}

// source yields what of all is about some subjects, or all of it.
func source(all []Transition) func(context.Context, []string) iter.Seq2[Transition, error] {
	return func(_ context.Context, subjects []string) iter.Seq2[Transition, error] {
		return func(yield func(Transition, error) bool) {
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
		c.survey.causal = source(all)
		if err := c.run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		whole, err := replay(source(all)(context.Background(), nil))
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
		if int(r.Transitions) != len(all) || r.Sound+r.Odd != r.Transitions || int(r.Subjects) != len(whole.Subjects()) || len(contested) != len(r.Contested) {
			t.Fatalf("%d transitions, contested %v: %+v", len(all), contested, r)
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
			whole, err := replay(source(all)(context.Background(), nil))
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
