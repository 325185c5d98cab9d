package transition

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/quipulog/quipu/eventlog"
)

// Replay is what all transitions of a log together say. Two nodes that hold the same set of entries
// have the same replay, but for the offsets of the entries.
type Replay struct {
	subjects map[string]*Subject
	// Malformed are the entries of kind [Kind] whose payloads cannot be read, in causal order. They moved
	// nothing.
	Malformed []Transition
}

// Subject is one subject: where it is and how it came there.
type Subject struct {
	Name string
	// Stage is the stage that the last transition moved the subject to.
	Stage string
	// Open are, in the order of the history, the transitions that may each have the last word: the last
	// one, and those before it that the last one's writer may not have seen. There is one unless the
	// subject is contested, and none without history.
	Open []Candidate
	// History holds every transition of the subject in causal order, but none before a transition that it
	// names.
	History []Step
}

// Candidate is a transition that may have the last word on its subject, and the stage that it moved the
// subject to.
type Candidate struct {
	Place After
	Stage string
}

// Contested reports whether transitions whose writers may not have seen each other's have moved the subject
// to different stages, and nobody has moved the subject on in knowledge of the last one. Stage is then one
// of those of Open.
func (s *Subject) Contested() bool { return contested(s.Open) }

func contested(open []Candidate) bool {
	return slices.ContainsFunc(open, func(c Candidate) bool { return c.Stage != open[0].Stage })
}

// Step is a transition in the history of its subject, with how it fits what stands before it.
type Step struct {
	Transition
	// Stage is the stage that the subject was in. Where that is not From, the move does not follow.
	Stage string
	// Seen is the stage that the writer had seen: that to which the transition named by After moved the
	// subject; "" where After names none, or one that is not here.
	Seen string
	// Unseen are the transitions that were open when this one came and that its writer did not move on
	// from: all but the one that it names. It is empty where this one names the last before it.
	Unseen []After
	// Concurrent are the transitions of the subject that go on from the same transition, this one among
	// them, in the order of the history: none of their writers had seen another's. It is empty where this
	// is the only one. Steps share the slice.
	Concurrent []After
	// Early says that the transition that After names is not here yet.
	Early bool
	// Pruned says that the transition from which this one goes on was pruned, which is nothing odd. Only
	// the writer's word then says where the subject was: Stage and Seen are From. Transitions before this
	// one in the history that do not go on from the same transition are taken for seen by its writer, since
	// nothing says otherwise.
	Pruned bool

	// from is the transition that it goes on from: the one that After names, or, where the bounds leave
	// that out, the nearest within that it leads back to.
	from After
	rank rank
}

// Follows reports whether the move begins at Stage.
func (s Step) Follows() bool { return s.From == s.Stage }

// ReplayLog replays the transitions of the log; see [ReplayAt].
func ReplayLog(ctx context.Context, log *eventlog.Log) (*Replay, error) {
	return ReplayAt(ctx, log, Bounds{})
}

// ReplayAt replays the transitions within bounds. It holds all of them in memory; [States] and [CheckLog]
// do not.
func ReplayAt(ctx context.Context, log *eventlog.Log, b Bounds) (*Replay, error) {
	w, err := newWithin(ctx, log, b)
	if err != nil {
		return nil, fmt.Errorf("replay transitions: %w", err)
	}
	r, err := replay(w.causal(ctx, b.Subjects, b.Clock != 0), w.pruned)
	if err != nil {
		return nil, fmt.Errorf("replay transitions: %w", err)
	}
	return r, nil
}

// replay replays transitions that come in causal order; pruned reports whether one that is not among them
// was pruned.
func replay(all iter.Seq2[taken, error], pruned func(After) bool) (*Replay, error) {
	r := &Replay{subjects: make(map[string]*Subject)}
	out := make(map[After]leftOut)
	for t, err := range all {
		switch {
		case err != nil:
			return nil, err
		case !t.out:
			r.add(t.Clone())
		case t.Malformed == nil:
			out[t.Place()] = leftOut{after: t.After, to: strings.Clone(t.To)}
		}
	}
	for _, s := range r.subjects {
		s.goOn(out, pruned)
		s.order()
		s.move()
		s.nameConcurrent()
	}
	return r, nil
}

