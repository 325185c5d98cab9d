package query

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// CheckListen says why a query cannot be listened with, or nil.
func (q *Query) CheckListen() error {
	switch {
	case q.Order != ByAuthor || q.Reverse || q.Page != "" || q.From != nil || q.FromOffset != 0:
		return fmt.Errorf("%w: what is listened to stands nowhere: it has no order, page, place or offset", ErrQuery)
	case q.Disputed == OnlyDisputed:
		return fmt.Errorf("%w: no transient event is disputed", ErrQuery)
	}
	return q.Check()
}

// Hears returns what of the query says which transient events it takes.
func (q *Query) Hears() func(crdt.Broadcast) bool {
	f := q.Filter()
	return func(b crdt.Broadcast) bool {
		return f.TakesAuthor(b.Author) && f.Takes(&crdt.Entry{Event: b.Event, Author: b.Author}, 0)
	}
}
