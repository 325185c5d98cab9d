package transition

import (
	"math"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// AppendAll is [AppendEvents] inside an Update of the caller's, which appends no transition after it.
// It reads whatever has arrived since the last transition, see [CatchUp].
func AppendAll(tx *eventlog.Tx, events []crdt.Event) ([]crdt.Place, error) {
	p := openProjection(tx)
	if _, err := p.catchUp(math.MaxInt); err != nil {
		return nil, err
	}
	return p.appendAll(events)
}
