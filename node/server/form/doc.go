// Package form declares the JSON forms of types that read and write their own, as a schema can be made of them: the
// names of their fields in Go say nothing of what they are called outside.
//
// A form is a struct with the fields of a JSON object, or a text that says which texts it takes; [Of] says which type
// has which. Lengths are in characters, of which a text never has more than bytes, which the node counts.
package form

import (
	"reflect"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// Of says which form a type has.
var Of = map[reflect.Type]reflect.Type{
	reflect.TypeFor[crdt.Event]():        reflect.TypeFor[Event](),
	reflect.TypeFor[crdt.Entry]():        reflect.TypeFor[Entry](),
	reflect.TypeFor[eventlog.Entry]():    reflect.TypeFor[Entry](),
	reflect.TypeFor[api.Entry]():         reflect.TypeFor[Entry](),
	reflect.TypeFor[crdt.Broadcast]():    reflect.TypeFor[Broadcast](),
	reflect.TypeFor[crdt.EntryProof]():   reflect.TypeFor[EntryProof](),
	reflect.TypeFor[crdt.Author]():       reflect.TypeFor[author](),
	reflect.TypeFor[crdt.Place]():        reflect.TypeFor[place](),
	reflect.TypeFor[crdt.Clock]():        reflect.TypeFor[clock](),
	reflect.TypeFor[crdt.Hash]():         reflect.TypeFor[hash](),
	reflect.TypeFor[crdt.OpID]():         reflect.TypeFor[hash](),
	reflect.TypeFor[crdt.LogID]():        reflect.TypeFor[log](),
	reflect.TypeFor[backup.ID]():         reflect.TypeFor[hash](),
	reflect.TypeFor[elsewhere.Holding](): reflect.TypeFor[holding](),
	reflect.TypeFor[age.Time]():          reflect.TypeFor[moment](),
	reflect.TypeFor[age.Age]():           reflect.TypeFor[span](),
}
