package request

import (
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// WithHeader returns headers, which it leaves alone, with a header more, or with another value for one that is there.
func WithHeader(headers []crdt.EventHeader, name, value string) []crdt.EventHeader {
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
