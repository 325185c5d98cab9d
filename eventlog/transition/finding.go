package transition

import (
	"cmp"
	"slices"
)

// Class says in what way a transition is odd.
type Class string

// The classes, in the order in which the findings of one transition come.
const (
	// Malformed is a transition whose payload cannot be read. It moved nothing.
	Malformed Class = "malformed"
	// UnknownState is a move from or to a stage that is no state of the machine, by name or alias.
	UnknownState Class = "unknown-state"
	// BadBeginning is a first move to a state that is not initial.
	BadBeginning Class = "bad-beginning"
	// AfterEnd is a move out of a terminal state.
	AfterEnd Class = "after-end"
	// Illegal is a move between two states that the machine does not allow.
	Illegal Class = "illegal"
	// WrongTrigger is a move that the machine allows for other triggers.
	WrongTrigger Class = "wrong-trigger"
	// DoesNotFollow is a move from a stage that the subject was not in, as far as the move's writer knew.
	DoesNotFollow Class = "does-not-follow"
	// Concurrent is a move whose writer had not seen another author's move.
	Concurrent Class = "concurrent"
	// Forked is a move beside another of the same author, from which it does not go on.
	Forked Class = "forked"
	// Early is a move that names a transition that is not here.
	Early Class = "early"
)

// Classes returns all classes in their order.
func Classes() []Class {
	return []Class{
		Malformed, UnknownState, BadBeginning, AfterEnd, Illegal, WrongTrigger,
		DoesNotFollow, Concurrent, Forked, Early,
	}
}

// Finding is one thing that is odd about one transition.
type Finding struct {
	Class Class
	// Transition is the odd transition, without its entry's payload.
	Transition Transition
	// Others are the transitions before this one in the history of its subject with which it is concurrent,
	// or the one that it names and that is not here.
	Others []After
	// Why says what is odd. Expected says what was expected instead; it is empty where nothing was.
	Why, Expected string

	rank rank
}

// compare is the order of findings: by subject, by place in its history, by class.
func (f *Finding) compare(o *Finding) int {
	return cmp.Or(
		cmp.Compare(f.Transition.Subject, o.Transition.Subject),
		compareRanked(f.rank, f.Transition.Place(), o.rank, o.Transition.Place()),
		cmp.Compare(slices.Index(Classes(), f.Class), slices.Index(Classes(), o.Class)),
	)
}

// findings keeps the first of many findings, by their order.
type findings struct {
	most  int
	all   []Finding
	total uint64
}

func (fs *findings) add(f Finding) {
	fs.total++
	f.Transition = f.Transition.Clone()
	f.Transition.Entry.Payload = nil
	if fs.all = append(fs.all, f); len(fs.all) >= 2*fs.most {
		fs.cut()
	}
}

// cut sorts the findings and drops those past the most.
func (fs *findings) cut() {
	slices.SortFunc(fs.all, func(a, b Finding) int { return a.compare(&b) })
	if len(fs.all) > fs.most {
		clear(fs.all[fs.most:])
		fs.all = fs.all[:fs.most]
	}
}