// Subjects returns the subjects by name, in order.
func (r *Replay) Subjects() []*Subject {
	names := slices.Sorted(maps.Keys(r.subjects))
	subjects := make([]*Subject, len(names))
	for i, name := range names {
		subjects[i] = r.subjects[name]
	}
	return subjects
}

// Subject returns the subject called name. A subject that no transition names has no history.
func (r *Replay) Subject(name string) *Subject {
	if s := r.subjects[name]; s != nil {
		return s
	}
	return &Subject{Name: name}
}

func (r *Replay) add(t Transition) {
	if t.Malformed != nil {
		r.Malformed = append(r.Malformed, t)
		return
	}
	s := r.subjects[t.Subject]
	if s == nil {
		s = &Subject{Name: t.Subject}
		r.subjects[t.Subject] = s
	}
	s.History = append(s.History, Step{Transition: t})
}

// leftOut is a transition that the bounds leave out.
type leftOut struct {
	after After
	to    string
}

// goOn says of each step what it goes on from, and whether that is not here.
func (s *Subject) goOn(out map[After]leftOut, pruned func(After) bool) {
	here := make(map[After]bool, len(s.History))
	for i := range s.History {
		here[s.History[i].Place()] = true
	}
	for i := range s.History {
		step := &s.History[i]
		step.from, step.Seen = step.After, out[step.After].to
		for next, left := out[step.from]; left; next, left = out[step.from] {
			step.from = next.after // which ends: none leads back to itself, for an id is a hash
		}
		if !step.from.IsZero() && !here[step.from] {
			step.Pruned = pruned(step.from)
			step.Early = !step.Pruned && step.from == step.After
		}
	}
}

// order sorts the history by rank.
func (s *Subject) order() {
	at := make(map[After]int, len(s.History))
	for i := range s.History {
		at[s.History[i].Place()] = i
	}
	ranks := make(map[After]rank, len(s.History))
	var chain []int // of transitions, each of which names the next; none names itself, for an id is a hash
	for i := range s.History {
		for found := true; found; {
			step := &s.History[i]
			if _, ranked := ranks[step.Place()]; ranked {
				break
			}
			chain = append(chain, i)
			i, found = at[step.from]
		}
		for ; len(chain) > 0; chain = chain[:len(chain)-1] {
			step := &s.History[chain[len(chain)-1]]
			ranks[step.Place()] = rankOf(step.Transition, ranks[step.from])
		}
	}
	for i := range s.History {
		s.History[i].rank = ranks[s.History[i].Place()]
	}
	slices.SortFunc(s.History, func(a, b Step) int { return compareRanked(a.rank, a.Place(), b.rank, b.Place()) })
}

// move goes through the history from stage to stage. A transition that goes on from the last one before it
// has the last word. One that goes on from another leaves the last one open: its writer had not seen that.
//
//	draft ─┬─ accepted ─── final
//	       └─ withdrawn
//
// In the order draft, accepted, withdrawn, final there are open: draft; accepted; accepted and
// withdrawn; withdrawn and final, since final names accepted.
func (s *Subject) move() {
	stages := make(map[After]string, len(s.History))
	from := make(map[After]After, len(s.History))
	var last After
	for i := range s.History {
		step := &s.History[i]
		step.Stage = s.Stage
		if step.Pruned {
			step.Stage = step.From
		}
		switch {
		case step.from != step.After: // what its writer had seen is left out: see goOn
		case step.Pruned:
			step.Seen = step.From
		default:
			step.Seen = stages[step.from]
		}
		s.Open = slices.DeleteFunc(s.Open, func(c Candidate) bool {
			return step.from == last || c.Place == step.from || step.Pruned && from[c.Place] != step.from
		})
		for _, c := range s.Open {
			step.Unseen = append(step.Unseen, c.Place)
		}
		last = step.Place()
		from[last] = step.from
		s.Open = append(s.Open, Candidate{Place: last, Stage: step.To})
		stages[last] = step.To
		s.Stage = step.To
	}
}

// nameConcurrent says of each step which others go on from the same one.
func (s *Subject) nameConcurrent() {
	naming := make(map[After][]After, len(s.History))
	for _, step := range s.History {
		naming[step.from] = append(naming[step.from], step.Place())
	}
	for i := range s.History {
		if all := naming[s.History[i].from]; len(all) > 1 {
			s.History[i].Concurrent = all
		}
	}
}
