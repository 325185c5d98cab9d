package ownend

import (
	"bytes"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Authors are who has written to a log: who does, and those before it, the last first.
type Authors []crdt.Author

// ParseAuthors reads who wrote before author, as Encode has written them.
func ParseAuthors(author crdt.Author, formerly []byte) (Authors, error) {
	all := Authors{author}
	for a := range slices.Chunk(formerly, len(author)) {
		if len(a) != len(author) {
			return nil, record.ErrLength
		}
		all = append(all, crdt.Author(a))
	}
	return all, nil
}

// Encode returns all of them, as what stands before whoever writes next.
func (a Authors) Encode() []byte {
	var b bytes.Buffer
	for _, author := range a {
		b.Write(author[:])
	}
	return b.Bytes()
}

// Own reports whether an author is one of them.
func (a Authors) Own(author crdt.Author) bool { return slices.Contains(a, author) }

// Present returns how the node begins of who writes now, for one who did; any other as it is.
func (a Authors) Present(node [8]byte) [8]byte {
	if slices.ContainsFunc(a, func(author crdt.Author) bool { return [8]byte(author[:8]) == node }) {
		return [8]byte(a[0][:8])
	}
	return node
}

// Alike reports whether a is b or was b before it was damaged: of what is random, two have hardly a byte in common.
func Alike(a, b []byte) bool {
	same := 0
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			same++
		}
	}
	return same > len(b)/2
}
