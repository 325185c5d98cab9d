package typed

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// AnyType is a *[Type] of any Go type.
type AnyType interface {
	Kind() string
	Module() string
	name() name
	decodeAny(e eventlog.Entry) (Entry[any], error)
}

func (t *Type[T]) decodeAny(e eventlog.Entry) (Entry[any], error) {
	typed, err := t.Decode(e)
	out := Entry[any]{Entry: e, Version: typed.Version, Instance: typed.Instance}
	if err == nil {
		out.Value = typed.Value
	}
	return out, err
}

// UnknownError is returned for an entry that no type of a [Set] stands for.
type UnknownError struct {
	Place        crdt.Place
	Kind, Module string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("entry %s has kind %q and module %q, which no type stands for", e.Place, e.Kind, e.Module)
}

// Set decodes the entries of several types. It does not change; many goroutines may use it at once.
type Set struct {
	table table[AnyType]
}

// NewSet returns the set of some types. No two of them have the same kind and module; a type of one
// instance comes before the type of all.
func NewSet(types ...AnyType) (*Set, error) {
	s := &Set{table: make(table[AnyType], len(types))}
	for _, t := range types {
		if err := s.table.add(t.name(), t); err != nil {
			return nil, fmt.Errorf("new set: %w", err)
		}
	}
	return s, nil
}

// Decode returns the entry with a value of the Go type that its kind and module stand for, to be told
// apart by a type switch. Its errors are those of [Type.Decode], and [*UnknownError]. Beside an error the
// entry is returned as it is, with a nil Value.
func (s *Set) Decode(e eventlog.Entry) (Entry[any], error) {
	t, ok := s.table.find(e.Event)
	if !ok {
		return Entry[any]{Entry: e}, &UnknownError{Place: e.Place(), Kind: e.Kind, Module: e.Module}
	}
	return t.decodeAny(e)
}

// Kinds returns the kinds of the types, in order, each once.
func (s *Set) Kinds() []string { return s.table.kinds() }

// Read yields the entries of the set's types that the query takes; the query's kinds are set to those of
// the set. All else is as in [Type.Read].
func (s *Set) Read(ctx context.Context, log *eventlog.Log, q eventlog.Query) iter.Seq2[Entry[any], error] {
	return s.each(q, func(q eventlog.Query) iter.Seq2[eventlog.Entry, error] { return log.Entries(ctx, q) })
}

// Tail is to [Set.Read] what [Type.Tail] is to [Type.Read].
func (s *Set) Tail(ctx context.Context, log *eventlog.Log, q eventlog.Query) iter.Seq2[Entry[any], error] {
	return s.each(q, func(q eventlog.Query) iter.Seq2[eventlog.Entry, error] { return log.Tail(ctx, q) })
}

func (s *Set) each(q eventlog.Query, read func(eventlog.Query) iter.Seq2[eventlog.Entry, error]) iter.Seq2[Entry[any], error] {
	if len(s.table) == 0 {
		// A query without kinds would read everything.
		return func(func(Entry[any], error) bool) {}
	}
	q.Kinds = s.Kinds()
	q, limit := withoutLimit(q)
	return decodeEach(read(q), limit, s)
}

func (s *Set) takes(e crdt.Event) bool {
	_, ok := s.table.find(e)
	return ok
}

// table finds what stands for an entry by its kind and module.
type table[V any] map[name]V

func (t table[V]) add(n name, v V) error {
	if _, taken := t[n]; taken {
		return fmt.Errorf("kind %q of module %q is there twice: expected each once", n.kind, n.module)
	}
	t[n] = v
	return nil
}

// find looks for the instance of the module first, and then for its kind.
func (t table[V]) find(e crdt.Event) (V, bool) {
	v, ok := t[name{e.Kind, e.Module}]
	if ok {
		return v, true
	}
	module, instance, _ := strings.Cut(e.Module, "/")
	if module == "" || instance == "" {
		return v, false
	}
	v, ok = t[name{e.Kind, module}]
	return v, ok
}

func (t table[V]) kinds() []string {
	kinds := make([]string, 0, len(t))
	for n := range maps.Keys(t) {
		kinds = append(kinds, n.kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}
