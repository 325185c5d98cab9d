package transition

import (
	"fmt"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
)

// Stage returns the stage that a subject is in: that of its last transition in causal order, "" for a
// subject that the log does not know. It takes a transaction of either kind. In an Update, what that Update
// has appended counts, and a move that follows is appended in knowledge of it.
//
// A transition that was pruned here after the projection took it in still counts: a node that joined later
// may know less.
//
// Stage first reads what has arrived since this node last appended a transition or called [CatchUp]: a
// program that only reads calls CatchUp now and then.
func Stage(tx eventlog.Reader, subject string) (string, error) {
	r := tx.Reading()
	records := records{bucket: r.Bucket(Kind)}
	appended, err := records.get(appendedRecord, subject)
	if err != nil {
		return "", err
	}
	l, err := records.get(arrivedRecord, subject)
	if err != nil {
		return "", err
	}
	from, _ := r.Cursor(Kind)
	for e, err := range r.Arrivals(from) {
		if err != nil {
			return "", fmt.Errorf("look for the stage of %q: %w", clip.Text(subject), err)
		}
		if e.Kind != Kind || e.Subject != subject {
			continue
		}
		if r.Own(e.Author) {
			appended = last{} // it has arrived, or was followed by what has
		}
		if t := Parse(e); t.Malformed == nil {
			l = l.or(t)
		}
	}
	if !appended.after.IsZero() {
		return appended.stage, nil
	}
	return l.stage, nil
}
