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
// Most subjects are chains: in causal order, each of their transitions names the one before, and what
// is to be said of it can be said at once. A subject is tangled from the first transition on that names
// another: it is concurrent, or early, or was written behind a clock that is ahead. What came before
// stays as it was said, since all that comes later in causal order ranks above it. The tangled subjects
// are read again, by name and some at a time, and replayed whole.
type survey struct {
	// causal yields the transitions of some subjects, or of all when none is given, in causal order.
	causal func(ctx context.Context, subjects []string) iter.Seq2[Transition, error]
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
	rank  rank
	stage string
	// moves counts the transitions, chain those of them before the subject was tangled.
	moves, chain int
}

func (t *track) tangled() bool { return t.chain < t.moves }

// run goes through the transitions of some subjects, or of all, once.
func (s *survey) run(ctx context.Context, subjects []string) error {
	s.tracks = make(map[string]*track)
	for t, err := range s.causal(ctx, subjects) {
		if err != nil {
			return err
		}
		if t.Malformed != nil {
			if s.malformed != nil {
				s.malformed(&t)
			}
			continue
		}
		s.take(t)
	}
	return nil
}

func (s *survey) take(t Transition) {
	known := s.tracks[t.Subject]
	if known == nil {
		known = new(track)
		s.tracks[strings.Clone(t.Subject)] = known
	}
	tangled := known.tangled()
	known.moves++
	if tangled || t.After != known.last || rank(t.Entry.Clock) <= known.rank {
		return
	}
	step := Step{Transition: t, Stage: known.stage, Seen: known.stage, rank: rank(t.Entry.Clock)}
	if s.chained != nil {
		s.chained(&step)
	}
	known.chain++
	known.last, known.place, known.time, known.rank = t.Place(), t.Entry.Entry.Place(), t.Entry.Time, step.rank
	if known.stage != t.To {
		known.stage = strings.Clone(t.To)
	}
}

// tangled yields the tangled subjects by name, each with its whole history.
func (s *survey) tangled(ctx context.Context) iter.Seq2[*Subject, error] {
	return func(yield func(*Subject, error) bool) {
		names := slices.Sorted(maps.Keys(s.tracks))
		names = slices.DeleteFunc(names, func(name string) bool { return !s.tracks[name].tangled() })
		for len(names) > 0 {
			n, moves := 0, 0
			for n < len(names) && (n == 0 || moves+s.tracks[names[n]].moves <= maxHeld) {
				moves += s.tracks[names[n]].moves
				n++
			}
			r, err := replay(s.causal(ctx, names[:n]))
			if err != nil {
				yield(nil, err)
				return
			}
			for _, name := range names[:n] {
				if !yield(r.Subject(name), nil) {
					return
				}
			}
			names = names[n:]
		}
	}
}
