package eventlog

import (
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// HeaderBy is the header that says which follower has emitted an entry, by its name: it stands with
// everything that a handler of [Log.Follow] appends through its [Tx]. An event that brings the header
// along, most often copied from the entry at hand, gets the follower's name in its place.
//
// A follower is not given what it emitted itself: entries of this node's author that name it. What a
// follower of the same name has emitted on another node is an entry like any other.
const HeaderBy = "quipu-by"

// withHeader returns headers, which it leaves alone, with a header more, or with another value for one
// that is there.
func withHeader(headers []crdt.EventHeader, name, value string) []crdt.EventHeader {
	h := crdt.EventHeader{Name: name, Value: value}
	at, found := slices.BinarySearchFunc(headers, name, func(h crdt.EventHeader, name string) int {
		return strings.Compare(h.Name, name)
	})
	with := slices.Clone(headers)
	if found {
		with[at] = h
		return with
	}
	return slices.Insert(with, at, h)
}
