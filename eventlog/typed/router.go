package typed

import (
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/quipulog/quipu/eventlog"
)

// Router hands entries to functions for their types. Beside an entry a function is given an X: *eventlog.Tx
// where the router is the function of a follower, and else mostly a context.
type Router[X any] struct {
	cfg   RouterConfig[X]
	table table[Handler[X]]

	mu      sync.Mutex
	skipped Skipped // guarded by mu
}

// RouterConfig says what becomes of entries that no function of a [Router] is called with.
type RouterConfig[X any] struct {
	// Unknown is called with entries that have no handler. Nil: such entries are skipped and counted, see
	// [Router.Skipped].
	Unknown func(x X, e eventlog.Entry) error
	// Unreadable is called with entries of a handler's type that cannot be decoded, and the error of
	// [Type.Decode]. Nil: [Router.Route] returns that error.
	Unreadable func(x X, e eventlog.Entry, err error) error
}

// Handler is a function for the entries of a type, see [Handle].
type Handler[X any] struct {
	name name
	// decode returns the call of the function with what the entry says.
	decode func(e eventlog.Entry) (call func(x X) error, err error)
}

// Handle says that fn is called with the entries of a type. An entry that fn keeps is cloned, see
// [Entry].
func Handle[X, T any](t *Type[T], fn func(x X, e Entry[T]) error) Handler[X] {
	return Handler[X]{name: t.name(), decode: func(e eventlog.Entry) (func(X) error, error) {
		typed, err := t.Decode(e)
		if err != nil {
			return nil, err
		}
		return func(x X) error { return fn(x, typed) }, nil
	}}
}

// NewRouter returns a router. No two handlers are for the same kind and module; the handler of a type of
// one instance comes before that of the type of all.
func NewRouter[X any](cfg RouterConfig[X], handlers ...Handler[X]) (*Router[X], error) {
	r := &Router[X]{cfg: cfg, table: make(table[Handler[X]], len(handlers))}
	for _, h := range handlers {
		if err := r.table.add(h.name, h); err != nil {
			return nil, fmt.Errorf("new router: %w", err)
		}
	}
	return r, nil
}

// Kinds returns the kinds that have handlers, in order, each once: a filter for a query or a follower.
func (r *Router[X]) Kinds() []string { return r.table.kinds() }

// Route calls the functions for entries in their order, up to the first error, which it returns with the
// place of the entry. The Route of a Router of *eventlog.Tx is the function of a follower.
func (r *Router[X]) Route(x X, entries []eventlog.Entry) error {
	for _, e := range entries {
		if err := r.route(x, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *Router[X]) route(x X, e eventlog.Entry) error {
	h, ok := r.table.find(e.Event)
	if !ok {
		if r.cfg.Unknown == nil {
			r.skip(e.Kind)
			return nil
		}
		return at(e, r.cfg.Unknown(x, e))
	}
	call, err := h.decode(e)
	switch {
	case err == nil:
		return at(e, call(x))
	case r.cfg.Unreadable != nil:
		return at(e, r.cfg.Unreadable(x, e, err))
	}
	return err
}

// at says which entry a function returned err for.
func at(e eventlog.Entry, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("handle %q at %s: %w", e.Kind, e.Place(), err)
}

// maxSkippedKinds bounds the kinds that a router counts one by one: anybody may think of new ones.
const maxSkippedKinds = 100

// Skipped says what a router has skipped since it was made. An entry that the router was given again after
// a failed transaction counts again.
type Skipped struct {
	// Entries is how many entries were skipped.
	Entries uint64
	// Kinds says how many entries of each kind were skipped, for the first 100 kinds that were met.
	Kinds map[string]uint64
}

// Skipped returns what the router skipped so far. It may be called while Route runs.
func (r *Router[X]) Skipped() Skipped {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Skipped{Entries: r.skipped.Entries, Kinds: maps.Clone(r.skipped.Kinds)}
}

func (r *Router[X]) skip(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skipped.Entries++
	if r.skipped.Kinds == nil {
		r.skipped.Kinds = make(map[string]uint64)
	}
	if _, met := r.skipped.Kinds[kind]; met || len(r.skipped.Kinds) < maxSkippedKinds {
		r.skipped.Kinds[strings.Clone(kind)]++
	}
}
