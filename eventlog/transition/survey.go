package transition

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// maxHeld is how many transitions of tangled subjects are replayed at a time, unless one subject alone
// has more.
const maxHeld = 1 << 16

// A survey goes through all transitions and holds one track for each subject, not their histories.
//
// Most subjects are chains: in causal order, each of their transitions names the one before, the first
// none or one that was pruned, and what is to be said of it can be said at once. A subject is tangled from
// the first transition on that names another: it is concurrent, or early, or was written behind a clock
// that is ahead. What came before
// stays as it was said, since all that comes later in causal order ranks above it. The tangled subjects
// are read again, by name and some at a time, and replayed whole.
type survey struct {
	// causal yields the transitions of some subjects, or of all when none is given, in causal order.
	causal func(ctx context.Context, subjects []string, beyond bool) iter.Seq2[taken, error]
	pruned func(After) bool
	tracks map[string]*track

	// chained is called with each step of a chain in causal order, malformed with each malformed
	// transition. They keep nothing that they do not clone. Nil ones are not called.
	chained   func(*Step)
	malformed func(*Transition)
}

// track is what is kept of a subject.
type track struct {
	last  After
	place crdt.Place // of last, with its branch where it is disputed
	time  time.Time
	stage string
	// end is the end of the chain, with its rank and where it led: last, or one after it that the bounds
	// leave out.
	end  After
	rank rank
	seen string
	// pruned says that the chain begins after a transition that was pruned.
	pruned bool
	// moves counts the transitions, chain those of them before the subject was tangled, and out those
	// that the bounds leave out.
	moves, chain, out int
}

func (t *track) tangled() bool { return t.chain < t.moves }

// rest returns the steps of a tangled subject that come after its chain, of which a prune that has overtaken
// the survey may have taken a part.
func (t *track) rest(s *Subject) []Step {
	for i := range s.History {
		step := &s.History[i]
		if compareRanked(step.rank, step.Place(), t.rank, t.end) > 0 {
			return s.History[i:]
		}
	}
	return nil
}

// held is how many transitions a replay of the subject holds.
func (t *track) held() int { return t.moves + t.out }

// run goes through the transitions of some subjects, or of all, once.
func (s *survey) run(ctx context.Context, subjects []string) error {
	s.tracks = make(map[string]*track)
	for t, err := range s.causal(ctx, subjects, false) {
		if err != nil {
			return err
		}
		if t.Malformed != nil {
			if s.malformed != nil && !t.out {
				s.malformed(&t.Transition)
			}
			continue
		}
		s.take(t)
	}
	maps.DeleteFunc(s.tracks, func(_ string, t *track) bool { return t.moves == 0 })
	return nil
}

func (s *survey) take(t taken) {
	known := s.tracks[t.Subject]
	if known == nil {
		known = new(track)
		s.tracks[strings.Clone(t.Subject)] = known
	}
	goesOn := !known.tangled() && rank(t.Entry.Clock) > known.rank && s.goesOn(known, t.After)
	if t.out {
		known.out++
	} else {
		known.moves++
	}
	if !goesOn {
		return
	}
	step := Step{Transition: t.Transition, Stage: known.stage, Seen: known.seen}
	switch {
	case t.After == known.last:
		step.Seen = known.stage
	case known.end.IsZero():
		step.Seen = t.From // its writer's word
	}
	known.end, known.rank = t.Place(), rank(t.Entry.Clock)
	if known.seen != t.To {
		known.seen = strings.Clone(t.To)
	}
	if t.out {
		return
	}
	step.rank = known.rank
	if known.chain == 0 && known.pruned {
		step.Pruned, step.Stage = true, t.From
	}
	if s.chained != nil {
		s.chained(&step)
	}
	known.chain++
	known.last, known.place, known.time = known.end, t.Entry.Entry.Place(), t.Entry.Time
	known.stage = known.seen
}

// goesOn reports whether a transition after the given one goes on where the chain of a subject ends, or
// begins it.
func (s *survey) goesOn(known *track, after After) bool {
	if known.end.IsZero() && !after.IsZero() {
		known.pruned = s.pruned(after)
		return known.pruned
	}
	return after == known.end || known.chain > 0 && after == known.last
}

// tangled yields the tangled subjects by name, each with its whole history.
func (s *survey) tangled(ctx context.Context) iter.Seq2[*Subject, error] {
	return func(yield func(*Subject, error) bool) {
		names := slices.Sorted(maps.Keys(s.tracks))
		names = slices.DeleteFunc(names, func(name string) bool { return !s.tracks[name].tangled() })
		for len(names) > 0 {
			n, moves := 0, 0
			for n < len(names) && (n == 0 || moves+s.tracks[names[n]].held() <= maxHeld) {
				moves += s.tracks[names[n]].held()
				n++
			}
			r, err := replay(s.causal(ctx, names[:n], true), s.pruned)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, name := range names[:n] {
				if s := r.subjects[name]; s != nil && !yield(s, nil) { // nil where a prune was faster
					return
				}
			}
			names = names[n:]
		}
	}
}
