package transition

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// State is where a subject is.
type State struct {
	Subject string
	// Stage is the stage that the last transition moved the subject to. Open are the transitions that may
	// each have the last word, see [Subject].
	Stage string
	Open  []Candidate
	// Place and Time are those of the last transition.
	Place crdt.Place
	Time  time.Time
	// Moves counts the subject's transitions, Concurrent those that are concurrent with another.
	Moves, Concurrent int
	// Pruned says that transitions of the subject were pruned: Moves does not count them.
	Pruned bool
}

// Contested reports whether the subject may be in another stage, see [Subject.Contested].
func (s *State) Contested() bool { return contested(s.Open) }

// States yields, by name, where each subject is within bounds. It holds a few hundred bytes for each
// subject, and no histories but those of 65,536 transitions at a time whose order is not plain. Subjects of
// which all transitions are malformed or were pruned are left out: [eventlog.Log.Gone] says how much that
// may be.
func States(ctx context.Context, log *eventlog.Log, b Bounds) iter.Seq2[State, error] {
	return func(yield func(State, error) bool) {
		states, tracks, err := findStates(ctx, log, b)
		if err != nil {
			yield(State{}, fmt.Errorf("find states: %w", err))
			return
		}
		for _, name := range slices.Sorted(maps.Keys(tracks)) {
			state, tangled := states[name]
			if !tangled && tracks[name].chain == 0 {
				continue // pruned meanwhile
			}
			if !tangled {
				state = tracks[name].state(name)
			}
			if !yield(state, nil) {
				return
			}
		}
	}
}

// findStates returns the states of the tangled subjects, and the tracks of all.
func findStates(ctx context.Context, log *eventlog.Log, b Bounds) (map[string]State, map[string]*track, error) {
	w, err := newWithin(ctx, log, b)
	if err != nil {
		return nil, nil, err
	}
	s := survey{causal: w.causal, pruned: w.pruned}
	if err := s.run(ctx, b.Subjects); err != nil {
		return nil, nil, err
	}
	states := make(map[string]State)
	for subject, err := range s.tangled(ctx) {
		if err != nil {
			return nil, nil, err
		}
		states[subject.Name] = subject.state()
	}
	return states, s.tracks, nil
}

// state returns where a subject is whose transitions are a chain.
func (t *track) state(name string) State {
	return State{
		Subject: name, Stage: t.stage, Open: []Candidate{{Place: t.last, Stage: t.stage}},
		Place: t.place, Time: t.time, Moves: t.moves, Pruned: t.pruned,
	}
}

// state returns where a subject is that has a history.
func (s *Subject) state() State {
	last := &s.History[len(s.History)-1]
	state := State{
		Subject: s.Name, Stage: s.Stage, Open: s.Open,
		Place: last.Entry.Entry.Place(), Time: last.Entry.Time, Moves: len(s.History),
	}
	for _, step := range s.History {
		if len(step.Concurrent) > 0 {
			state.Concurrent++
		}
		state.Pruned = state.Pruned || step.Pruned
	}
	return state
}
