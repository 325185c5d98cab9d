package typed

import (
	"context"
	"iter"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Query returns q with its kinds set to that of the type and, if the type is of one instance, its modules
// set to that instance's: for [eventlog.Log.Page], and for what filters as a query does. A type of all
// instances leaves the modules of q alone; entries of other modules may be among those that the query
// takes.
func (t *Type[T]) Query(q eventlog.Query) eventlog.Query {
	q.Kinds = []string{t.d.Kind}
	if t.instance != "" || t.d.Module == "" {
		q.Modules = []string{t.Module()}
	}
	return q
}

// Read yields the entries of the type that the query takes, in its order; see [Type.Query] for the kinds
// and modules of q. Entries of that kind and another module are left out.
//
// An entry that cannot be decoded comes with the error of [Type.Decode], and the next entry follows if the
// loop goes on. Other errors are those of [eventlog.Log.Entries], and end the iteration.
func (t *Type[T]) Read(ctx context.Context, log *eventlog.Log, q eventlog.Query) iter.Seq2[Entry[T], error] {
	q, limit := withoutLimit(t.Query(q))
	return decodeEach(log.Entries(ctx, q), limit, t)
}

// Tail yields what is there and then what arrives, until ctx ends, as [eventlog.Log.Tail] does. All else is
// as in [Type.Read].
func (t *Type[T]) Tail(ctx context.Context, log *eventlog.Log, q eventlog.Query) iter.Seq2[Entry[T], error] {
	q, limit := withoutLimit(t.Query(q))
	return decodeEach(log.Tail(ctx, q), limit, t)
}

func (t *Type[T]) takes(e crdt.Event) bool {
	_, ok := t.takesModule(e.Module)
	return ok && e.Kind == t.d.Kind
}

// withoutLimit takes a limit out of the query, since it counts entries of the type only.
func withoutLimit(q eventlog.Query) (eventlog.Query, int) {
	limit := q.Limit
	if limit > 0 {
		q.Limit = 0
	}
	return q, limit
}

// decoder decodes the entries that it takes: a [Type] or a [Set].
type decoder[T any] interface {
	takes(e crdt.Event) bool
	Decode(e eventlog.Entry) (Entry[T], error)
}

// decodeEach decodes those entries that d takes, up to limit if that is not 0.
func decodeEach[T any](entries iter.Seq2[eventlog.Entry, error], limit int, d decoder[T]) iter.Seq2[Entry[T], error] {
	return func(yield func(Entry[T], error) bool) {
		n := 0
		for e, err := range entries {
			if err != nil {
				yield(Entry[T]{}, err)
				return
			}
			if e.Gone > 0 { // nobody knows the kind, and the query asks to be shown
				if !yield(Entry[T]{Entry: e}, nil) {
					return
				}
				continue
			}
			if !d.takes(e.Event) {
				continue
			}
			n++
			if !yield(d.Decode(e)) || n == limit {
				return
			}
		}
	}
}
