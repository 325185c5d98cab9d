package transition

import (
	"fmt"
	"math"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/transition/machine"
)

// The functions whose names end in Tx append inside an Update of the caller's. They first take into the
// projection whatever has arrived since the last transition, see [CatchUp].

// AppendTx appends a move if the machine, which is valid, allows the move from the stage that the log says
// the subject is in; else it returns a [*RefusedError]. Looking and moving are one transaction: nothing on
// this node comes in between. What another node has written and this node does not hold yet is not looked
// at: a replay names such moves as concurrent. A nil machine takes every move.
//
// A move with a From is refused where the subject is in another stage.
func AppendTx(tx *eventlog.Tx, m *machine.Machine, move Move) (crdt.Place, error) {
	e, err := move.Event()
	if err != nil {
		return crdt.Place{}, fmt.Errorf("append transition: %w", err)
	}
	p, err := caughtUp(tx)
	if err != nil {
		return crdt.Place{}, err
	}
	if m != nil {
		l, err := p.last(move.Subject)
		if err != nil {
			return crdt.Place{}, err
		}
		if refused := refuse(m, l.stage, &move); refused != nil {
			return crdt.Place{}, refused
		}
	}
	return p.append(e, true)
}

// AppendEventTx is [AppendEvents] for one event. It ends the op that holds the event, see
// [eventlog.Tx.Seal].
func AppendEventTx(tx *eventlog.Tx, e crdt.Event) (crdt.Place, error) {
	p, err := caughtUp(tx)
	if err != nil {
		return crdt.Place{}, err
	}
	return p.append(e, true)
}

// AppendEventsTx is [AppendEvents] for an Update that appends no transition and asks for no [Stage]
// afterwards, so that its ops can hold many events.
func AppendEventsTx(tx *eventlog.Tx, events []crdt.Event) ([]crdt.Place, error) {
	p, err := caughtUp(tx)
	if err != nil {
		return nil, err
	}
	return p.appendAll(events)
}

// caughtUp returns the projection with all that has arrived.
func caughtUp(tx *eventlog.Tx) (projection, error) {
	p := openProjection(tx)
	_, err := p.catchUp(math.MaxInt)
	return p, err
}
