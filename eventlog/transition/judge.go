package transition

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// judge says what is odd about one step.
type judge struct {
	m    *machine.Machine
	step *Step
	say  func(Finding)
}

func (j *judge) finding(class Class, expected, why string, args ...any) {
	j.say(Finding{Class: class, Transition: j.step.Transition, Why: fmt.Sprintf(why, args...), Expected: expected, rank: j.step.rank})
}

// move holds the move, as its writer says it, against the machine.
func (j *judge) move() {
	s := j.step
	from, fromSpelling := j.m.Resolve(s.From)
	to, toSpelling := j.m.Resolve(s.To)
	if s.From == "" {
		fromSpelling = machine.Proper
	}
	j.spelling(s.From, fromSpelling)
	j.spelling(s.To, toSpelling)
	if fromSpelling == machine.Unknown || toSpelling == machine.Unknown {
		return
	}
	if respells(from, fromSpelling, to, toSpelling) {
		return
	}
	switch j.m.Judge(from, to, s.Trigger) {
	case machine.Allowed:
	case machine.NotABeginning:
		j.finding(BadBeginning, oneOf(j.m.Initial), "it begins in %q", to)
	case machine.AfterEnd:
		j.finding(AfterEnd, "no move", "%q is terminal, and it moves on to %q", from, to)
	case machine.Undeclared:
		j.finding(Illegal, oneOf(j.m.Next(from)), "no move leads from %q to %q", from, to)
	case machine.WrongTrigger:
		j.finding(WrongTrigger, oneOf(j.m.Triggers(from, to)), "it is moved from %q to %q by %q", from, to, clip.Text(s.Trigger))
	}
}

// respells reports whether a move leads from a state to the same one by another spelling.
func respells(from string, fromSpelling machine.Spelling, to string, toSpelling machine.Spelling) bool {
	return from == to && (fromSpelling == machine.Alias || toSpelling == machine.Alias)
}

// spelling says of a stage that no state goes by that name, nor by that alias.
func (j *judge) spelling(name string, spelling machine.Spelling) {
	if spelling != machine.Unknown {
		return
	}
	expected := "one of the states"
	if near := j.m.Nearest(name); near != "" {
		expected = "perhaps " + strconv.Quote(near)
	}
	j.finding(UnknownState, expected, "%q is no state", clip.Text(name))
}

// place says what is odd about where the step stands in its history.
func (j *judge) place() {
	s := j.step
	if s.Early {
		j.finding(Early, "the transition that it comes after", "it comes after %s, which is not here or cannot be read", s.After)
	} else if !j.same(s.From, s.Seen) {
		j.finding(DoesNotFollow, stageOrNone(s.Seen), "it moves from %s, and the subject was in %s as far as its writer knew", stageOrNone(s.From), stageOrNone(s.Seen))
	}
	others := j.others()
	if len(others) == 0 {
		return
	}
	f := Finding{Class: Forked, Transition: s.Transition, Others: others, rank: s.rank}
	f.Why = fmt.Sprintf("its writer, the author of %s as well, wrote both without going on from it", texts(others))
	for _, o := range others {
		if o.Author != s.Entry.Author {
			f.Class, f.Why = Concurrent, "its writer had not seen "+texts(others)
		}
	}
	j.say(f)
}

// same reports whether two stages are the same state, if need be by an alias.
func (j *judge) same(a, b string) bool {
	if a == b {
		return true
	}
	a, _ = j.m.Resolve(a)
	b, _ = j.m.Resolve(b)
	return a == b
}

// others returns the transitions before the step that its writer did not go on from: those that go on from
// the same one, and those that were open. Of what an early one comes after, only the first is known.
func (j *judge) others() []After {
	s := j.step
	var others []After
	if i := slices.Index(s.Concurrent, s.Place()); i > 0 {
		others = slices.Clone(s.Concurrent[:i])
	}
	if s.Early {
		return others
	}
	for _, open := range s.Unseen {
		if !slices.Contains(others, open) {
			others = append(others, open)
		}
	}
	return others
}

// texts returns the places of some transitions, the first few if there are many.
func texts(all []After) string {
	return clip.List(all, 4, func(a After) string {
		return a.Author.Short() + "/" + strings.TrimPrefix(a.String(), a.Author.String()+"/")
	})
}

func stageOrNone(stage string) string {
	if stage == "" {
		return "no stage"
	}
	return strconv.Quote(stage)
}

// oneOf returns the names in quotes, the first few if there are many; "nothing" for none.
func oneOf(names []string) string { return cmp.Or(clip.List(names, 12, strconv.Quote), "nothing") }
