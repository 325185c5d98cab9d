package transition

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// RefusedError is returned by [AppendTx] for a move that the machine does not allow.
type RefusedError struct {
	// Subject is what was to be moved, Stage the stage that it is in, "" for none, and To the stage that it
	// was to move to.
	Subject, Stage, To string
	// Class and Why are those of the finding that a check of the move would have made.
	Class Class
	Why   string
	// Allowed are the moves that the machine allows from Stage, in the order in which the machine declares
	// the states that they lead to.
	Allowed []AllowedMove
}

// AllowedMove is a move that a machine allows: to a stage, by any of some triggers; no triggers means any.
type AllowedMove struct {
	To       string
	Triggers []string
}

// Error says what is wrong with the move, and which moves are allowed.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%q stays in %s: %s; allowed from there: %s", clip.Text(e.Subject), stageOrNone(e.Stage), e.Why, e.allowed())
}

// allowed returns the allowed moves in a line, the first few if there are many.
func (e *RefusedError) allowed() string {
	moves := clip.List(e.Allowed, 12, func(m AllowedMove) string {
		move := strconv.Quote(m.To)
		if len(m.Triggers) > 0 {
			move += " (by " + oneOf(m.Triggers) + ")"
		}
		return move
	})
	return cmp.Or(moves, "no move")
}

// refuse says why the machine does not allow a move of a subject that is in the given stage, or nil.
func refuse(m *machine.Machine, stage string, move *Move) error {
	from := stage
	if move.From != nil {
		from = *move.From
	}
	step := Step{Transition: Transition{Subject: move.Subject, From: from, To: move.To, Trigger: move.Trigger}}
	var found *Finding
	j := judge{m: m, step: &step, say: func(f Finding) {
		if found == nil {
			found = &f
		}
	}}
	if !j.same(from, stage) {
		j.finding(DoesNotFollow, "", "the move begins in %s", stageOrNone(from))
	}
	j.move()
	if found == nil {
		return nil
	}
	refused := &RefusedError{Subject: move.Subject, Stage: stage, To: move.To, Class: found.Class, Why: found.Why}
	if found.Class == UnknownState {
		refused.Why += ", expected " + found.Expected
	}
	state, spelling := m.Resolve(stage)
	if stage != "" && spelling == machine.Unknown {
		return refused // nothing leads away from what is no state
	}
	for _, to := range m.Next(state) {
		refused.Allowed = append(refused.Allowed, AllowedMove{To: to, Triggers: m.Triggers(state, to)})
	}
	return refused
}
